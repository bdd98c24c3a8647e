//! E-mail addresses: one check for what is taken and what is sent to, and one normal form in which two spellings of
//! a mailbox are equal.
//!
//! Only sending a mail shows whether a mailbox exists. This module refuses what no mail system can carry.

use email_address::{EmailAddress as Syntax, Options};
use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};

use crate::text::is_invisible;

/// Longest address, in octets, its domain as an A-label: what fits between the brackets of an SMTP path
/// (RFC 5321, 4.5.3.1.3). A longer one is refused.
pub const ADDRESS_OCTETS_MAX: usize = 254;
/// Longest part in front of the `@`, in octets (RFC 5321, 4.5.3.1.1). A longer one is refused.
pub const LOCAL_PART_OCTETS_MAX: usize = 64;

/// An address that mail can reach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmailAddress {
    written: String,
    local: String,
    domain: String,
    normal: String,
}

impl EmailAddress {
    /// Reads an address as people type it: `Ada@Bücher.example`. `None` when no mail could reach it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let written: String = text.nfc().collect();
        let (local, domain) = written.rsplit_once('@')?;
        let is_plain = |part: &str| part.chars().all(is_visible);
        if local.len() > LOCAL_PART_OCTETS_MAX || !is_plain(local) || !is_plain(domain) {
            return None;
        }
        let domain = idna::domain_to_ascii_strict(domain).ok()?;
        let is_numeric = |label: &str| label.bytes().all(|byte| byte.is_ascii_digit());
        if domain.rsplit('.').next().is_none_or(is_numeric) {
            return None;
        }
        let deliverable = format!("{local}@{domain}");
        let options = Options::default()
            .with_minimum_sub_domains(2)
            .without_display_text()
            .without_domain_literal();
        if deliverable.len() > ADDRESS_OCTETS_MAX
            || Syntax::parse_with_options(&deliverable, options).is_err()
        {
            return None;
        }
        Some(Self {
            normal: format!("{}@{domain}", folded(local)),
            local: local.to_owned(),
            domain,
            written,
        })
    }

    /// The address as its owner wrote it, for people to read.
    #[must_use]
    pub fn as_written(&self) -> &str {
        &self.written
    }

    /// The form to compare, count and look up by: NFC, case folded, the domain as its A-label.
    #[must_use]
    pub fn normal(&self) -> &str {
        &self.normal
    }

    /// The form to send to: the domain as its A-label.
    #[must_use]
    pub fn deliverable(&self) -> String {
        format!("{}@{}", self.local, self.domain)
    }
}

/// The normal form of the text that somebody typed to sign in. A text that is no address has no account, but attempts
/// with it are counted like any other.
#[must_use]
pub fn normal_form(text: &str) -> String {
    EmailAddress::parse(text).map_or_else(|| folded(text), |address| address.normal)
}

/// Visible characters of addresses outside quotes. Quoted local parts are left out: hardly any mailbox has one.
fn is_visible(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_graphic() && c != '"';
    }
    (c.is_alphanumeric() || is_combining_mark(c)) && !is_invisible(c)
}

/// The canonical caseless form (Unicode, 3.13): equal for texts that differ in case or composition alone.
fn folded(text: &str) -> String {
    let decomposed: String = text.nfd().collect();
    caseless::default_case_fold_str(&decomposed).nfc().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn normal(text: &str) -> Option<String> {
        EmailAddress::parse(text).map(|address| address.normal)
    }

    #[test]
    fn addresses_are_taken_as_people_have_them() {
        for good in [
            "a@example.com",
            "first.last+tag@mail.example.org",
            "o'hara_{1}@x-y.example",
            "ü@exämple.de",
            "用户@例え.テスト",
            &format!("{}@example.test", "l".repeat(64)),
            &format!("a@{}.example", "d".repeat(63)),
        ] {
            assert!(EmailAddress::parse(good).is_some(), "{good}");
        }
    }

    #[test]
    fn an_address_that_no_mail_can_reach_is_refused() {
        for odd in [
            "",
            "a",
            "a@",
            "@b.c",
            "a@b",
            "a b@c.d",
            "a@b..c",
            "a@@b.c",
            "a@-b.c",
            "a@b-.c",
            "a@b.c\n",
            "a@b.c.",
            "a@.b.c",
            "two..dots@x.example",
            ".lead@x.example",
            "trail.@x.example",
            "\"quoted\"@x.example",
            "a@[192.0.2.1]",
            "a@192.0.2.1",
            "a@under_score.example",
            "in\u{200b}visible@x.example",
            "fil\u{3164}ler@x.example",
            "a@in\u{2060}visible.example",
            "soft\u{ad}hyphen@x.example",
            "a@xn--zzzzzzzzz.example",
            "Ada <ada@x.example>",
            &format!("{}@example.test", "l".repeat(65)),
            // 33 letters of two octets each.
            &format!("{}@example.test", "ü".repeat(33)),
            &format!("a@{}.example", "d".repeat(64)),
            &format!(
                "{}@{}.example",
                "l".repeat(64),
                ["d".repeat(60), "d".repeat(60), "d".repeat(60)].join(".")
            ),
        ] {
            assert!(EmailAddress::parse(odd).is_none(), "{odd}");
        }
    }

    #[test]
    fn two_spellings_of_a_mailbox_have_one_normal_form() {
        for (one, other) in [
            ("ADA@Example.COM", "ada@example.com"),
            ("k@bücher.example", "K@xn--bcher-kva.example"),
            ("k@BÜCHER.example", "k@bu\u{308}cher.example"),
            ("ü@x.example", "U\u{308}@x.example"),
            ("straße@x.example", "STRASSE@x.example"),
            // The Kelvin sign.
            ("\u{212a}@x.example", "k@x.example"),
        ] {
            assert_eq!(normal(one), normal(other), "{one} {other}");
            assert!(normal(one).is_some(), "{one}");
        }
    }

    #[test]
    fn a_letter_that_folds_into_two_signs_is_no_spelling_of_another_mailbox() {
        // The dotted capital I.
        let folded = normal("\u{130}da@x.example");
        assert!(folded.is_some());
        assert_ne!(folded, normal("ida@x.example"));
        assert_eq!(folded, Some(normal_form("i\u{307}da@x.example")));
    }

    #[test]
    fn mail_goes_to_the_local_part_as_written_at_the_a_label() {
        let address = EmailAddress::parse("Ada@Bücher.example").unwrap();
        assert_eq!(address.as_written(), "Ada@Bücher.example");
        assert_eq!(address.deliverable(), "Ada@xn--bcher-kva.example");
        assert_eq!(address.normal(), "ada@xn--bcher-kva.example");
    }

    #[test]
    fn what_is_no_address_is_counted_in_one_form_too() {
        assert_eq!(normal_form("No Body"), normal_form("NO BODY"));
    }

    proptest! {
        #[test]
        fn the_normal_form_of_a_normal_form_is_itself(text in "\\PC{0,20}") {
            let once = normal_form(&text);
            prop_assert_eq!(normal_form(&once), once);
        }

        #[test]
        fn an_address_has_the_normal_form_of_its_normal_form(
            local in "[a-zA-Z0-9.ÄßİıſK+_-]{1,20}", domain in "[a-zA-ZäÖß0-9-]{1,10}\\.example"
        ) {
            let text = format!("{local}@{domain}");
            if let Some(address) = EmailAddress::parse(&text) {
                prop_assert_eq!(normal_form(address.normal()), address.normal());
            }
        }
    }
}
