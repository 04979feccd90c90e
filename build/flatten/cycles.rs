//! Which functions calls must pass through that go round in a circle.
//!
//! Calls that nest are bounded by the stack, but calls that call twice each are not bounded by anything that matters: so code that looks for its turn only in
//! loops would not do. [`cut`] gives functions without which no chain of calls comes back to where it began.

use std::collections::HashSet;

/// What leads to what by a call: functions, and behind them points where calls through a table meet, one for each type.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    /// How many of the nodes are functions: the first ones.
    pub(crate) functions: usize,
    /// For each node, those that a call may come to next.
    pub(crate) next: Vec<Vec<u32>>,
}

/// Functions that lie on all circles of calls, as few as is simple: of what calls each other, the ones with most calls are taken out, one at a time.
pub(crate) fn cut(calls: &Calls) -> HashSet<u32> {
    let before = reversed(&calls.next);
    let nodes = (0..calls.next.len()).filter_map(|node| u32::try_from(node).ok()).collect();
    let mut cut = HashSet::new();
    let mut groups = circles(&calls.next, nodes);
    let mut within = vec![false; calls.next.len()];
    while let Some(group) = groups.pop() {
        group.iter().for_each(|&node| within[node as usize] = true);
        let count = |ends: &[u32]| ends.iter().filter(|&&end| within[end as usize]).count();
        // A circle is never of points alone. The number breaks ties, so that the same module always gives the same result.
        let functions = group.iter().copied().filter(|&node| (node as usize) < calls.functions);
        let hub = functions.max_by_key(|&node| (count(&calls.next[node as usize]) * count(&before[node as usize]), node));
        group.iter().for_each(|&node| within[node as usize] = false);
        if let Some(hub) = hub {
            cut.insert(hub);
            groups.extend(circles(&calls.next, group.into_iter().filter(|&node| node != hub).collect()));
        }
    }
    cut
}

fn reversed(next: &[Vec<u32>]) -> Vec<Vec<u32>> {
    let mut before = vec![Vec::new(); next.len()];
    for (node, ends) in (0..).zip(next) {
        for end in ends {
            before[*end as usize].push(node);
        }
    }
    before
}

/// Of `nodes`, the groups that lead to each other in a circle, or to themselves: Tarjan's strongly connected components, without recursion.
fn circles(calls: &[Vec<u32>], nodes: Vec<u32>) -> Vec<Vec<u32>> {
    const UNSEEN: u32 = u32::MAX;
    let mut allowed = vec![false; calls.len()];
    nodes.iter().for_each(|&node| allowed[node as usize] = true);
    let (mut index, mut low, mut on_stack) = (vec![UNSEEN; calls.len()], vec![0; calls.len()], vec![false; calls.len()]);
    let (mut next, mut stack, mut groups) = (0, Vec::new(), Vec::new());
    for root in nodes {
        if index[root as usize] != UNSEEN {
            continue;
        }
        let mut path = vec![(root, 0)];
        while let Some((function, edge)) = path.last_mut() {
            let function = *function as usize;
            if *edge == 0 {
                (index[function], low[function], on_stack[function]) = (next, next, true);
                stack.push(function);
                next += 1;
            }
            if let Some(&callee) = calls[function].get(*edge) {
                *edge += 1;
                let callee_index = callee as usize;
                if allowed[callee_index] && index[callee_index] == UNSEEN {
                    path.push((callee, 0));
                } else if on_stack[callee_index] {
                    low[function] = low[function].min(index[callee_index]);
                }
                continue;
            }
            path.pop();
            if let Some((caller, _)) = path.last() {
                low[*caller as usize] = low[*caller as usize].min(low[function]);
            }
            if low[function] == index[function] {
                let mut group = Vec::new();
                while let Some(member) = stack.pop() {
                    on_stack[member] = false;
                    group.push(u32::try_from(member).unwrap_or(UNSEEN));
                    if member == function {
                        break;
                    }
                }
                let in_a_circle = group.len() > 1 || calls[function].iter().any(|&callee| callee as usize == function);
                if in_a_circle {
                    groups.push(group);
                }
            }
        }
    }
    groups
}
