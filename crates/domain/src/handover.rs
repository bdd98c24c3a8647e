//! Who gets a notice that a task has become theirs to do, or has lost its assignee. It follows from how each open task
//! came to its present assignee.
//!
//! Pure decisions for the deal's workflow, from the present state alone: what is no longer true gives no notice. Tasks
//! that one transaction gave to a person through their part in the deal, such as by applying a plan, share one notice.

use std::collections::BTreeMap;

use time::OffsetDateTime;
use uuid::Uuid;

/// An open task, as far as its people are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenTask {
    /// The task.
    pub id: Uuid,
    /// Who is to do it.
    pub assignee_id: Option<Uuid>,
    /// How it came to its assignee, or to have none; absent where it never had one.
    pub handed: Option<Handed>,
    /// How it came free; absent where it never waited, or waits.
    pub freed: Option<Freed>,
}

/// The last change of a task's assignee.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handed {
    /// When; the same for all that one transaction handed over.
    pub at: OffsetDateTime,
    /// Who did it; nobody where it follows from a part in the deal, or from the end of it.
    pub by: Option<Uuid>,
    /// Who was to do it before.
    pub from: Option<Uuid>,
}

/// That the last task which a task waited for was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freed {
    /// When.
    pub at: OffsetDateTime,
    /// Who did it; nobody where it follows from a change of the deal.
    pub by: Option<Uuid>,
}

/// A reason for a notice to one or several people, sent once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// These tasks came to the user through their part in the deal.
    PlanReady {
        /// Who gets the notice.
        user_id: Uuid,
        /// When they came.
        since: OffsetDateTime,
        /// The tasks that are still theirs, as the plan orders them.
        task_ids: Vec<Uuid>,
    },
    /// Somebody else gave the user a task.
    TaskAssigned {
        /// Who gets the notice.
        user_id: Uuid,
        /// When it was given.
        since: OffsetDateTime,
        /// The task.
        task_id: Uuid,
    },
    /// Somebody else did what the user's task waited for.
    TaskUnlocked {
        /// Who gets the notice.
        user_id: Uuid,
        /// When it came free.
        since: OffsetDateTime,
        /// The task.
        task_id: Uuid,
    },
    /// These tasks were taken from a user who no longer takes part. The coordinators get the notice.
    TasksUnassigned {
        /// Who had them.
        from: Uuid,
        /// When they were taken.
        since: OffsetDateTime,
        /// The tasks that still have nobody, as the plan orders them.
        task_ids: Vec<Uuid>,
    },
}

/// The notices to send about a deal's open tasks, given in the order of the plan.
#[must_use]
pub fn occasions(tasks: &[OpenTask]) -> Vec<Occasion> {
    let mut singly = Vec::new();
    let mut ready: BTreeMap<(OffsetDateTime, Uuid), Vec<Uuid>> = BTreeMap::new();
    let mut left: BTreeMap<(OffsetDateTime, Uuid), Vec<Uuid>> = BTreeMap::new();
    for task in tasks {
        let Some(handed) = task.handed else {
            continue;
        };
        match (task.assignee_id, handed.by, handed.from) {
            (Some(user_id), None, _) => {
                ready.entry((handed.at, user_id)).or_default().push(task.id);
            }
            (Some(user_id), Some(by), _) if by != user_id => {
                singly.push(Occasion::TaskAssigned {
                    user_id,
                    since: handed.at,
                    task_id: task.id,
                });
            }
            (None, None, Some(from)) => left.entry((handed.at, from)).or_default().push(task.id),
            // No notice to somebody about their own act, such as taking a task.
            (Some(_), Some(_), _) | (None, _, _) => {}
        }
        singly.extend(unlocked(task, handed));
    }
    let ready = ready
        .into_iter()
        .map(|((since, user_id), task_ids)| Occasion::PlanReady {
            user_id,
            since,
            task_ids,
        });
    let left = left
        .into_iter()
        .map(|((since, from), task_ids)| Occasion::TasksUnassigned {
            from,
            since,
            task_ids,
        });
    ready.chain(singly).chain(left).collect()
}

