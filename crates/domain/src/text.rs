//! Checks of free text that people type: reasons, titles, notes.

use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{DefaultIgnorableCodePoint, GeneralCategory},
};

use crate::rejection::{FieldError, Rejection};

/// The longest title, in characters.
pub const TITLE_LENGTH_MAX: usize = 200;
/// The longest reason or note, in characters.
pub const REASON_LENGTH_MAX: usize = 1_000;
/// The longest description or comment, in characters.
pub const DESCRIPTION_LENGTH_MAX: usize = 10_000;

/// A sign of the braille script without a dot: a blank that Unicode counts among the symbols.
const BRAILLE_BLANK: char = '\u{2800}';

/// Whether nobody would see anything of the text: blanks, control and format characters, and what is drawn as nothing
/// (fillers, joiners, variation selectors).
#[must_use]
pub fn is_blank(text: &str) -> bool {
    text.chars().all(is_invisible)
}

/// Whether the sign shows nothing.
pub(crate) fn is_invisible(c: char) -> bool {
    if c.is_ascii() {
        return !c.is_ascii_graphic();
    }
    c.is_whitespace()
        || c == BRAILLE_BLANK
        || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
        || matches!(
            CodePointMapData::<GeneralCategory>::new().get(c),
            GeneralCategory::Control | GeneralCategory::Format | GeneralCategory::Surrogate
        )
}

/// The text without surrounding blanks, if it is there, not too long, and free of control characters other than line
/// breaks and tabs.
///
/// # Errors
/// What is wrong with the field: `required`, `max_length` or `format`.
pub fn required(field: &str, text: &str, length_max: usize) -> Result<String, FieldError> {
    let text = text.trim();
    if is_blank(text) {
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
        Some(text) if !is_blank(text) => within(field, text, length_max).map(Some),
        _ => Ok(None),
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

    #[test]
    fn a_text_of_which_nothing_is_seen_is_no_text() {
        let invisible = [
            "\u{200b}",
            "\u{2060}",
            "\u{3164}",
            "\u{2800}",
            "\u{feff}",
            "\u{ad}",
            "\u{34f}",
            "\u{115f}",
            "\u{180e}",
            "\u{202e}",
            "\u{2066}",
            "\u{fe0f}",
            "\u{ffa0}",
            "\u{e0020}",
            "\u{600}",
            "\u{a0}",
            "\u{2028}",
            " \u{200b}\t\u{3000}",
        ];
        for text in invisible {
            assert!(is_blank(text), "{}", text.escape_unicode());
            let refused = required("name", text, 6).map_err(|error| error.constraint);
            assert_eq!(refused, Err("required".into()), "{}", text.escape_unicode());
            assert_eq!(optional("note", Some(text), 6), Ok(None));
        }
        for text in [
            "a",
            "\u{200b}a",
            "山",
            "é",
            "🏠",
            "\u{2801}",
            "-",
            "0",
            "م\u{200c}",
        ] {
            assert!(!is_blank(text), "{text}");
        }
    }
}
