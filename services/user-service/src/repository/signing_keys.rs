//! Keys that sign access tokens, the private part sealed.

use platform::{db::Tx, error::Result};
use sea_orm::FromQueryResult;
use time::OffsetDateTime;

/// A stored key.
#[derive(Debug, FromQueryResult)]
pub struct SigningKeyRow {
    /// The key's id, as in the header of tokens.
    pub kid: String,
    /// The public part, 32 bytes.
    pub public_key: Vec<u8>,
    /// The private part, sealed.
    pub private_key_encrypted: Vec<u8>,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// From when on it signs nothing more.
    pub retired_at: Option<OffsetDateTime>,
}

/// The keys that sign or whose tokens may still be in use: retired after `since`, or not at all. Newest first.
pub async fn published(tx: &Tx, since: OffsetDateTime) -> Result<Vec<SigningKeyRow>> {
    tx.all(
        "SELECT kid, public_key, private_key_encrypted, created_at, retired_at FROM signing_keys
          WHERE retired_at IS NULL OR retired_at > $1 ORDER BY created_at DESC, kid LIMIT 20",
        [since.into()],
    )
    .await
}

/// Holds back other processes that would make a first key or rotate, until the end of the session.
pub async fn lock(tx: &Tx) -> Result<()> {
    tx.run(
        "SELECT pg_advisory_xact_lock(hashtext('identity.signing_keys'))",
        [],
    )
    .await?;
    Ok(())
}

/// Stores a new key.
pub async fn insert(
    tx: &Tx,
    kid: &str,
    public_key: &[u8],
    private_key_encrypted: &[u8],
) -> Result<()> {
    tx.run(
        "INSERT INTO signing_keys (kid, public_key, private_key_encrypted) VALUES ($1, $2, $3)",
        [
            kid.into(),
            public_key.to_vec().into(),
            private_key_encrypted.to_vec().into(),
        ],
    )
    .await?;
    Ok(())
}

/// Retires every key but one at an instant; those retired before stay as they are.
pub async fn retire_others(tx: &Tx, kid: &str, at: OffsetDateTime) -> Result<()> {
    tx.run(
        "UPDATE signing_keys SET retired_at = $2 WHERE kid <> $1 AND retired_at IS NULL",
        [kid.into(), at.into()],
    )
    .await?;
    Ok(())
}
