//! The plan as a graph: what waits for what, in which order, what a dropped task leaves behind, and how the open work
//! is spread over the calendar.
//!
//! The graph knows keys only; tasks, dates and templates put in whatever names they have. It holds no state of tasks.

mod cycles;
mod schedule;

use std::collections::{BTreeMap, BTreeSet};

use crate::{rejection::Rejection, template::ITEMS_MAX};

pub use self::schedule::{Lag, Schedule, Scheduled, Work, schedule};

/// The most tasks of one deal, finished ones included: twice what the largest template has. Every move of a date counts
/// all of them.
pub const TASKS_OF_DEAL_MAX: usize = 1_000;

/// Of these, the most that are not the template's: added by hand, or instances of repeating work. So the tasks of a
/// template have room whenever they come, with the plan or with new facts.
pub const TASKS_BESIDE_TEMPLATE_MAX: usize = TASKS_OF_DEAL_MAX - ITEMS_MAX;

/// Refuses a task more beside the template's in a deal that has so many already.
///
/// # Errors
/// A validation rejection on `dealId`.
pub fn require_room(beside_template: usize) -> Result<(), Rejection> {
    if beside_template < TASKS_BESIDE_TEMPLATE_MAX {
        return Ok(());
    }
    let message = format!(
        "a deal has at most {TASKS_BESIDE_TEMPLATE_MAX} tasks beside those of its template"
    );
    Err(Rejection::field("dealId", "max_items", message))
}

/// What waits for what. Every prerequisite is itself a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Graph<K> {
    waits_for: BTreeMap<K, BTreeSet<K>>,
}

/// Nodes that wait for each other: each for the next, the last is the first again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cycle<K> {
    /// The way round, beginning and ending with the same node.
    pub path: Vec<K>,
}

