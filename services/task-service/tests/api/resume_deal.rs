//! `POST /api/deals/:id/resume` with `shiftDueDates`: what the days on hold do to due dates, now and later.

use rand::{Rng as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};
use serde_json::{Value, json};
use testkit::{Deal, User, eventually};

use crate::{
    dates::{day, due_dates, later, moves_as_previewed, read},
    support::{Office, Tasks, patch_at, plus_days, text},
};

async fn id_of(office: &Office, deal: &Deal, key: &str) -> String {
    text(&office.coordinator.task(&deal.id, key).await["id"])
}

async fn due(office: &Office, id: &str) -> Value {
    office.coordinator.read_task(id).await["dueDate"].clone()
}

async fn patch(office: &Office, id: &str, fields: Value) {
    let version = office.coordinator.read_task(id).await["version"].clone();
    let path = format!("/api/tasks/{id}");
    let answer = patch_at(&office.coordinator, &path, &version, &fields).await;
    answer.expect(200);
}

/// Resumes a deal, its due dates moved, and waits until this open task, which has a date and no rule, has moved.
async fn resume(office: &Office, deal: &Deal, dated: &str) {
    resume_by(&office.agent, office, deal, dated).await;
}

/// As [`resume`], by somebody else than the agent.
pub(crate) async fn resume_by(user: &User, office: &Office, deal: &Deal, dated: &str) {
    let before = due(office, dated).await;
    let path = format!("/api/deals/{}/resume", deal.id);
    let shift = json!({"shiftDueDates": true});
    user.api.post(&path, &shift).await.expect(200);
    eventually("the due dates have moved", async || {
        (due(office, dated).await != before).then_some(())
    })
    .await;
}

/// A purchase, and a task of it by whose date a test sees that a hold has been added.
async fn begin() -> (Office, Deal, String) {
    let office = Office::new().await;
    let deal = office.purchase().await;
    let date = json!({"dueDate": "2031-05-05"});
    let dated = office.agent.add_task(&deal.id, "Dated", date).await;
    (office, deal, dated)
}

#[tokio::test]
async fn the_days_on_hold_move_open_tasks_and_stay_when_the_closing_moves() {
    let (office, deal, dated) = begin().await;
    office
        .coordinator
        .complete(&deal.id, "verify_executed_contract")
        .await;
    let done = id_of(&office, &deal, "verify_executed_contract").await;
    let signing = id_of(&office, &deal, "sign_closing_documents").await;
    let key_dates = read(&office.agent, &deal).await;
    let before = due_dates(&office.agent.planned(&deal.id).await);

    office.hold_days_ago(&deal, 5).await;
    resume(&office, &deal, &dated).await;
    let after = due_dates(&office.agent.planned(&deal.id).await);
    for (id, due) in &after {
        let expected = if *id == done {
            before[id].clone()
        } else {
            json!(plus_days(&before[id], 5))
        };
        assert_eq!(due, &expected, "{id}");
    }
    assert_eq!(
        read(&office.agent, &deal).await,
        key_dates,
        "key dates are the contract's"
    );

    moves_as_previewed(&office.agent, &deal, &later(&key_dates, "closing_date", 20)).await;
    let signing = office.coordinator.read_task(&signing).await;
    assert_eq!(
        signing["dueDate"],
        plus_days(&day(&key_dates, "closing_date"), 20 + 5)
    );
    assert_eq!(
        (&signing["shiftDays"], &signing["pinned"]),
        (&json!(5), &json!(false))
    );
    office.holds().await;
}

#[tokio::test]
async fn holds_add_up_but_for_those_after_which_dates_stay() {
    let (office, deal, dated) = begin().await;
    let signing = id_of(&office, &deal, "sign_closing_documents").await;
    let before = due(&office, &signing).await;
    office.hold_days_ago(&deal, 30).await;
    let path = format!("/api/deals/{}/resume", deal.id);
    let keep = json!({"shiftDueDates": false});
    office.agent.api.post(&path, &keep).await.expect(200);
    for days in [2, 3] {
        office.hold_days_ago(&deal, days).await;
        resume(&office, &deal, &dated).await;
    }
    let after = office.coordinator.read_task(&signing).await;
    assert_eq!(after["dueDate"], plus_days(&before, 2 + 3));
    assert_eq!(after["shiftDays"], 5);
    assert_eq!(due(&office, &dated).await, "2031-05-10");
    office.holds().await;
}

