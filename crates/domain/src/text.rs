//! Checks of free text that people type: reasons, titles, notes.

use crate::rejection::{FieldError, Rejection};

/// The longest title, in characters.
pub const TITLE_LENGTH_MAX: usize = 200;
/// The longest reason or note, in characters.
pub const REASON_LENGTH_MAX: usize = 1_000;
/// The longest description or comment, in characters.
pub const DESCRIPTION_LENGTH_MAX: usize = 10_000;

/// The text without surrounding blanks, if it is there, not too long, and free of control characters other than line
/// breaks and tabs.
///
/// # Errors
/// What is wrong with the field: `required`, `max_length` or `format`.
pub fn required(field: &str, text: &str, length_max: usize) -> Result<String, FieldError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(FieldError::required(field));
    }
    within(field, text, length_max)
}

/// As [`required`], but blank text is no text.
///
/// # Errors
/// What is wrong with the field: `max_length` or `format`.
pub fn optional(
    field: &str,
    text: Option<&str>,
    length_max: usize,
) -> Result<Option<String>, FieldError> {
    match text.map(str::trim) {
        None | Some("") => Ok(None),
        Some(text) => within(field, text, length_max).map(Some),
    }
}

/// The reason that a step needs.
///
/// # Errors
/// A validation rejection on `reason`.
pub fn reason(text: &str) -> Result<String, Rejection> {
    required("reason", text, REASON_LENGTH_MAX).map_err(|error| Rejection::Validation {
        errors: vec![error],
    })
}

fn within(field: &str, text: &str, length_max: usize) -> Result<String, FieldError> {
    if text.chars().count() > length_max {
        let message = format!("{field} is longer than {length_max} characters");
        return Err(FieldError::new(field, "max_length", message));
    }
    if text
        .chars()
        .any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
    {
        return Err(FieldError::new(
            field,
            "format",
            format!("{field} contains a control character"),
        ));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_trimmed_and_measured_in_characters() {
        assert_eq!(required("title", "  Zürich ", 6).as_deref(), Ok("Zürich"));
        assert_eq!(
            required("title", "Zürich!", 6).map_err(|e| e.constraint),
            Err("max_length".into())
        );
        assert_eq!(
            required("title", " \n", 6).map_err(|e| e.constraint),
            Err("required".into())
        );
        assert_eq!(
            required("title", "a\0b", 6).map_err(|e| e.constraint),
            Err("format".into())
        );
        assert_eq!(optional("note", Some("  "), 6), Ok(None));
    }
}