impl<K: Ord + Clone> Graph<K> {
    /// A graph without nodes.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            waits_for: BTreeMap::new(),
        }
    }

    /// Adds a node that waits for nothing yet; without effect if it is there.
    pub fn add(&mut self, node: K) {
        self.waits_for.entry(node).or_default();
    }

    /// Makes a node wait for another; adds either if it is missing.
    pub fn add_dependency(&mut self, node: K, prerequisite: K) {
        self.add(prerequisite.clone());
        self.waits_for.entry(node).or_default().insert(prerequisite);
    }

    /// The nodes, in the order of their keys.
    pub fn nodes(&self) -> impl Iterator<Item = &K> {
        self.waits_for.keys()
    }

    /// What the node waits for directly.
    pub fn prerequisites<'a>(&'a self, node: &K) -> impl Iterator<Item = &'a K> + use<'a, K> {
        self.waits_for.get(node).into_iter().flatten()
    }

    /// What waits for the node directly.
    pub fn dependents<'a>(&'a self, node: &'a K) -> impl Iterator<Item = &'a K> {
        self.waits_for
            .iter()
            .filter(move |(_, waits)| waits.contains(node))
            .map(|(dependent, _)| dependent)
    }

    /// The nodes in an order in which each comes after all it waits for; among equals by key.
    ///
    /// # Errors
    /// One [`Cycle`], if there is any.
    pub fn order(&self) -> Result<Vec<K>, Cycle<K>> {
        let order = self.orderable();
        if order.len() == self.waits_for.len() {
            return Ok(order);
        }
        let path = cycles::on_cycles(&self.waits_for)
            .first()
            .and_then(|node| self.path(node, node))
            .unwrap_or_default();
        Err(Cycle { path })
    }

    /// The nodes that can never start, because they wait for a cycle without being part of one.
    #[must_use]
    pub fn unreachable(&self) -> Vec<K> {
        let ordered: BTreeSet<_> = self.orderable().into_iter().collect();
        let on_cycles = cycles::on_cycles(&self.waits_for);
        self.nodes()
            .filter(|node| !ordered.contains(node) && !on_cycles.contains(node))
            .cloned()
            .collect()
    }

    /// The cycle that would close if the node waited for the prerequisite as well; `None` if none would.
    #[must_use]
    pub fn cycle_closed_by(&self, node: &K, prerequisite: &K) -> Option<Cycle<K>> {
        let back = if node == prerequisite {
            Some(vec![node.clone()])
        } else {
            self.path(prerequisite, node)
        };
        back.map(|back| Cycle {
            path: std::iter::once(node.clone()).chain(back).collect(),
        })
    }

    /// The graph without some nodes: what waited for a dropped node waits for what that node waited for.
    #[must_use]
    pub fn without(&self, dropped: &BTreeSet<K>) -> Self {
        let kept = self.nodes().filter(|node| !dropped.contains(node));
        let waits_for = kept
            .map(|node| (node.clone(), self.inherited(node, dropped)))
            .collect();
        Self { waits_for }
    }

    fn inherited(&self, node: &K, dropped: &BTreeSet<K>) -> BTreeSet<K> {
        let mut found = BTreeSet::new();
        let mut passed = BTreeSet::new();
        let mut frontier: Vec<&K> = self.prerequisites(node).collect();
        while let Some(next) = frontier.pop() {
            if !dropped.contains(next) {
                found.insert(next.clone());
            } else if passed.insert(next) {
                frontier.extend(self.prerequisites(next));
            }
        }
        found
    }

    /// As many nodes as can be put in order: all of them, if there is no cycle.
    fn orderable(&self) -> Vec<K> {
        let mut left: BTreeMap<&K, usize> = self
            .waits_for
            .iter()
            .map(|(node, waits)| (node, waits.len()))
            .collect();
        let mut dependents: BTreeMap<&K, Vec<&K>> = BTreeMap::new();
        for (node, waits) in &self.waits_for {
            for prerequisite in waits {
                dependents.entry(prerequisite).or_default().push(node);
            }
        }
        let mut ready: BTreeSet<&K> = left
            .iter()
            .filter(|(_, waits)| **waits == 0)
            .map(|(node, _)| *node)
            .collect();
        let mut order = Vec::with_capacity(left.len());
        while let Some(node) = ready.pop_first() {
            order.push(node.clone());
            for dependent in dependents.get(node).into_iter().flatten() {
                if let Some(waits) = left.get_mut(dependent) {
                    *waits -= 1;
                    if *waits == 0 {
                        ready.insert(dependent);
                    }
                }
            }
        }
        order
    }

    /// The shortest way from a node along what it waits for to another (at least one step), both included.
    fn path(&self, from: &K, to: &K) -> Option<Vec<K>> {
        let mut came_from: BTreeMap<&K, &K> = BTreeMap::new();
        let mut frontier = std::collections::VecDeque::from([from]);
        while let Some(node) = frontier.pop_front() {
            for next in self.prerequisites(node) {
                if next == to {
                    let mut path = vec![to.clone(), node.clone()];
                    let mut step = node;
                    while step != from {
                        step = came_from.get(step)?;
                        path.push(step.clone());
                    }
                    path.reverse();
                    return Some(path);
                }
                if next != from && !came_from.contains_key(next) {
                    came_from.insert(next, node);
                    frontier.push_back(next);
                }
            }
        }
        None
    }
}

impl<K: Ord + Clone> Default for Graph<K> {
    fn default() -> Self {
        Self::new()
    }
}

/// Nodes with what each waits for.
impl<K: Ord + Clone> FromIterator<(K, Vec<K>)> for Graph<K> {
    fn from_iter<I: IntoIterator<Item = (K, Vec<K>)>>(nodes: I) -> Self {
        let mut graph = Self::new();
        for (node, prerequisites) in nodes {
            graph.add(node.clone());
            for prerequisite in prerequisites {
                graph.add_dependency(node.clone(), prerequisite);
            }
        }
        graph
    }
}

#[cfg(test)]
mod tests;
