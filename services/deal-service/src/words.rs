//! Words for people out of the names that templates and tables use.

use time::Date;

/// `closing_date` → `Closing date`.
pub(crate) fn title(key: &str) -> String {
    let words = key.replace('_', " ");
    let mut signs = words.chars();
    match signs.next() {
        Some(first) => first.to_uppercase().chain(signs).collect(),
        None => words,
    }
}

/// `title_escrow` → `title escrow`.
pub(crate) fn lower(key: &str) -> String {
    key.replace('_', " ")
}

/// `2026-04-05` → `Sunday, April 5, 2026`.
pub(crate) fn long_date(date: Date) -> String {
    format!(
        "{}, {} {}, {}",
        date.weekday(),
        date.month(),
        date.day(),
        date.year()
    )
}
