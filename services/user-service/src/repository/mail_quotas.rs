//! How many mails went out today, for an organization and to an address.

use platform::{db::Tx, error::Result};
use time::Date;

/// A count of mails, and how far it may go in a day.
#[derive(Clone, Debug)]
pub struct Quota {
    /// What is counted, as HMAC.
    pub scope: Vec<u8>,
    /// The most of a day (UTC).
    pub most: i32,
}

/// What was counted, to be given back where nothing was sent.
#[derive(Clone, Debug)]
pub struct Charged {
    scopes: Vec<Vec<u8>>,
    day: Date,
}

/// Counts one mail in each quota; `None`, and nothing counted, where one of them is used up.
pub async fn charge(tx: &Tx, quotas: &[Quota]) -> Result<Option<Charged>> {
    let mut charged = Charged {
        scopes: Vec::with_capacity(quotas.len()),
        day: tx.now().date(),
    };
    for quota in quotas {
        let counted = tx
            .run(
                "INSERT INTO mail_quotas (scope, day, mails) VALUES ($1, $2, 1)
                 ON CONFLICT (scope, day) DO UPDATE SET mails = mail_quotas.mails + 1 WHERE mail_quotas.mails < $3",
                [
                    quota.scope.clone().into(),
                    charged.day.into(),
                    quota.most.into(),
                ],
            )
            .await?;
        if counted == 0 {
            give_back(tx, &charged).await?;
            return Ok(None);
        }
        charged.scopes.push(quota.scope.clone());
    }
    Ok(Some(charged))
}

/// Takes back what was counted: the mail was not sent.
pub async fn give_back(tx: &Tx, charged: &Charged) -> Result<()> {
    tx.run(
        "UPDATE mail_quotas SET mails = mails - 1 WHERE scope = ANY($1) AND day = $2 AND mails > 0",
        [charged.scopes.clone().into(), charged.day.into()],
    )
    .await?;
    Ok(())
}

/// Deletes a batch of counts of days past; answers how many.
pub async fn delete_old(tx: &Tx, limit: i32) -> Result<u64> {
    tx.run(
        "DELETE FROM mail_quotas WHERE (scope, day) IN (SELECT scope, day FROM mail_quotas WHERE day < $1 LIMIT $2)",
        [tx.now().date().into(), limit.into()],
    )
    .await
}
