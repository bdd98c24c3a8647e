//! A text to search for: what its words are, and which part of a name each may be.

use crate::rejection::Rejection;

/// Longest text to search for, in characters: nobody types as much into one field to find something by its name.
pub const QUERY_LENGTH_MAX: usize = 100;
/// Most words of a text to search for: a whole address with the name of the deal has as many.
pub const WORDS_MAX: usize = 12;

/// From so many letters and digits on, a word is found within others; a shorter one only where a word begins with it.
const WITHIN_LENGTH_MIN: usize = 3;

/// A text to search for, with a word that can be found in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchText {
    text: String,
    words: Vec<String>,
}

impl SearchText {
    /// Reads the text of a query's `field`. Signs between words count for nothing.
    ///
    /// # Errors
    /// `max_length`, `required` without any letter or digit, `max_items` for more words than are searched for.
    pub fn parse(field: &str, text: &str) -> Result<Self, Rejection> {
        if text.chars().count() > QUERY_LENGTH_MAX {
            let message = format!("{field} must have at most {QUERY_LENGTH_MAX} characters");
            return Err(Rejection::field(field, "max_length", message));
        }
        let mut words: Vec<String> = text
            .split(|sign: char| sign.is_whitespace() || sign.is_control())
            .filter(|word| word.chars().any(char::is_alphanumeric))
            .map(str::to_owned)
            .collect();
        if words.is_empty() {
            let message = format!("{field} needs a letter or a digit to search for");
            return Err(Rejection::field(field, "required", message));
        }
        if words.len() > WORDS_MAX {
            let message = format!("{field} must have at most {WORDS_MAX} words");
            return Err(Rejection::field(field, "max_items", message));
        }
        let text = words.join(" ");
        words.sort_by_key(|word| std::cmp::Reverse(longest_run(word)));
        Ok(Self { text, words })
    }

    /// The words as typed, with a blank between each two.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// A SQL `LIKE` pattern for each word, the longest first. A name with a blank in front matches if it contains the
    /// word.
    #[must_use]
    pub fn patterns(&self) -> Vec<String> {
        let pattern = |word: &String| {
            let begins = if longest_run(word) < WITHIN_LENGTH_MIN {
                " "
            } else {
                ""
            };
            format!("%{begins}{}%", literal(word))
        };
        self.words.iter().map(pattern).collect()
    }
}

/// The longest run of letters and digits: what a trigram index can find a word by.
fn longest_run(word: &str) -> usize {
    word.split(|sign: char| !sign.is_alphanumeric())
        .map(|run| run.chars().count())
        .max()
        .unwrap_or(0)
}

/// The text with the signs that a pattern of SQL's `LIKE` reads as wildcards taken literally.
#[must_use]
pub fn literal(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for sign in text.chars() {
        if matches!(sign, '\\' | '%' | '_') {
            pattern.push('\\');
        }
        pattern.push(sign);
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    fn constraint(text: &str) -> String {
        let Err(Rejection::Validation { errors }) = SearchText::parse("q", text) else {
            return "taken".to_owned();
        };
        errors
            .iter()
            .map(|error| format!("{} {}", error.field, error.constraint))
            .collect()
    }

    #[test]
    fn a_text_to_search_for_is_bounded_in_length_and_words_and_has_something_to_find() {
        let (longest, longer) = (
            "x".repeat(QUERY_LENGTH_MAX),
            "x".repeat(QUERY_LENGTH_MAX + 1),
        );
        let (most, more) = ("ab ".repeat(WORDS_MAX), "ab ".repeat(WORDS_MAX + 1));
        for (text, expected, why) in [
            (longest.as_str(), "taken", "the longest"),
            (&longer, "q max_length", "one character more"),
            (&most, "taken", "as many words as are searched for"),
            (&more, "q max_items", "one word more"),
            ("  ", "q required", "blanks"),
            ("% _ -", "q required", "signs alone"),
            ("ñ", "taken", "one letter"),
        ] {
            assert_eq!(constraint(text), expected, "{why}");
        }
    }

    #[test]
    fn short_words_begin_a_word_and_longer_ones_are_found_within() {
        for (text, expected, why) in [
            ("maple 4", vec!["%maple%", "% 4%"], "a street and a number"),
            ("4 maple", vec!["%maple%", "% 4%"], "the longest word leads"),
            (
                r"50%_\ off",
                vec!["%off%", r"% 50\%\_\\%"],
                "wildcards are taken literally",
            ),
            ("a-b - c", vec!["% a-b%", "% c%"], "signs between words"),
        ] {
            let patterns = SearchText::parse("q", text).map(|text| text.patterns());
            assert_eq!(
                patterns,
                Ok(expected.into_iter().map(str::to_owned).collect()),
                "{why}"
            );
        }
    }

    #[test]
    fn wildcards_in_a_search_are_taken_literally() {
        assert_eq!(literal(r"50%_\"), r"50\%\_\\");
    }
}
