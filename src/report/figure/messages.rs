//! Messages: how many wait for each group of consumers and for how long, how many come and are consumed, what goes wrong
//! with them, and the disk that they take.

use super::palette::{BLUE, GREEN, ORANGE, PURPLE, SERIES, SKY, Stroke, VERMILLION, dashed, solid};
use super::panel::{Body, Line, Lines, Panel, Row};
use super::points::Points;
use super::scale::{Scale, Unit};
use crate::base::time::Span;
use crate::measure::{GroupSeries, MessagingResults};
use crate::report::drain;
use crate::report::facts::{self, Facts};
use crate::report::messaging::{self, GroupOf};
use crate::report::number;

/// Two lines for each group: more of them than this are not shown.
const PAIRS: [(Stroke, Stroke); 4] = [
    (solid(BLUE, 5), dashed(BLUE, 3, (6, 6))),
    (solid(VERMILLION, 5), dashed(VERMILLION, 3, (6, 6))),
    (solid(GREEN, 5), dashed(GREEN, 3, (6, 6))),
    (solid(PURPLE, 5), dashed(PURPLE, 3, (6, 6))),
];
/// More rows than this are not shown.
const ROWS_MAX: usize = 8;

/// Those that belong to the overview: who works, how many wait and for how long, what goes wrong, and the disk where it
/// can be full. Nothing where there are no topics.
pub(super) fn overview(facts: &Facts, points: &Points) -> Vec<Panel> {
    let (Some(results), Some(groups)) = (&facts.results.messaging, groups(facts)) else { return Vec::new() };
    let mut panels: Vec<Panel> = workers(facts, results, points).into_iter().collect();
    panels.push(lag(facts, &groups, points));
    panels.push(age(&groups, points));
    panels.extend(mishaps(facts, &groups, points));
    if can_be_full(facts) {
        panels.extend(disk(facts, results, points));
    }
    panels
}

/// What is not in the overview.
pub(super) fn alone(facts: &Facts, points: &Points) -> Vec<Panel> {
    let (Some(results), Some(groups)) = (&facts.results.messaging, groups(facts)) else { return Vec::new() };
    let mut panels = vec![messages(facts, &groups, points), delivery(facts, &groups, points)];
    if !can_be_full(facts) {
        panels.extend(disk(facts, results, points));
    }
    panels
}

/// Whether a disk has an end.
fn can_be_full(facts: &Facts) -> bool {
    facts.model.topics.iter().any(|it| facts.model.brokers[it.broker].disk.is_some())
}

/// Busy workers of each consumer as a share of the most that it has; nothing where there are none.
fn workers(facts: &Facts, results: &MessagingResults, points: &Points) -> Option<Panel> {
    let consumers: Vec<_> = facts.model.consumers.iter().collect();
    let mut ids: Vec<usize> = (0..consumers.len()).collect();
    ids.sort_by_key(|id| std::cmp::Reverse(results.consumers[*id].there_nanos));
    ids.truncate(ROWS_MAX);
    ids.sort_unstable();
    let row = |id: &usize| {
        let it = &results.consumers[*id];
        let (there, busy) = (points.levels(&it.there), points.levels(&it.busy));
        let most = there.iter().flatten().copied().fold(0.0, f64::max);
        let share = |levels: Vec<Option<f64>>| levels.into_iter().map(|it| facts::ratio(it?, most)).collect();
        Row {
            name: consumers[*id].name.clone(),
            note: facts.model.endpoint_name(consumers[*id].handler),
            whole: number::plain(Some(most)),
            layers: vec![(SKY, share(there)), (BLUE, share(busy))],
        }
    };
    let rows: Vec<Row> = ids.iter().map(row).collect();
    let more = if rows.len() < consumers.len() {
        format!("; {} of {} consumers", rows.len(), consumers.len())
    } else {
        String::new()
    };
    let key = vec![(SKY, "there"), (BLUE, "busy with a message")];
    let note = format!("of consumers{more}");
    (!rows.is_empty()).then_some(Panel { name: "workers", title: "Workers", note, key, body: Body::Rows(rows) })
}

