//! Words for people out of the names that templates and tables use.

/// `closing_date` → `Closing date`.
pub(crate) fn title(key: &str) -> String {
    let words = key.replace('_', " ");
    let mut signs = words.chars();
    match signs.next() {
        Some(first) => first.to_uppercase().chain(signs).collect(),
        None => words,
    }
}
