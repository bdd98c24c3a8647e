//! Whose turn it is among the events in memory: fair between organizations, in order within a lane.
//!
//! Organizations take turns, a batch each, however much one of them has waiting. A lane is what must stay in
//! order: a deal, or an aggregate that belongs to none. No two batches hold events of one lane at a time.

use std::collections::{HashMap, HashSet, VecDeque};

use uuid::Uuid;

/// Events in one batch, and so in one transaction: few enough that others wait for milliseconds, enough that the
/// statements around them cost little each.
pub(super) const BATCH_MAX: usize = 64;
/// Batches of one organization at a time. The second keeps a slow event from holding up all others of its
/// organization.
const ORGANIZATION_BATCHES: usize = 2;

/// Where an event waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Lane {
    /// The tenant.
    pub(super) organization_id: Uuid,
    /// The deal, or the aggregate.
    pub(super) key: Uuid,
}

/// An event that waits, and whether it has to be handled by itself.
#[derive(Debug)]
struct Waiting<T> {
    key: Uuid,
    alone: bool,
    item: T,
}

/// What waits, by organization.
#[derive(Debug)]
pub(super) struct Turns<T> {
    /// Organizations with something waiting; the first is next.
    rotation: VecDeque<Uuid>,
    organizations: HashMap<Uuid, Organization<T>>,
}

#[derive(Debug)]
struct Organization<T> {
    waiting: VecDeque<Waiting<T>>,
    /// Lanes with events in a batch.
    busy: HashSet<Uuid>,
    running: usize,
}

/// Events of one organization that are handled together, in order.
#[derive(Debug)]
pub(super) struct Batch<T> {
    pub(super) organization_id: Uuid,
    /// With the lane's key of each.
    pub(super) items: Vec<(Uuid, T)>,
}

impl<T> Default for Turns<T> {
    fn default() -> Self {
        Self {
            rotation: VecDeque::new(),
            organizations: HashMap::new(),
        }
    }
}

impl<T> Default for Organization<T> {
    fn default() -> Self {
        Self {
            waiting: VecDeque::new(),
            busy: HashSet::new(),
            running: 0,
        }
    }
}

impl<T> Turns<T> {
    /// Adds an event behind those of its organization; `alone`: in a batch of its own.
    pub(super) fn push(&mut self, lane: Lane, alone: bool, item: T) {
        let key = lane.key;
        let organization = self.organization(lane.organization_id);
        organization.waiting.push_back(Waiting { key, alone, item });
    }

    /// The next batch, of the organization that has waited longest. `None`: nothing waits that may go now.
    pub(super) fn next(&mut self) -> Option<Batch<T>> {
        for _ in 0..self.rotation.len() {
            let organization_id = self.rotation.pop_front()?;
            let Some(organization) = self.organizations.get_mut(&organization_id) else {
                continue;
            };
            let items = organization.take();
            if !organization.waiting.is_empty() {
                self.rotation.push_back(organization_id);
            }
            if !items.is_empty() {
                return Some(Batch {
                    organization_id,
                    items,
                });
            }
        }
        None
    }

    /// The batch is through; its lanes are free.
    pub(super) fn finish(&mut self, organization_id: Uuid, keys: impl IntoIterator<Item = Uuid>) {
        self.rest(organization_id);
        if let Some(organization) = self.organizations.get_mut(&organization_id) {
            for key in keys {
                organization.busy.remove(&key);
            }
            if organization.is_idle() {
                self.organizations.remove(&organization_id);
            }
        }
    }

    /// The batch waits for something: others of the organization may go, but nothing in its lanes.
    pub(super) fn rest(&mut self, organization_id: Uuid) {
        if let Some(organization) = self.organizations.get_mut(&organization_id) {
            organization.running = organization.running.saturating_sub(1);
        }
    }

    /// Events of a batch that rests, before all others of their lanes again.
    pub(super) fn put_first(&mut self, batch: Batch<T>, alone: impl Fn(&T) -> bool) {
        let organization = self.organization(batch.organization_id);
        for (key, item) in batch.items.into_iter().rev() {
            organization.busy.remove(&key);
            let alone = alone(&item);
            organization
                .waiting
                .push_front(Waiting { key, alone, item });
        }
    }

    fn organization(&mut self, id: Uuid) -> &mut Organization<T> {
        let organization = self.organizations.entry(id).or_default();
        if organization.waiting.is_empty() {
            self.rotation.push_back(id);
        }
        organization
    }
}

