//! What clients get to see of deals and parties. Masking by role happens here, once, on the way out.

use contracts::field::{date_text, instant_text};
use domain::{
    data_class::{class_of, may_see},
    deal::DealView,
    permission::PermissionSet,
};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use super::bodies::{MoneyBody, PropertyAddress};
use crate::repository::{
    deals::{Deal, SeenDeal},
    parties::Party,
};

/// A deal.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Deal)]
pub(crate) struct DealAnswer {
    id: Uuid,
    name: String,
    property_address: PropertyAddress,
    /// PURCHASE, LISTING, REFINANCE or NEW_CONSTRUCTION.
    deal_type: &'static str,
    /// DRAFT, ACTIVE, ON_HOLD, CLOSED or CANCELLED.
    status: &'static str,
    /// Confidential: not for buyers.
    #[serde(skip_serializing_if = "Option::is_none")]
    purchase_price: Option<MoneyBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    template_key: Option<String>,
    /// Confidential: not for buyers.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    facts: Option<Map<String, Value>>,
    /// IANA name.
    time_zone: String,
    /// `YYYY-MM-DD`, as the key dates say.
    #[schema(format = Date)]
    closing_date: Option<String>,
    /// Since when it is on hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    held_since: Option<String>,
    /// Why it is in this status, where a reason was given. Not for buyers.
    #[serde(skip_serializing_if = "Option::is_none")]
    status_reason: Option<String>,
    /// The user who created it.
    created_by: Uuid,
    #[schema(format = DateTime)]
    created_at: String,
    version: i64,
}

impl DealAnswer {
    /// The deal as far as its viewer may see it.
    pub(crate) fn of(seen: &SeenDeal) -> Self {
        let SeenDeal { deal, view, .. } = seen;
        let shows = |field| may_see(class_of("deal", field), *view, PermissionSet::NONE);
        let staff = *view == DealView::Staff;
        let price = deal.purchase_price.as_ref();
        Self {
            id: deal.id,
            name: deal.name.clone(),
            property_address: PropertyAddress::of(&deal.address),
            deal_type: deal.deal_type.as_str(),
            status: deal.status.as_str(),
            purchase_price: price
                .filter(|_| shows("purchasePrice"))
                .map(MoneyBody::from),
            template_key: deal.template.as_ref().map(|template| template.key.clone()),
            facts: shows("facts").then(|| deal.facts.clone()),
            time_zone: deal.time_zone.clone(),
            closing_date: deal.closing_date.map(date_text),
            held_since: deal.held_since.map(instant_text),
            status_reason: deal.status_reason.clone().filter(|_| staff),
            created_by: deal.created_by,
            created_at: instant_text(deal.created_at()),
            version: deal.version,
        }
    }
}

/// A deal that does not exist yet, as a dry run answers it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DealPreview {
    name: String,
    property_address: PropertyAddress,
    deal_type: &'static str,
    /// What it would begin as: DRAFT or ACTIVE.
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    purchase_price: Option<MoneyBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    template_key: Option<String>,
    #[schema(value_type = Object)]
    facts: Map<String, Value>,
    time_zone: String,
    #[schema(format = Date)]
    closing_date: Option<String>,
}

impl DealPreview {
    pub(crate) fn of(deal: &Deal) -> Self {
        Self {
            name: deal.name.clone(),
            property_address: PropertyAddress::of(&deal.address),
            deal_type: deal.deal_type.as_str(),
            status: deal.status.as_str(),
            purchase_price: deal.purchase_price.as_ref().map(MoneyBody::from),
            template_key: deal.template.as_ref().map(|template| template.key.clone()),
            facts: deal.facts.clone(),
            time_zone: deal.time_zone.clone(),
            closing_date: deal.closing_date.map(date_text),
        }
    }
}

/// A party of a deal. Buyers see name and part, and how to reach those who are there to be called.
#[derive(Clone, Debug, Serialize, serde::Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Party)]
pub(crate) struct PartyAnswer {
    id: Uuid,
    deal_id: Uuid,
    role: String,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    company: Option<String>,
    /// The user who is this party.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<Uuid>,
    /// Whether the buyer is meant to use its phone and e-mail.
    buyer_contact: bool,
    version: i64,
}

impl PartyAnswer {
    /// The party as far as somebody with this view of its deal may see it.
    pub(crate) fn of(party: &Party, view: DealView, viewer: Uuid) -> Self {
        let is_own = party.user_id == Some(viewer);
        let staff = view == DealView::Staff || is_own;
        let reachable = staff || party.buyer_contact;
        Self {
            id: party.id,
            deal_id: party.deal_id,
            role: party.role.to_string(),
            name: party.name.clone(),
            email: party.email.clone().filter(|_| reachable),
            phone: party.phone.clone().filter(|_| reachable),
            company: party.company.clone().filter(|_| reachable),
            user_id: party.user_id.filter(|_| staff),
            buyer_contact: party.buyer_contact,
            version: party.version,
        }
    }
}