/// No notice to a user who got the task after it had come free: the notice about getting it was enough.
fn unlocked(task: &OpenTask, handed: Handed) -> Option<Occasion> {
    let user_id = task.assignee_id?;
    let freed = task.freed?;
    (freed.at > handed.at && freed.by != Some(user_id)).then_some(Occasion::TaskUnlocked {
        user_id,
        since: freed.at,
        task_id: task.id,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::{Duration, macros::datetime};

    use super::*;

    const ME: Uuid = Uuid::from_u128(1);
    const OTHER: Uuid = Uuid::from_u128(2);
    const TASK: Uuid = Uuid::from_u128(100);

    fn at(minute: i64) -> OffsetDateTime {
        datetime!(2026-03-01 12:00 UTC) + Duration::minutes(minute)
    }

    fn handed(minute: i64, by: Option<Uuid>, from: Option<Uuid>) -> Option<Handed> {
        let at = at(minute);
        Some(Handed { at, by, from })
    }

    fn freed(minute: i64, by: Option<Uuid>) -> Option<Freed> {
        Some(Freed { at: at(minute), by })
    }

    fn assigned() -> Occasion {
        Occasion::TaskAssigned {
            user_id: ME,
            since: at(0),
            task_id: TASK,
        }
    }

    fn ready() -> Occasion {
        Occasion::PlanReady {
            user_id: ME,
            since: at(0),
            task_ids: vec![TASK],
        }
    }

    /// The notices about a task of this assignee, by how it came to them and came free.
    fn told(
        assignee_id: Option<Uuid>,
        handed: Option<Handed>,
        freed: Option<Freed>,
    ) -> Vec<Occasion> {
        occasions(&[OpenTask {
            id: TASK,
            assignee_id,
            handed,
            freed,
        }])
    }

    #[test]
    fn people_are_told_of_what_others_hand_them_and_of_what_nobody_has() {
        let left = Occasion::TasksUnassigned {
            from: ME,
            since: at(0),
            task_ids: vec![TASK],
        };
        let by_other = handed(0, Some(OTHER), Some(ME));
        let cases = [
            (Some(ME), handed(0, None, None), vec![ready()], "by a part"),
            (Some(ME), by_other, vec![assigned()], "by somebody else"),
            (Some(ME), handed(0, Some(ME), None), vec![], "by oneself"),
            (None, None, vec![], "it never had anybody"),
            (None, by_other, vec![], "taken away by hand"),
            (None, handed(0, None, Some(ME)), vec![left], "a login ended"),
        ];
        for (assignee_id, handed, expected, reason) in cases {
            assert_eq!(told(assignee_id, handed, None), expected, "{reason}");
        }
    }

    #[test]
    fn people_are_told_of_what_others_set_free_for_them() {
        let unlocked = || Occasion::TaskUnlocked {
            user_id: ME,
            since: at(5),
            task_id: TASK,
        };
        let (by_part, by_me) = (handed(0, None, None), handed(0, Some(ME), None));
        let by_other = handed(0, Some(OTHER), None);
        let cases = [
            (
                by_part,
                freed(5, Some(OTHER)),
                vec![ready(), unlocked()],
                "by somebody else",
            ),
            (by_part, freed(5, Some(ME)), vec![ready()], "by oneself"),
            (
                by_me,
                freed(5, None),
                vec![unlocked()],
                "by a change of the deal",
            ),
            (
                by_other,
                freed(-5, Some(OTHER)),
                vec![assigned()],
                "free before it was given",
            ),
        ];
        for (handed, freed, expected, reason) in cases {
            assert_eq!(told(Some(ME), handed, freed), expected, "{reason}");
        }
        let nobodys = told(
            None,
            handed(0, Some(OTHER), Some(ME)),
            freed(5, Some(OTHER)),
        );
        assert_eq!(nobodys, []);
    }

    proptest! {
        #[test]
        fn a_plan_is_one_occasion_for_each_of_its_people(parts in proptest::collection::vec(proptest::option::of(0..5_u128), 0..60)) {
            let tasks: Vec<OpenTask> = parts
                .iter()
                .zip(1_000_u128..)
                .map(|(part, number)| OpenTask {
                    id: Uuid::from_u128(number),
                    assignee_id: part.map(Uuid::from_u128),
                    handed: part.and_then(|_| handed(0, None, None)),
                    freed: None,
                })
                .collect();
            let told = occasions(&tasks);
            let mut people: Vec<Uuid> = Vec::new();
            for occasion in &told {
                let Occasion::PlanReady { user_id, task_ids, .. } = occasion else {
                    return Err(TestCaseError::fail(format!("{occasion:?}")));
                };
                people.push(*user_id);
                let theirs: Vec<Uuid> = tasks
                    .iter()
                    .filter(|task| task.assignee_id == Some(*user_id))
                    .map(|task| task.id)
                    .collect();
                prop_assert_eq!(task_ids, &theirs);
            }
            let mut expected: Vec<Uuid> = tasks.iter().filter_map(|task| task.assignee_id).collect();
            expected.sort_unstable();
            expected.dedup();
            prop_assert_eq!(people, expected);
        }
    }
}
