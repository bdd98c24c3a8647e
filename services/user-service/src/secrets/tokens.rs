//! Refresh, invitation and reset tokens: each is an HMAC over what it represents.
//!
//! None is stored, in no form: the database, the events and the logs reveal no token. The successor of a refresh token
//! follows from family and generation, so the immediate predecessor can be given the same successor again.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use platform::config::Key32;
use ring::hmac;
use time::OffsetDateTime;
use uuid::Uuid;

/// The key that makes tokens and checks them, and one whose tokens are taken as well.
#[derive(Clone, Debug)]
pub struct TokenKey {
    own: hmac::Key,
    also: Option<hmac::Key>,
}

/// What a refresh token represents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefreshClaim {
    /// The session, which is the family of all its refresh tokens.
    pub session_id: Uuid,
    /// Its place in the family, from 1.
    pub generation: i32,
}

/// An invitation or reset token as it came, not yet checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SingleUseToken {
    /// The user or reset that it claims to be for.
    pub id: Uuid,
    mac: Vec<u8>,
}

/// What a digest is made of.
#[derive(Clone, Copy, Debug)]
pub enum Digest<'a> {
    /// An account, by its user.
    Account(Uuid),
    /// An address without an account, in its normal form.
    Address(&'a str),
    /// A client's network.
    Network(&'a str),
    /// All mails for an organization.
    MailsOf(Uuid),
    /// The invitations of an organization.
    InvitationsOf(Uuid),
    /// All mails to an address, in its normal form.
    MailsTo(&'a str),
}

impl TokenKey {
    /// Keys from their bytes.
    pub fn new(own: &Key32, also: Option<&Key32>) -> Self {
        let key = |bytes: &Key32| hmac::Key::new(hmac::HMAC_SHA256, bytes.expose());
        Self {
            own: key(own),
            also: also.map(key),
        }
    }

    /// The refresh token of a family and generation.
    pub fn refresh(&self, claim: RefreshClaim) -> String {
        let head = format!("{}.{}", claim.session_id.simple(), claim.generation);
        format!("{head}.{}", self.mac(&format!("refresh {head}")))
    }

    /// The claim of a refresh token, if we made it.
    pub fn verify_refresh(&self, token: &str) -> Option<RefreshClaim> {
        let (head, mac) = token.rsplit_once('.')?;
        self.check(
            &format!("refresh {head}"),
            &URL_SAFE_NO_PAD.decode(mac).ok()?,
        )?;
        let (session_id, generation) = head.split_once('.')?;
        Some(RefreshClaim {
            session_id: Uuid::try_parse(session_id).ok()?,
            generation: generation.parse().ok()?,
        })
    }

    /// The token of a user's invitation. Another `invited_until` makes another token, so renewing an
    /// invitation withdraws the old one.
    pub fn invitation(&self, user_id: Uuid, invited_until: OffsetDateTime) -> String {
        format!(
            "{}.{}",
            user_id.simple(),
            self.mac(&invitation(user_id, invited_until))
        )
    }

    /// Whether the token is that of this very invitation.
    pub fn is_invitation(&self, token: &SingleUseToken, invited_until: OffsetDateTime) -> bool {
        self.check(&invitation(token.id, invited_until), &token.mac)
            .is_some()
    }

    /// The token of a password reset.
    pub fn reset(&self, reset_id: Uuid) -> String {
        format!(
            "{}.{}",
            reset_id.simple(),
            self.mac(&format!("reset {reset_id}"))
        )
    }

    /// Whether the token is that of the reset it names.
    pub fn is_reset(&self, token: &SingleUseToken) -> bool {
        self.check(&format!("reset {}", token.id), &token.mac)
            .is_some()
    }

    /// The token that shows that mail to this user's address arrives.
    pub fn verification(&self, user_id: Uuid, email_key: &str) -> String {
        format!(
            "{}.{}",
            user_id.simple(),
            self.mac(&verification(user_id, email_key))
        )
    }

    /// Whether the token is the one that was mailed to this address of the user it names.
    pub fn is_verification(&self, token: &SingleUseToken, email_key: &str) -> bool {
        self.check(&verification(token.id, email_key), &token.mac)
            .is_some()
    }

    /// A keyed digest, to count or compare by without keeping the text.
    pub fn digest(&self, of: Digest<'_>) -> Vec<u8> {
        let text = match of {
            Digest::Account(id) => format!("account {id}"),
            Digest::Address(email_key) => format!("address {email_key}"),
            Digest::Network(network) => format!("network {network}"),
            Digest::MailsOf(organization_id) => format!("mails of {organization_id}"),
            Digest::InvitationsOf(organization_id) => format!("invitations of {organization_id}"),
            Digest::MailsTo(email_key) => format!("mails to {email_key}"),
        };
        hmac::sign(&self.own, text.as_bytes()).as_ref().to_vec()
    }

    fn mac(&self, text: &str) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.own, text.as_bytes()))
    }

    /// Compares in constant time.
    fn check(&self, text: &str, mac: &[u8]) -> Option<()> {
        let mut keys = std::iter::once(&self.own).chain(&self.also);
        keys.any(|key| hmac::verify(key, text.as_bytes(), mac).is_ok())
            .then_some(())
    }
}

