//! What is recorded of a change: its audit row, with everything, and its event, with ids and nothing confidential.

use contracts::{
    event::{DealChange, Event, PartyChange},
    field::instant_text,
    v1,
};
use platform::db::Change;
use serde_json::Value;

use crate::repository::{deals::Deal, parties::Party};

/// What an event has beside the deal itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct DealTold {
    /// Names of the fields that changed, in camelCase.
    pub(crate) changed: Vec<String>,
    /// Resumed: whether due dates move by the days held, and how many these are.
    pub(crate) shift: Option<Shift>,
}

/// What resuming does about the days held.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shift {
    pub(crate) shift_due_dates: bool,
    pub(crate) held_days: u32,
}

/// A deal was created, as a draft.
pub(crate) fn deal_created(deal: &Deal) -> Change {
    deal_told(DealChange::Created, None, deal, DealTold::default())
}

/// A deal went from one state to the next.
pub(crate) fn deal_changed(
    change: DealChange,
    before: &Deal,
    after: &Deal,
    told: DealTold,
) -> Change {
    deal_told(change, Some(before), after, told)
}

/// A draft was deleted. `after` is its last state, with the version of the deletion.
pub(crate) fn deal_deleted(before: &Deal, after: &Deal) -> Change {
    Change {
        after: Value::Null,
        ..deal_told(
            DealChange::Deleted,
            Some(before),
            after,
            DealTold::default(),
        )
    }
}

fn deal_told(change: DealChange, before: Option<&Deal>, after: &Deal, told: DealTold) -> Change {
    Change {
        entity_type: "deal",
        entity_id: after.id,
        version: after.version,
        deal_id: Some(after.id),
        event_type: change.routing_key(),
        event: Some(Event::Deal(change, deal_event(before, after, told))),
        before: before.map_or(Value::Null, Deal::snapshot),
        after: after.snapshot(),
    }
}

fn deal_event(before: Option<&Deal>, after: &Deal, told: DealTold) -> v1::DealEvent {
    let previous_status = before
        .map(|before| before.status)
        .filter(|status| *status != after.status);
    // A resumed deal is held no more; its event still says since when it was.
    let held_since = after
        .held_since
        .or(before.and_then(|before| before.held_since));
    v1::DealEvent {
        deal_id: after.id.to_string(),
        organization_id: after.organization_id.to_string(),
        deal_type: after.deal_type.to_string(),
        status: after.status.to_string(),
        previous_status: previous_status.map(|status| status.to_string()),
        created_by: after.created_by.to_string(),
        time_zone: after.time_zone.clone(),
        template_key: after.template.as_ref().map(|template| template.key.clone()),
        version: after.version.unsigned_abs(),
        changed: told.changed,
        held_since: held_since.map(instant_text),
        shift_due_dates: told.shift.map(|shift| shift.shift_due_dates),
        held_days: told.shift.map(|shift| shift.held_days),
        created_at: instant_text(after.created_at()),
    }
}

/// A party joined a deal.
pub(crate) fn party_added(party: &Party) -> Change {
    party_told(PartyChange::Added, None, party)
}

/// A party's fields changed.
pub(crate) fn party_updated(before: &Party, after: &Party) -> Change {
    party_told(PartyChange::Updated, Some(before), after)
}

/// A party left its deal. `after` is its last state, with the version of the removal.
pub(crate) fn party_removed(before: &Party, after: &Party) -> Change {
    Change {
        after: Value::Null,
        ..party_told(PartyChange::Removed, Some(before), after)
    }
}

fn party_told(change: PartyChange, before: Option<&Party>, after: &Party) -> Change {
    let previous_user_id = before
        .and_then(|before| before.user_id)
        .filter(|user_id| Some(*user_id) != after.user_id);
    let event = v1::PartyEvent {
        party_id: after.id.to_string(),
        deal_id: after.deal_id.to_string(),
        role: after.role.to_string(),
        user_id: after.user_id.map(|id| id.to_string()),
        previous_user_id: previous_user_id.map(|id| id.to_string()),
        buyer_contact: after.buyer_contact,
        removed: change == PartyChange::Removed,
        version: after.version.unsigned_abs(),
    };
    Change {
        entity_type: "party",
        entity_id: after.id,
        version: after.version,
        deal_id: Some(after.deal_id),
        event_type: change.routing_key(),
        event: Some(Event::Party(change, event)),
        before: before.map_or(Value::Null, Party::snapshot),
        after: after.snapshot(),
    }
}