#[tokio::test]
async fn dates_without_a_rule_move_themselves_and_pinned_ones_stay_pinned() {
    let (office, deal, dated) = begin().await;
    let whenever = office.agent.add_task(&deal.id, "Whenever", json!({})).await;
    let pinned = id_of(&office, &deal, "sign_closing_documents").await;
    let by_hand = plus_days(&due(&office, &pinned).await, 1);
    patch(&office, &pinned, json!({"dueDate": by_hand})).await;

    office.hold_days_ago(&deal, 4).await;
    resume(&office, &deal, &dated).await;
    assert_eq!(due(&office, &dated).await, "2031-05-09");
    assert_eq!(due(&office, &whenever).await, Value::Null);
    let expected = json!(plus_days(&json!(by_hand), 4));
    let task = office.coordinator.read_task(&pinned).await;
    assert_eq!(
        (&task["dueDate"], &task["pinned"], &task["shiftDays"]),
        (&expected, &json!(true), &json!(0))
    );
    let dates = read(&office.agent, &deal).await;
    moves_as_previewed(&office.agent, &deal, &later(&dates, "closing_date", 9)).await;
    assert_eq!(due(&office, &pinned).await, expected);
    office.holds().await;
}

#[tokio::test]
async fn what_is_counted_from_open_work_takes_a_hold_once() {
    let (office, deal, dated) = begin().await;
    office
        .coordinator
        .complete(&deal.id, "verify_executed_contract")
        .await;
    let counted = async |anchor: &str| {
        let rule = json!({"anchor": anchor, "offsetDays": 10, "calendar": "CALENDAR"});
        let fields = json!({"dueRule": rule});
        let id = office.agent.add_task(&deal.id, anchor, fields).await;
        (due(&office, &id).await, id)
    };
    let (due_from_open, from_open) = counted("confirm_effective_date").await;
    let (due_from_done, from_done) = counted("verify_executed_contract").await;
    office.hold_days_ago(&deal, 3).await;
    resume(&office, &deal, &dated).await;
    for (id, before, shift_days, why) in [
        (from_open, due_from_open, 0, "it follows what moved"),
        (from_done, due_from_done, 3, "what it is counted from stays"),
    ] {
        let task = office.coordinator.read_task(&id).await;
        assert_eq!(task["dueDate"], plus_days(&before, 3), "{why}");
        assert_eq!(task["shiftDays"], shift_days, "{why}");
    }
    office.holds().await;
}

#[tokio::test]
async fn whoever_sets_a_date_or_a_rule_means_it_as_it_is() {
    let (office, deal, dated) = begin().await;
    let signing = id_of(&office, &deal, "sign_closing_documents").await;
    let review = id_of(&office, &deal, "settlement_figures_review").await;
    let closing = day(&read(&office.agent, &deal).await, "closing_date");
    office.hold_days_ago(&deal, 6).await;
    resume(&office, &deal, &dated).await;

    patch(&office, &review, json!({"title": "Look at the figures"})).await;
    assert_eq!(office.coordinator.read_task(&review).await["shiftDays"], 6);
    let rule = json!({"anchor": "closing_date", "offsetDays": -1, "calendar": "CALENDAR"});
    patch(&office, &review, json!({"dueRule": rule})).await;
    patch(&office, &signing, json!({"dueDate": closing})).await;
    for (id, expected) in [(review, json!(plus_days(&closing, -1))), (signing, closing)] {
        let task = office.coordinator.read_task(&id).await;
        assert_eq!(
            (&task["dueDate"], &task["shiftDays"]),
            (&expected, &json!(0))
        );
    }
}

#[tokio::test]
async fn after_any_holds_any_move_is_what_its_preview_told() {
    let (office, deal, dated) = begin().await;
    let mut random = StdRng::seed_from_u64(7);
    let movable = [
        "effective_date",
        "closing_date",
        "inspection_deadline",
        "title_commitment_due",
    ];
    let open = [
        "confirm_effective_date",
        "enter_key_dates",
        "send_intro_package",
        "buyer_kickoff_call",
    ];
    office
        .coordinator
        .complete(&deal.id, "verify_executed_contract")
        .await;
    for key in open {
        office
            .hold_days_ago(&deal, random.random_range(1..20))
            .await;
        resume(&office, &deal, &dated).await;
        office.coordinator.complete(&deal.id, key).await;
        let dates = read(&office.agent, &deal).await;
        let moved = movable.choose(&mut random).unwrap();
        let days = random.random_range(1..30);
        moves_as_previewed(&office.agent, &deal, &later(&dates, moved, days)).await;
    }
    office.holds().await;
}
