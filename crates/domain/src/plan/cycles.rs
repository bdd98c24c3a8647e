//! Which nodes of a graph wait for themselves, in time linear in its edges.

use std::collections::{BTreeMap, BTreeSet};

/// The nodes that lie on a cycle (by Kosaraju's two walks), of a graph given by what each waits for.
pub(super) fn on_cycles<K: Ord>(waits_for: &BTreeMap<K, BTreeSet<K>>) -> BTreeSet<&K> {
    let nodes: Vec<&K> = waits_for.keys().collect();
    let places: BTreeMap<&K, usize> = nodes.iter().copied().zip(0..).collect();
    let mut forward: Vec<Vec<usize>> = Vec::with_capacity(nodes.len());
    let mut backward: Vec<Vec<usize>> = vec![Vec::new(); nodes.len()];
    for (place, waits) in waits_for.values().enumerate() {
        let next: Vec<usize> = waits
            .iter()
            .filter_map(|key| places.get(key).copied())
            .collect();
        for target in &next {
            backward[*target].push(place);
        }
        forward.push(next);
    }
    let mut finished = Vec::with_capacity(nodes.len());
    let mut seen = vec![false; nodes.len()];
    for root in 0..nodes.len() {
        finished.extend(walk(root, &forward, &mut seen));
    }
    let mut seen = vec![false; nodes.len()];
    let mut found = BTreeSet::new();
    for root in finished.into_iter().rev() {
        let component = walk(root, &backward, &mut seen);
        if component.len() > 1 || (component.len() == 1 && forward[root].contains(&root)) {
            found.extend(component.into_iter().map(|place| nodes[place]));
        }
    }
    found
}

/// The nodes reached from a root that were not seen before, each after those reached from it.
fn walk(root: usize, edges: &[Vec<usize>], seen: &mut [bool]) -> Vec<usize> {
    let mut finished = Vec::new();
    let mut stack = Vec::new();
    if !std::mem::replace(&mut seen[root], true) {
        stack.push((root, edges[root].iter()));
    }
    while let Some((node, next)) = stack.last_mut() {
        match next.next() {
            Some(target) if !std::mem::replace(&mut seen[*target], true) => {
                stack.push((*target, edges[*target].iter()));
            }
            Some(_) => {}
            None => {
                finished.push(*node);
                stack.pop();
            }
        }
    }
    finished
}