impl<T> Organization<T> {
    /// What may go now, in order, and at most a batch.
    fn take(&mut self) -> Vec<(Uuid, T)> {
        let mut items = Vec::new();
        if self.running >= ORGANIZATION_BATCHES {
            return items;
        }
        let mut taken = HashSet::new();
        let mut index = 0;
        while items.len() < BATCH_MAX {
            let Some(waiting) = self.waiting.get(index) else {
                break;
            };
            if self.busy.contains(&waiting.key) {
                index += 1;
                continue;
            }
            let is_alone = waiting.alone;
            if is_alone && !items.is_empty() {
                break;
            }
            let Some(waiting) = self.waiting.remove(index) else {
                break;
            };
            taken.insert(waiting.key);
            items.push((waiting.key, waiting.item));
            if is_alone {
                break;
            }
        }
        if !items.is_empty() {
            self.running += 1;
            self.busy.extend(taken);
        }
        items
    }

    fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.busy.is_empty() && self.running == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Uuid = Uuid::from_u128(0xA);
    const B: Uuid = Uuid::from_u128(0xB);

    fn lane(organization_id: Uuid, key: u128) -> Lane {
        Lane {
            organization_id,
            key: Uuid::from_u128(key),
        }
    }

    fn finish(turns: &mut Turns<u32>, batch: &Batch<u32>) {
        let keys = batch.items.iter().map(|(key, _)| *key);
        turns.finish(batch.organization_id, keys.collect::<Vec<_>>());
    }

    fn items(batch: &Batch<u32>) -> Vec<u32> {
        batch.items.iter().map(|(_, item)| *item).collect()
    }

    #[test]
    fn an_event_behind_a_burst_of_another_organization_waits_for_its_running_batches_only() {
        let mut turns = Turns::default();
        for number in 0..4_000 {
            turns.push(lane(A, u128::from(number) % 8), false, number);
        }
        let running = turns.next().unwrap();
        assert_eq!(running.items.len(), BATCH_MAX);
        turns.push(lane(B, 1), false, 0);
        finish(&mut turns, &running);
        let before: Vec<Batch<u32>> = std::iter::from_fn(|| turns.next()).take(2).collect();
        assert!(before.iter().any(|batch| batch.organization_id == B));
    }

    #[test]
    fn many_organizations_take_turns() {
        let mut turns = Turns::default();
        for organization in 1..=5_u128 {
            for number in 0..200 {
                let lane = lane(Uuid::from_u128(organization), u128::from(number));
                turns.push(lane, false, number);
            }
        }
        let mut served = Vec::new();
        for _ in 0..10 {
            let batch = turns.next().unwrap();
            served.push(batch.organization_id.as_u128());
            finish(&mut turns, &batch);
        }
        assert_eq!(served, [1, 2, 3, 4, 5, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn a_lane_is_in_one_batch_at_a_time_and_keeps_its_order() {
        let mut turns = Turns::default();
        for number in 0..3 {
            turns.push(lane(A, 1), number == 1, number);
        }
        turns.push(lane(A, 2), false, 9);
        let first = turns.next().unwrap();
        assert_eq!(items(&first), [0], "the second has to go by itself");
        let other = turns.next().unwrap();
        assert_eq!(items(&other), [9], "the lane of the first is busy");
        assert!(turns.next().is_none());
        finish(&mut turns, &first);
        let second = turns.next().unwrap();
        assert_eq!(items(&second), [1]);
        finish(&mut turns, &second);
        assert_eq!(items(&turns.next().unwrap()), [2]);
    }

    #[test]
    fn what_rests_comes_before_what_came_later_and_holds_up_its_lane_alone() {
        let mut turns = Turns::default();
        turns.push(lane(A, 1), false, 0);
        let resting = turns.next().unwrap();
        turns.rest(A);
        turns.push(lane(A, 1), false, 1);
        turns.push(lane(A, 2), false, 2);
        let other = turns.next().unwrap();
        assert_eq!(items(&other), [2]);
        finish(&mut turns, &other);
        assert!(turns.next().is_none(), "its lane waits with it");
        turns.put_first(resting, |_| false);
        assert_eq!(items(&turns.next().unwrap()), [0, 1]);
    }

    #[test]
    fn an_organization_with_nothing_left_is_forgotten() {
        let mut turns = Turns::default();
        turns.push(lane(A, 1), false, 0);
        let batch = turns.next().unwrap();
        finish(&mut turns, &batch);
        assert!(turns.organizations.is_empty() && turns.rotation.is_empty());
    }
}
