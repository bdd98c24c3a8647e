use proptest::prelude::*;

use super::*;
use crate::permission::{Role, default_permissions};

const OPEN_PLAN: Closing = Closing {
    plan: PlanState::Applied,
    open_required_tasks: 0,
    open_tasks: OpenTasks::Refuse,
};

fn actor(role: Role, number: u128) -> Actor {
    Actor {
        user_id: Uuid::from_u128(number),
        permissions: default_permissions(role),
    }
}

const CREATED_BY_ONE: Relation = Relation {
    created_by: Uuid::from_u128(1),
    is_party: false,
};
const PARTY: Relation = Relation {
    created_by: Uuid::from_u128(9),
    is_party: true,
};
const STRANGER: Relation = Relation {
    created_by: Uuid::from_u128(9),
    is_party: false,
};

/// One step, with nothing in its way but the status.
fn step(event: DealEvent, from: DealStatus) -> Option<Result<DealTransition, Rejection>> {
    match event {
        DealEvent::Activated => Some(from.activate(&[])),
        DealEvent::Held => Some(from.hold()),
        DealEvent::Resumed => Some(from.resume()),
        DealEvent::Closed => Some(from.close(OPEN_PLAN, PermissionSet::all())),
        DealEvent::Cancelled => Some(from.cancel("the buyer withdrew")),
        DealEvent::Reopened => Some(from.reopen(None)),
        DealEvent::Deleted => Some(from.delete()),
        DealEvent::Created | DealEvent::Updated => None,
    }
}

const STEPS: [DealEvent; 7] = [
    DealEvent::Activated,
    DealEvent::Held,
    DealEvent::Resumed,
    DealEvent::Closed,
    DealEvent::Cancelled,
    DealEvent::Reopened,
    DealEvent::Deleted,
];

#[test]
fn only_the_documented_steps_lead_from_status_to_status() {
    use DealStatus as S;
    let allowed = [
        (DealEvent::Activated, S::Draft, S::Active),
        (DealEvent::Held, S::Active, S::OnHold),
        (DealEvent::Resumed, S::OnHold, S::Active),
        (DealEvent::Closed, S::Active, S::Closed),
        (DealEvent::Cancelled, S::Draft, S::Cancelled),
        (DealEvent::Cancelled, S::Active, S::Cancelled),
        (DealEvent::Cancelled, S::OnHold, S::Cancelled),
        (DealEvent::Reopened, S::Closed, S::Active),
        (DealEvent::Reopened, S::Cancelled, S::Active),
        (DealEvent::Deleted, S::Draft, S::Draft),
    ];
    for event in STEPS {
        for from in S::ALL.iter().copied() {
            let to = allowed
                .iter()
                .find(|(e, f, _)| (*e, *f) == (event, from))
                .map(|(_, _, to)| *to);
            let outcome = step(event, from).unwrap();
            assert_eq!(
                outcome.as_ref().ok().map(|t| t.to),
                to,
                "{event:?} from {from}"
            );
            if let Err(refusal) = outcome {
                let expected = if event == DealEvent::Deleted {
                    Rejection::DealNotDraft
                } else {
                    Rejection::DealStatusConflict {
                        status: from.as_str(),
                    }
                };
                assert_eq!(refusal, expected);
            }
        }
    }
}

#[test]
fn activating_names_every_missing_anchor() {
    let Err(Rejection::Validation { errors }) =
        DealStatus::Draft.activate(&["effective_date".into(), "closing_date".into()])
    else {
        panic!("it was activated");
    };
    let fields: Vec<_> = errors.iter().map(|error| error.field.as_str()).collect();
    assert_eq!(fields, ["keyDates.effective_date", "keyDates.closing_date"]);
}

#[test]
fn closing_waits_for_the_plan_and_its_required_tasks_unless_forced_by_a_manager() {
    let active = DealStatus::Active;
    let coordinator = default_permissions(Role::TransactionCoordinator);
    let agent = default_permissions(Role::BuyerAgent);
    let pending = Closing {
        plan: PlanState::Pending,
        ..OPEN_PLAN
    };
    let failed = Closing {
        plan: PlanState::Failed,
        ..OPEN_PLAN
    };
    let open = Closing {
        open_required_tasks: 3,
        ..OPEN_PLAN
    };
    let forced = Closing {
        open_tasks: OpenTasks::Force,
        ..open
    };
    assert_eq!(
        active.close(pending, coordinator),
        Err(Rejection::PlanPending)
    );
    assert!(matches!(
        active.close(failed, coordinator),
        Err(Rejection::PlanFailed { .. })
    ));
    assert!(
        active
            .close(
                Closing {
                    open_tasks: OpenTasks::Force,
                    ..failed
                },
                coordinator
            )
            .is_ok()
    );
    assert_eq!(
        active.close(open, coordinator),
        Err(Rejection::DealTasksOpen { open: 3 })
    );
    assert_eq!(
        active.close(forced, agent),
        Err(Rejection::forbidden(&[Permission::ManageTasks]))
    );
    assert!(active.close(forced, coordinator).is_ok());
    assert!(active.close(OPEN_PLAN, agent).is_ok());
}

