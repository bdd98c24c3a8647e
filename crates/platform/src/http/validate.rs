//! Collects what is wrong with the fields of a request, so that one rejection reports all of it.

use std::{fmt::Display, ops::RangeInclusive};

use domain::{
    email::EmailAddress,
    rejection::{FIELD_ERRORS_MAX, FieldError, Rejection},
    text::is_blank,
};

/// Collects field errors; [`Fields::finish`] turns them into one refusal.
#[derive(Debug, Default)]
pub struct Fields {
    errors: Vec<FieldError>,
}

impl Fields {
    /// Nothing wrong so far.
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes that a field breaks a constraint; `problem` follows its name in the sentence.
    pub fn refuse(
        &mut self,
        field: impl Into<String>,
        constraint: &str,
        problem: impl Display,
    ) -> &mut Self {
        self.note(|| {
            let field = field.into();
            let message = format!("{field} {problem}");
            FieldError::new(field, constraint, message)
        });
        self
    }

    /// Keeps one more than are reported: enough to know that there are more.
    fn note(&mut self, error: impl FnOnce() -> FieldError) {
        if self.errors.len() <= FIELD_ERRORS_MAX {
            self.errors.push(error());
        }
    }

    /// Notes a missing field.
    pub fn required(&mut self, field: impl Into<String>) -> &mut Self {
        self.note(|| FieldError::required(field));
        self
    }

    /// Notes a problem unless `holds`.
    pub fn check(
        &mut self,
        holds: bool,
        field: impl Into<String>,
        constraint: &str,
        problem: impl Display,
    ) -> &mut Self {
        if !holds {
            self.refuse(field, constraint, problem);
        }
        self
    }

    /// One line of text of so many characters, not blank ([`is_blank`]) and without control characters.
    pub fn text(&mut self, field: &str, value: &str, length: RangeInclusive<usize>) -> &mut Self {
        let one_line = !value.chars().any(char::is_control);
        self.prose(field, value, length).check(
            one_line,
            field,
            "characters",
            "must be one line of plain text",
        )
    }

    /// Text of so many characters that may have several lines, not blank unless it may be empty.
    pub fn prose(&mut self, field: &str, value: &str, length: RangeInclusive<usize>) -> &mut Self {
        let count = value.chars().count();
        if *length.start() > 0 && is_blank(value) {
            return self.required(field);
        }
        if count < *length.start() {
            let problem = format!("must have at least {} characters", length.start());
            return self.refuse(field, "min_length", problem);
        }
        if count > *length.end() {
            let problem = format!("must have at most {} characters", length.end());
            return self.refuse(field, "max_length", problem);
        }
        self
    }

    /// As [`Fields::text`], where there is a value.
    pub fn optional_text(
        &mut self,
        field: &str,
        value: Option<&str>,
        length: RangeInclusive<usize>,
    ) -> &mut Self {
        match value {
            Some(value) => self.text(field, value, length),
            None => self,
        }
    }

    /// An e-mail address that mail can reach.
    pub fn email(&mut self, field: &str, value: &str) -> &mut Self {
        if value.is_empty() {
            return self.required(field);
        }
        self.check(
            EmailAddress::parse(value).is_some(),
            field,
            "format",
            "must be an e-mail address",
        )
    }

    /// A number within bounds.
    pub fn range<N: PartialOrd + Display>(
        &mut self,
        field: &str,
        value: N,
        bounds: RangeInclusive<N>,
    ) -> &mut Self {
        let problem = format!("must be {} to {}", bounds.start(), bounds.end());
        self.check(bounds.contains(&value), field, "range", problem)
    }

    /// One of a few words.
    pub fn one_of(&mut self, field: &str, value: &str, words: &[&str]) -> &mut Self {
        self.check(
            words.contains(&value),
            field,
            "one_of",
            format!("must be one of {}", words.join(", ")),
        )
    }

    /// A list of at most so many items.
    pub fn at_most(&mut self, field: &str, count: usize, most: usize) -> &mut Self {
        self.check(
            count <= most,
            field,
            "max_items",
            format!("must have at most {most} items"),
        )
    }

    /// Takes over the field errors of a part of the request, with its path in front of theirs. Any other
    /// rejection is given back.
    pub fn nested<T>(
        &mut self,
        path: &str,
        part: Result<T, Rejection>,
    ) -> Result<Option<T>, Rejection> {
        match part {
            Ok(value) => Ok(Some(value)),
            Err(Rejection::Validation { errors }) => {
                for FieldError {
                    field,
                    constraint,
                    message,
                } in errors
                {
                    self.note(|| FieldError {
                        field: format!("{path}.{field}"),
                        constraint,
                        message,
                    });
                }
                Ok(None)
            }
            Err(other) => Err(other),
        }
    }

    /// Takes over the field errors of another check of the same request. Any other rejection is given back.
    pub fn take<T>(&mut self, checked: Result<T, Rejection>) -> Result<Option<T>, Rejection> {
        match checked {
            Ok(value) => Ok(Some(value)),
            Err(Rejection::Validation { errors }) => {
                for error in errors {
                    self.note(|| error);
                }
                Ok(None)
            }
            Err(other) => Err(other),
        }
    }

    /// Refuses with everything that was noted, in that order.
    pub fn finish(self) -> Result<(), Rejection> {
        if self.errors.is_empty() {
            Ok(())
        } else {
            Err(Rejection::Validation {
                errors: self.errors,
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_wrong_is_collected_in_order() {
        let mut fields = Fields::new();
        fields
            .text("name", "  ", 1..=200)
            .text("note", "a\nb", 1..=200)
            .text("title", "long", 1..=3)
            .email("email", "nobody")
            .range("limit", 0, 1..=100)
            .one_of("side", "LEFT", &["BUY", "SELL"]);
        let Err(Rejection::Validation { errors }) = fields.finish() else {
            panic!("it should be refused")
        };
        let found: Vec<_> = errors
            .iter()
            .map(|error| (error.field.as_str(), error.constraint.as_str()))
            .collect();
        assert_eq!(
            found,
            [
                ("name", "required"),
                ("note", "characters"),
                ("title", "max_length"),
                ("email", "format"),
                ("limit", "range"),
                ("side", "one_of")
            ]
        );
        assert_eq!(errors[2].message, "title must have at most 3 characters");
    }

    #[test]
    fn nested_errors_get_their_path() {
        let mut fields = Fields::new();
        let inner: Result<(), _> = Err(Rejection::required("street"));
        assert_eq!(fields.nested("propertyAddress", inner), Ok(None));
        assert_eq!(
            fields.nested::<()>("x", Err(Rejection::NotFound)),
            Err(Rejection::NotFound)
        );
        let Err(Rejection::Validation { errors }) = fields.finish() else {
            panic!("it should be refused")
        };
        assert_eq!(errors[0].field, "propertyAddress.street");
    }
}