/// Messages that are kept for each group, and how long it took to work them off.
fn lag(facts: &Facts, groups: &[GroupOf], points: &Points) -> Panel {
    let shown = busiest(groups, SERIES.len(), |it| it.it.lag_nanos);
    let lines = lines(&shown, |it| points.levels(&it.lag));
    let drains = groups.iter().filter_map(|it| Some((it, drain::drain(facts, &it.group, &it.it.series)?.secs?)));
    let slowest = drains.filter(|(_, secs)| *secs > 0.0).max_by(|a, b| a.1.total_cmp(&b.1));
    let mut more = left_out(groups, &shown);
    if let Some((group, secs)) = slowest {
        more += &format!("; {} drained in {}", label(group), number::secs(Some(secs)));
    }
    panel("lag", "Lag", "messages that are not settled", more, Unit::Plain, lines)
}

/// How old the oldest message is.
fn age(groups: &[GroupOf], points: &Points) -> Panel {
    let shown = busiest(groups, SERIES.len(), |it| it.it.age_peak);
    let seconds = |it: &GroupSeries| {
        let ages: Vec<Option<f64>> = it.age.iter().copied().map(Span::as_secs_f64).map(Some).collect();
        points.maxima(&ages)
    };
    let lines = lines(&shown, seconds);
    panel("age", "Oldest message", "how long it has been there", left_out(groups, &shown), Unit::Seconds, lines)
}

/// What is published to a topic, once each, and what its groups consume.
fn messages(facts: &Facts, groups: &[GroupOf], points: &Points) -> Panel {
    let shown = busiest(groups, PAIRS.len(), |it| it.it.kept);
    let mut lines = Vec::new();
    for (place, (group, (consumed, kept))) in shown.iter().zip(&PAIRS).enumerate() {
        let (it, topic) = (&group.it.series, group.group.topic);
        if shown[..place].iter().all(|other| other.group.topic != topic) {
            let name = format!("to {}", facts.model.topics[topic].name);
            lines.push(Line { name, values: points.rates(&it.kept), stroke: *kept });
        }
        if let Some(first) = group.group.consumers.first() {
            let name = format!("by {}", facts.model.consumers[*first].name);
            lines.push(Line { name, values: points.rates(&it.consumed), stroke: *consumed });
        }
    }
    let what = "dashed: published to, solid: consumed by, per second";
    panel("messages", "Messages", what, left_out(groups, &shown), Unit::PerSecond, lines)
}

/// How long messages take.
fn delivery(facts: &Facts, groups: &[GroupOf], points: &Points) -> Panel {
    let shown = busiest(groups, SERIES.len(), |it| it.it.kept);
    let mean = |it: &GroupSeries| {
        let means: Vec<_> = (0..facts.results.series.points).map(|point| messaging::latency(it, point)).collect();
        points.known(&means)
    };
    let lines = lines(&shown, mean);
    let (min, max) = Lines::extent(&lines);
    let note = format!("from publishing to handled, mean, logarithmic{}", left_out(groups, &shown));
    let body = Lines {
        scale: Scale::log(min, max),
        unit: Unit::Seconds,
        lines,
        marks: vec![],
        fill: None,
        silence: "nothing consumed",
    };
    Panel { name: "delivery", title: "Delivery", note, key: vec![], body: Body::Lines(body) }
}

/// What is delivered again and what is gone; nothing where nothing ever is.
fn mishaps(facts: &Facts, groups: &[GroupOf], points: &Points) -> Option<Panel> {
    let count =
        |it: &GroupSeries| [&it.redelivered, &it.dead, &it.expired, &it.lost].into_iter().flatten().sum::<u64>();
    let hit: Vec<&GroupOf> = groups.iter().filter(|group| count(&group.it.series) > 0).collect();
    let mut shown = hit.clone();
    shown.sort_by_key(|group| std::cmp::Reverse(count(&group.it.series)));
    shown.truncate(ROWS_MAX);
    shown.sort_by_key(|group| group.id);
    let row = |group: &&GroupOf| {
        let it = &group.it.series;
        // Each layer holds those that are drawn after it.
        let mut sum = vec![0; facts.results.series.points];
        let mut layers = Vec::new();
        for (color, column) in
            [(VERMILLION, &it.lost), (PURPLE, &it.expired), (ORANGE, &it.dead), (SKY, &it.redelivered)]
        {
            sum.iter_mut().zip(column).for_each(|(sum, count)| *sum += count);
            layers.push((color, points.rates(&sum)));
        }
        layers.reverse();
        let peak = layers[0].1.iter().flatten().copied().fold(0.0, f64::max);
        let share = |rates: Vec<Option<f64>>| rates.into_iter().map(|rate| facts::ratio(rate?, peak)).collect();
        let layers = layers.into_iter().map(|(color, rates)| (color, share(rates))).collect();
        let name = group.name.replace("->", "→");
        Row { name, note: String::new(), whole: number::rate(Some(peak)), layers }
    };
    let rows: Vec<Row> = shown.iter().map(row).collect();
    let key = vec![(SKY, "redelivered"), (ORANGE, "dead"), (PURPLE, "expired"), (VERMILLION, "lost")];
    let more =
        if shown.len() < hit.len() { format!("; worst {ROWS_MAX} of {} groups", hit.len()) } else { String::new() };
    let note = format!("messages per second{more}");
    (!rows.is_empty()).then_some(Panel { name: "mishaps", title: "Mishaps", note, key, body: Body::Rows(rows) })
}