#[test]
fn cancelling_needs_a_reason() {
    assert!(matches!(
        DealStatus::Active.cancel("  "),
        Err(Rejection::Validation { .. })
    ));
}

#[test]
fn tasks_change_only_while_the_deal_is_active_and_the_deal_until_it_is_over() {
    for status in DealStatus::ALL.iter().copied() {
        assert_eq!(
            status.require_active().is_ok(),
            status == DealStatus::Active,
            "{status}"
        );
        let conflict = Err(Rejection::DealStatusConflict {
            status: status.as_str(),
        });
        let expected = if status.is_terminal() {
            conflict
        } else {
            Ok(())
        };
        assert_eq!(status.require_open(), expected, "{status}");
    }
}

#[test]
fn who_sees_a_deal_follows_the_matrix() {
    let cases = [
        (
            Role::Buyer,
            CREATED_BY_ONE,
            None,
            "a buyer sees only deals in which it is a party",
        ),
        (
            Role::Buyer,
            PARTY,
            Some(DealView::Client),
            "and those as a client",
        ),
        (
            Role::BuyerAgent,
            CREATED_BY_ONE,
            Some(DealView::Staff),
            "an agent sees what it created",
        ),
        (
            Role::BuyerAgent,
            PARTY,
            Some(DealView::Staff),
            "and where it is a party",
        ),
        (Role::BuyerAgent, STRANGER, None, "and nothing else"),
        (
            Role::TransactionCoordinator,
            STRANGER,
            Some(DealView::Staff),
            "a coordinator sees every deal",
        ),
        (
            Role::Admin,
            STRANGER,
            Some(DealView::Staff),
            "and so does an administrator",
        ),
    ];
    for (role, relation, expected, reason) in cases {
        assert_eq!(view(&actor(role, 1), relation), expected, "{reason}");
    }
}

#[test]
fn a_deal_is_steered_by_its_creator_or_a_manager() {
    assert_eq!(
        may_steer(&actor(Role::BuyerAgent, 1), CREATED_BY_ONE),
        Ok(())
    );
    assert_eq!(
        may_steer(&actor(Role::TransactionCoordinator, 1), STRANGER),
        Ok(())
    );
    let forbidden = Err(Rejection::forbidden(&[Permission::ManageTasks]));
    assert_eq!(may_steer(&actor(Role::BuyerAgent, 1), PARTY), forbidden);
    assert_eq!(may_steer(&actor(Role::Buyer, 1), PARTY), forbidden);
    assert_eq!(
        may_steer(&actor(Role::BuyerAgent, 1), STRANGER),
        Err(Rejection::NotFound)
    );
}

#[test]
fn tasks_are_assigned_by_agents_and_managers_in_deals_they_see() {
    assert_eq!(may_assign(&actor(Role::BuyerAgent, 1), PARTY), Ok(()));
    assert!(matches!(
        may_assign(&actor(Role::Buyer, 1), PARTY),
        Err(Rejection::Forbidden { .. })
    ));
    assert_eq!(
        may_assign(&actor(Role::BuyerAgent, 1), STRANGER),
        Err(Rejection::NotFound)
    );
}

#[test]
fn only_an_administrator_reopens_a_deal_that_is_over() {
    assert!(may_reopen(&actor(Role::Admin, 1)).is_ok());
    assert!(may_reopen(&actor(Role::TransactionCoordinator, 1)).is_err());
}

proptest! {
    #[test]
    fn a_deal_that_is_over_moves_again_only_by_being_reopened(walk in proptest::collection::vec(0..STEPS.len(), 0..30)) {
        let mut status = DealStatus::Draft;
        for index in walk {
            if let Some(Ok(transition)) = step(STEPS[index], status) {
                prop_assert_eq!(transition.from, status);
                prop_assert_eq!(status.is_terminal(), transition.event == DealEvent::Reopened);
                status = transition.to;
            }
        }
    }
}

#[test]
fn a_cancelled_draft_is_reopened_as_a_draft_because_its_dates_were_never_asked_for() {
    use DealStatus as S;
    for (from, expected) in [
        (S::Draft, S::Draft),
        (S::Active, S::Active),
        (S::OnHold, S::Active),
    ] {
        let reopened = S::Cancelled.reopen(Some(from));
        assert_eq!(reopened.map(|step| step.to), Ok(expected), "{from}");
    }
}

#[test]
fn only_a_deal_without_a_template_changes_its_type() {
    let (before, after) = (DealType::Purchase, DealType::Listing);
    for (wanted, template, expected, why) in [
        (after, None, Some(after), "no plan rests on the type"),
        (before, None, Some(before), "the same"),
        (before, Some("a_template"), Some(before), "it stays"),
        (
            after,
            Some("a_template"),
            None,
            "its plan is for a purchase",
        ),
    ] {
        assert_eq!(before.changed_to(wanted, template).ok(), expected, "{why}");
    }
}
