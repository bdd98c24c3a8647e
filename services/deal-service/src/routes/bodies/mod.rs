//! Request bodies, and how they become commands. A rejection lists all mistakes, not only the first.

mod deal;
mod party;
mod property;
mod status;

use domain::rejection::Rejection;

pub(crate) use self::{
    deal::{CreateDealBody, NewDeal, PutDealBody, WritableDeal},
    party::{PartyBody, PutPartyBody},
    property::{MoneyBody, PropertyAddress},
    status::{ActivateBody, CancelBody, CloseBody, HoldBody, ReopenBody, ResumeBody},
};

/// A field could not be read, but no error was noted. A client never sees this in practice.
fn unread() -> Rejection {
    Rejection::field("body", "format", "the body cannot be read")
}