/// Bytes on disk; nothing where there are none.
fn disk(facts: &Facts, results: &MessagingResults, points: &Points) -> Option<Panel> {
    let names: Vec<&str> = facts.model.topics.iter().map(|it| it.name.as_str()).collect();
    let mut ids: Vec<usize> = (0..results.topics.len()).filter(|id| results.topics[*id].disk_peak > 0).collect();
    let all = ids.len();
    ids.sort_by_key(|id| std::cmp::Reverse(results.topics[*id].disk_peak));
    ids.truncate(SERIES.len());
    ids.sort_unstable();
    let line = |(id, stroke): (&usize, &Stroke)| Line {
        name: names[*id].to_owned(),
        values: points.levels(&results.topics[*id].series.disk),
        stroke: *stroke,
    };
    let lines: Vec<Line> = ids.iter().zip(&SERIES).map(line).collect();
    let more = if ids.len() < all { format!("; the largest {} of {all}", ids.len()) } else { String::new() };
    (all > 0).then(|| panel("disk", "Disk", "bytes of topics and queues", more, Unit::Bytes, lines))
}

/// `None` where there are none.
fn groups<'a>(facts: &Facts<'a>) -> Option<Vec<GroupOf<'a>>> {
    let groups: Vec<GroupOf> = messaging::groups(facts, facts.results.messaging.as_ref()?).collect();
    (!groups.is_empty()).then_some(groups)
}

/// The heaviest `most` groups, in the order of the file.
fn busiest<'a, 'b, K: Ord>(
    groups: &'b [GroupOf<'a>],
    most: usize,
    weight: impl Fn(&GroupOf) -> K,
) -> Vec<&'b GroupOf<'a>> {
    let mut shown: Vec<&GroupOf> = groups.iter().collect();
    shown.sort_by_key(|group| std::cmp::Reverse(weight(group)));
    shown.truncate(most);
    shown.sort_by_key(|group| group.id);
    shown
}

fn left_out(groups: &[GroupOf], shown: &[&GroupOf]) -> String {
    match shown.len() < groups.len() {
        true => format!("; {} of {} groups", shown.len(), number::count(groups.len() as u64)),
        false => String::new(),
    }
}

fn label(group: &GroupOf) -> String {
    group.name.replace("->", "→")
}

fn lines(shown: &[&GroupOf], values: impl Fn(&GroupSeries) -> Vec<Option<f64>>) -> Vec<Line> {
    let line = |(group, stroke): (&&GroupOf, &Stroke)| Line {
        name: label(group),
        values: values(&group.it.series),
        stroke: *stroke,
    };
    shown.iter().zip(&SERIES).map(line).collect()
}

/// Lines from zero on, or on a logarithmic scale where they are far apart.
fn panel(name: &'static str, title: &'static str, what: &str, more: String, unit: Unit, lines: Vec<Line>) -> Panel {
    let peaks: Vec<f64> = lines.iter().map(|line| Lines::extent(std::slice::from_ref(line)).1).collect();
    let scale = Scale::levels(&peaks);
    let how = if scale.is_logarithmic() { ", logarithmic" } else { "" };
    let body = Lines { scale, unit, lines, marks: vec![], fill: None, silence: "" };
    Panel { name, title, note: format!("{what}{how}{more}"), key: vec![], body: Body::Lines(body) }
}
