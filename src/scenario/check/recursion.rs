//! Endless recursion: endpoints whose handlers come back to themselves whatever is drawn.
//!
//! An endpoint can end when its steps can: a call when its callee can, a choice when one of its arms can. The
//! least solution of that is found by working from those that call nobody; what is left never ends.

use std::collections::BTreeMap;

use crate::model::{EndpointId, Id, Model, Step};
use crate::scenario::build::Atlas;
use crate::scenario::decode::Cx;
use crate::scenario::say::catalogue;

/// Names of a cycle that one message shows.
const SHOWN_MAX: usize = 6;

pub(super) fn find(model: &Model, atlas: &Atlas, cx: &mut Cx<'_>) {
    let can_end = can_end(model, atlas);
    let mut seen = vec![0usize; model.endpoints.len()];
    for (round, start) in model.endpoints.ids().enumerate() {
        let round = round + 1;
        let mut at = start;
        // Walks along the calls that never end, until it meets itself or an earlier walk.
        while !can_end[at.index()] && seen[at.index()] == 0 {
            seen[at.index()] = round;
            match blocking_call(&model.endpoints[at].steps, &can_end) {
                Some(next) => at = next,
                None => break,
            }
        }
        if !can_end[at.index()] && seen[at.index()] == round {
            say(model, atlas, &cycle(model, at, &can_end), cx);
        }
    }
}

fn can_end(model: &Model, atlas: &Atlas) -> Vec<bool> {
    let mut callers = vec![Vec::new(); model.endpoints.len()];
    for call in &atlas.calls {
        callers[call.to.index()].push(call.from);
    }
    let mut can_end = vec![false; model.endpoints.len()];
    let mut to_look_at: Vec<EndpointId> = model.endpoints.ids().collect();
    while let Some(id) = to_look_at.pop() {
        if !can_end[id.index()] && end_of(&model.endpoints[id].steps, &can_end) != End::Never {
            can_end[id.index()] = true;
            to_look_at.extend(&callers[id.index()]);
        }
    }
    can_end
}

/// How a list of steps can end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// It cannot.
    Never,
    /// It can go through to the next step.
    Through,
    /// It can end the handler before its last step.
    Out,
}

fn end_of(steps: &[Step], can_end: &[bool]) -> End {
    for step in steps {
        let end = match step {
            Step::Work(_) | Step::ContendedWork { .. } | Step::Sleep(_) | Step::Publish(_) | Step::Reply => {
                End::Through
            }
            // It may be there.
            Step::Cached { .. } => End::Through,
            Step::Fail => End::Out,
            Step::Call { endpoint, .. } if can_end[endpoint.index()] => End::Through,
            Step::Forward { endpoint, .. } if can_end[endpoint.index()] => End::Out,
            Step::Call { .. } | Step::Forward { .. } => End::Never,
            Step::Repeat { steps, .. } | Step::Hold { steps, .. } => end_of(steps, can_end),
            // A branch that fails ends itself, not the handler.
            Step::Parallel { branches, .. } => {
                let never = branches.iter().any(|branch| end_of(&branch.steps, can_end) == End::Never);
                if never { End::Never } else { End::Through }
            }
            Step::Choose(arms) => {
                let mut ends =
                    arms.iter().filter(|(share, _)| share.as_f64() > 0.0).map(|(_, steps)| end_of(steps, can_end));
                ends.try_fold(End::Never, |best, end| match end {
                    End::Out => Err(End::Out),
                    End::Through => Ok(End::Through),
                    End::Never => Ok(best),
                })
                .unwrap_or_else(|out| out)
            }
        };
        if end != End::Through {
            return end;
        }
    }
    End::Through
}

/// The callee because of which a list never ends.
fn blocking_call(steps: &[Step], can_end: &[bool]) -> Option<EndpointId> {
    let never = |steps: &[Step]| end_of(steps, can_end) == End::Never;
    let step = steps.iter().find(|step| never(std::slice::from_ref(*step)))?;
    match step {
        Step::Call { endpoint, .. } | Step::Forward { endpoint, .. } => Some(*endpoint),
        Step::Repeat { steps, .. } | Step::Hold { steps, .. } => blocking_call(steps, can_end),
        Step::Parallel { branches, .. } => {
            let branch = branches.iter().find(|branch| never(&branch.steps))?;
            blocking_call(&branch.steps, can_end)
        }
        Step::Choose(arms) => {
            let (_, steps) = arms.iter().find(|(share, _)| share.as_f64() > 0.0)?;
            blocking_call(steps, can_end)
        }
        Step::Work(_)
        | Step::ContendedWork { .. }
        | Step::Sleep(_)
        | Step::Cached { .. }
        | Step::Publish(_)
        | Step::Reply
        | Step::Fail => None,
    }
}

/// The endpoints of the cycle through `start`, in the order of their calls.
fn cycle(model: &Model, start: EndpointId, can_end: &[bool]) -> Vec<EndpointId> {
    let mut cycle = vec![start];
    let mut at = start;
    while let Some(next) = blocking_call(&model.endpoints[at].steps, can_end).filter(|next| *next != start) {
        cycle.push(next);
        at = next;
    }
    cycle
}

fn say(model: &Model, atlas: &Atlas, cycle: &[EndpointId], cx: &mut Cx<'_>) {
    let sites: BTreeMap<_, _> = atlas.calls.iter().rev().map(|call| ((call.from, call.to), call.place)).collect();
    let calls: Vec<_> = (0..cycle.len()).map(|at| (cycle[at], cycle[(at + 1) % cycle.len()])).collect();
    let mut places = calls.iter().filter_map(|call| sites.get(call).copied());
    let Some(first) = places.next() else { return };
    let mut path: Vec<String> = cycle.iter().take(SHOWN_MAX).map(|id| model.endpoint_name(*id)).collect();
    if cycle.len() > SHOWN_MAX {
        path.push(format!(".. ({} more)", cycle.len() - SHOWN_MAX));
    }
    path.push(model.endpoint_name(cycle[0]));
    let diagnostic =
        cx.say(&catalogue::RECURSION, first, format!("`{}` calls itself without end", model.endpoint_name(cycle[0])));
    for place in places.take(SHOWN_MAX - 1) {
        diagnostic.also(place, "and from here on");
    }
    diagnostic
        .note(format!("the calls go {}", path.join(" -> ")))
        .help("put one of the calls into a `choose` with a way out, or remove it");
}
