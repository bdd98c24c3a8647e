//! What clients send, and its reading into commands. Everything that is wrong is told at once.

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

/// Something was not read although nothing was noted. Never seen by a client in practice.
fn unread() -> Rejection {
    Rejection::field("body", "format", "the body cannot be read")
}
