//! What services do: who holds their threads, and who waits for one. Rows stand in the order of the
//! calls, users' end first, so that a cascade climbs.

use super::palette::{BLUE, SERIES, SKY, VERMILLION};
use super::panel::{Body, Line, Lines, Panel, Row};
use super::points::Points;
use super::scale::{Scale, Unit};
use crate::base::time::Time;
use crate::model::{Caller, Limit, ServiceId};
use crate::report::facts::{self, Facts};
use crate::report::number;

/// Busy threads of each service as a share of all that it has.
pub(super) fn threads(facts: &Facts, points: &Points) -> Panel {
    let shown = shown(facts);
    let row = |id: &usize| {
        let service = facts.service(*id);
        let series = &facts.results.series.services[*id];
        let (busy, wasted) = (points.levels(&series.busy), points.levels(&series.wasted));
        let peak = busy.iter().flatten().copied().fold(0.0, f64::max);
        // Without a limit there is no share: the row is as high as its peak.
        let (whole, note, full) = match service.threads {
            Limit::AtMost(_) => {
                let note = format!("{} × {}", replicas(facts, *id), threads_text(facts, *id));
                (facts.threads_most(*id).unwrap_or(peak), note, "100%".to_owned())
            }
            Limit::Unlimited => (peak, "unlimited threads".to_owned(), number::plain(Some(peak))),
        };
        let share = |levels: Vec<Option<f64>>| levels.into_iter().map(|it| facts::ratio(it?, whole)).collect();
        Row {
            name: service.name.clone(),
            note,
            whole: full,
            layers: vec![(BLUE, share(busy)), (VERMILLION, share(wasted))],
        }
    };
    let rows = shown.iter().map(row).collect();
    let key = vec![(BLUE, "for a caller who waits"), (VERMILLION, "for one who has given up")];
    let note = format!("share that is busy{}", left_out(facts, &shown));
    Panel { name: "threads", title: "Threads", note, key, body: Body::Rows(rows) }
}

/// Requests that wait for a thread at each service.
pub(super) fn queues(facts: &Facts, points: &Points) -> Panel {
    let shown = shown(facts);
    let line = |(id, stroke): (&usize, &_)| Line {
        name: facts.service(*id).name.clone(),
        values: points.levels(&facts.results.series.services[*id].queue),
        stroke: *stroke,
    };
    let lines: Vec<Line> = shown.iter().zip(&SERIES).map(line).collect();
    let peaks: Vec<f64> = lines.iter().map(|line| Lines::extent(std::slice::from_ref(line)).1).collect();
    let scale = Scale::levels(&peaks);
    let how = if scale.is_logarithmic() { ", logarithmic" } else { "" };
    let note = format!("requests that wait for a thread{how}{}", left_out(facts, &shown));
    let body = Lines { scale, unit: Unit::Plain, lines, marks: vec![], fill: None, silence: "" };
    Panel { name: "queues", title: "Queues", note, key: vec![], body: Body::Lines(body) }
}

/// How many requests each service takes on at a time, and how many it has; nothing where none has such a limit.
pub(super) fn limits(facts: &Facts, points: &Points) -> Option<Panel> {
    let series = &facts.results.series.services;
    let shown: Vec<usize> = shown(facts).into_iter().filter(|id| !series[*id].limit.is_empty()).collect();
    let row = |id: &usize| {
        let it = &series[*id];
        let (limit, inside) = (points.levels(&it.limit), points.levels(&it.in_system));
        let peak = |levels: &[Option<f64>]| levels.iter().flatten().copied().fold(0.0, f64::max);
        // A limit that is far away is out of the picture, or nothing would be seen of who is inside.
        let peak = peak(&limit).min(4.0 * peak(&inside)).max(peak(&inside));
        let share =
            |levels: Vec<Option<f64>>| levels.into_iter().map(|it| Some(facts::ratio(it?, peak)?.min(1.0))).collect();
        Row {
            name: facts.service(*id).name.clone(),
            note: format!("{} replicas", replicas(facts, *id)),
            whole: number::plain(Some(peak)),
            layers: vec![(SKY, share(limit)), (BLUE, share(inside))],
        }
    };
    if shown.is_empty() {
        return None;
    }
    let rows = shown.iter().map(row).collect();
    let key = vec![(SKY, "the limit"), (BLUE, "requests inside")];
    let note = "requests at a time, all replicas together".to_owned();
    Some(Panel { name: "limits", title: "Limits", note, key, body: Body::Rows(rows) })
}

/// The busiest services, those that users call first.
fn shown(facts: &Facts) -> Vec<usize> {
    let depths = facts.depths();
    let mut shown = facts.busiest_services(SERIES.len());
    // Who only handles messages does so on the threads of workers, which are shown with the consumers.
    let has_threads = |id: &usize| facts.results.services[*id].busy_nanos > 0 || !only_handles_messages(facts, *id);
    if shown.iter().any(has_threads) {
        shown.retain(has_threads);
    }
    shown.sort_by_key(|id| (depths[*id], *id));
    shown
}

/// Whether nobody calls a service but its consumers.
fn only_handles_messages(facts: &Facts, id: usize) -> bool {
    let mut callers = facts.edges.iter().filter(|edge| facts.callee(edge) == id).peekable();
    callers.peek().is_some() && callers.all(|edge| matches!(edge.from, Caller::Consumer(_)))
}

fn left_out(facts: &Facts, shown: &[usize]) -> String {
    let is_left_out = |id: &usize| facts.results.services[*id].busy_nanos == 0 && only_handles_messages(facts, *id);
    let all = (0..facts.model.services.len()).filter(|id| shown.contains(id) || !is_left_out(id)).count();
    match shown.len() < all {
        true => format!("; busiest {} of {} services", shown.len(), number::count(all as u64)),
        false => String::new(),
    }
}

/// `4 → 8`: how many there are, and how many changes make of them.
fn replicas(facts: &Facts, id: usize) -> String {
    in_turn(facts, |time| number::count(facts.model.service_at(ServiceId(id as u32), time).replicas.into()))
}

/// `64 threads`, or `64 → 128 threads`.
fn threads_text(facts: &Facts, id: usize) -> String {
    let counts = in_turn(facts, |time| match facts.model.service_at(ServiceId(id as u32), time).threads {
        Limit::AtMost(threads) => number::count(threads.into()),
        Limit::Unlimited => "unlimited".to_owned(),
    });
    format!("{counts} thread{}", if counts == "1" { "" } else { "s" })
}

/// What something is at the start and after each change that makes it another, up to the end of the run.
pub(super) fn in_turn(facts: &Facts, at: impl Fn(Time) -> String) -> String {
    let mut times: Vec<Time> = facts.model.changes.iter().map(|change| change.at).collect();
    times.retain(|time| *time < facts.results.ended);
    times.push(Time::ZERO);
    times.sort_unstable();
    let mut texts: Vec<String> = times.into_iter().map(at).collect();
    texts.dedup();
    texts.join(" → ")
}