impl SingleUseToken {
    /// Reads a token's two parts; `None` when it is not one of ours by its looks.
    pub fn parse(token: &str) -> Option<Self> {
        let (id, mac) = token.split_once('.')?;
        Some(Self {
            id: Uuid::try_parse(id).ok()?,
            mac: URL_SAFE_NO_PAD.decode(mac).ok()?,
        })
    }
}

fn verification(user_id: Uuid, email_key: &str) -> String {
    format!("verification {user_id} {email_key}")
}

fn invitation(user_id: Uuid, invited_until: OffsetDateTime) -> String {
    format!("invitation {user_id} {}", invited_until.unix_timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: &str) -> TokenKey {
        TokenKey::new(&byte.repeat(32).parse().unwrap(), None)
    }

    #[test]
    fn tokens_of_a_key_that_is_replaced_are_taken_before_and_after_and_not_without_it() {
        let bytes = |byte: &str| -> Key32 { byte.repeat(32).parse().unwrap() };
        let (former, next) = (bytes("ab"), bytes("cd"));
        let first = TokenKey::new(&former, Some(&next));
        let second = TokenKey::new(&next, Some(&former));
        let claim = RefreshClaim {
            session_id: Uuid::now_v7(),
            generation: 3,
        };
        for (maker, reader) in [(&first, &second), (&second, &first)] {
            assert_eq!(reader.verify_refresh(&maker.refresh(claim)), Some(claim));
        }
        let last = TokenKey::new(&next, None);
        assert_eq!(last.verify_refresh(&first.refresh(claim)), None);
        assert_eq!(last.verify_refresh(&second.refresh(claim)), Some(claim));
    }

    #[test]
    fn a_refresh_token_is_read_back_and_a_changed_one_refused() {
        let claim = RefreshClaim {
            session_id: Uuid::from_u128(7),
            generation: 3,
        };
        let token = key("01").refresh(claim);
        assert_eq!(key("01").verify_refresh(&token), Some(claim));
        assert_eq!(key("02").verify_refresh(&token), None, "another key");
        assert_eq!(
            key("01").verify_refresh(&token.replacen(".3.", ".4.", 1)),
            None,
            "another generation"
        );
        for odd in ["", ".", "..", "x.y.z", &token[..token.len() - 1]] {
            assert_eq!(key("01").verify_refresh(odd), None, "{odd}");
        }
    }

    #[test]
    fn a_token_holds_for_one_purpose_and_one_occasion() {
        let user_id = Uuid::from_u128(9);
        let until = OffsetDateTime::UNIX_EPOCH;
        let invitation = SingleUseToken::parse(&key("01").invitation(user_id, until)).unwrap();
        assert!(key("01").is_invitation(&invitation, until));
        assert!(!key("01").is_invitation(&invitation, until + time::Duration::DAY));
        assert!(!key("01").is_reset(&invitation));
        let reset = SingleUseToken::parse(&key("01").reset(user_id)).unwrap();
        assert!(key("01").is_reset(&reset));
        assert!(!key("01").is_invitation(&reset, until));
    }

    #[test]
    fn a_verification_holds_for_one_address() {
        let user_id = Uuid::from_u128(9);
        let token = key("01").verification(user_id, "a@b.example");
        let token = SingleUseToken::parse(&token).unwrap();
        assert!(key("01").is_verification(&token, "a@b.example"));
        assert!(!key("01").is_verification(&token, "b@b.example"));
        assert!(!key("01").is_reset(&token));
    }

    #[test]
    fn digests_of_different_things_differ() {
        let digest = |of| key("01").digest(of);
        assert_ne!(digest(Digest::Address("a")), digest(Digest::MailsTo("a")));
        assert_ne!(digest(Digest::Address("a")), digest(Digest::Network("a")));
        assert_eq!(digest(Digest::Address("a")), digest(Digest::Address("a")));
    }
}
