//! Changes what is written of a deal. Its status has commands of its own, its dates belong to task-service.

use contracts::event::DealChange;
use domain::{deal::DealType, money::Money};
use platform::{db::Tx, error::Result, http::conditional::ExpectedVersion};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::lock_to_steer;
use crate::{
    history::{self, DealTold},
    repository::deals::{self, Address, Deal, SeenDeal},
};

/// The writable fields of a deal, checked.
#[derive(Clone, Debug)]
pub(crate) struct DealFields {
    pub(crate) name: String,
    pub(crate) address: Address,
    pub(crate) deal_type: DealType,
    pub(crate) purchase_price: Option<Money>,
    pub(crate) facts: Map<String, Value>,
}

/// `change` makes the new fields from the present ones: a replacement, or a patch. A change that changes
/// nothing makes no new version. Rejections: `NOT_FOUND`, `FORBIDDEN`, `VERSION_MISMATCH`, `VERSION_CONFLICT`,
/// `DEAL_STATUS_CONFLICT` once the deal is over, of the fields, and of `dealType` for a new one of a deal that was made from a template.
pub(crate) async fn run(
    tx: &mut Tx,
    id: Uuid,
    expected: ExpectedVersion,
    change: impl Fn(&Deal) -> Result<DealFields>,
) -> Result<SeenDeal> {
    let seen = lock_to_steer(tx, id).await?;
    let before = seen.deal;
    expected.check(before.version)?;
    before.status.require_open()?;
    let fields = change(&before)?;
    let template_key = before
        .template
        .as_ref()
        .map(|template| template.key.as_str());
    let deal_type = before
        .deal_type
        .changed_to(fields.deal_type, template_key)?;
    let after = Deal {
        name: fields.name,
        address: fields.address,
        deal_type,
        purchase_price: fields.purchase_price,
        facts: fields.facts,
        ..before.clone()
    };
    if after == before {
        return Ok(SeenDeal {
            deal: before,
            ..seen
        });
    }
    let after = Deal {
        version: before.version + 1,
        ..after
    };
    deals::update(tx, &after).await?;
    let told = DealTold {
        changed: changed(&before, &after),
        ..DealTold::default()
    };
    tx.emit(history::deal_changed(
        DealChange::Updated,
        &before,
        &after,
        told,
    ));
    Ok(SeenDeal {
        deal: after,
        ..seen
    })
}

fn changed(before: &Deal, after: &Deal) -> Vec<String> {
    [
        ("name", before.name != after.name),
        ("propertyAddress", before.address != after.address),
        ("dealType", before.deal_type != after.deal_type),
        (
            "purchasePrice",
            before.purchase_price != after.purchase_price,
        ),
        ("facts", before.facts != after.facts),
    ]
    .into_iter()
    .filter(|(_, differs)| *differs)
    .map(|(field, _)| field.to_owned())
    .collect()
}
