//! The tables of messaging: what was published, what became of it for each group of consumers, how busy their workers were,
//! and what was done to the world outside. Models without topics and effects have none. What never happened has no column.

use super::grid::{Grid, MARK};
use super::{BAD, DIM, HEAD, Look};
use crate::base::time::Span;
use crate::kernel::Fate;
use crate::measure::{
    ConsumerConfidence, ConsumerResult, EffectResult, GroupConfidence, GroupResult, MessagingResults, TopicConfidence,
    TopicResult,
};
use crate::report::drain;
use crate::report::facts::{self, Facts};
use crate::report::messaging::{self, GroupOf};
use crate::report::number;

/// Of more topics, groups or consumers than this, the busiest are shown.
const ROWS_MAX: usize = 20;

/// All of it.
pub(super) fn tables(facts: &Facts, look: Look) -> Option<String> {
    let results = facts.results.messaging.as_ref()?;
    let groups: Vec<GroupOf> = messaging::groups(facts, results).collect();
    let sections = [
        topics(facts, results, look),
        groups_table(facts, &groups, look),
        consumers(facts, results, look),
        effects(facts, &results.effects, look),
    ];
    Some(sections.into_iter().flatten().collect::<Vec<_>>().join("\n"))
}

/// The ids of what is shown, in file order when that is all of it, otherwise the busiest first; and what is left out.
fn shown<K: Ord>(things: &str, count: usize, weight: impl Fn(usize) -> K, look: Look) -> (Vec<usize>, String) {
    let mut ids: Vec<usize> = (0..count).collect();
    if count <= ROWS_MAX {
        return (ids, String::new());
    }
    ids.sort_by_key(|id| std::cmp::Reverse(weight(*id)));
    ids.truncate(ROWS_MAX);
    let rest = number::count((count - ROWS_MAX) as u64);
    let note =
        format!("The busiest {ROWS_MAX} {things} are shown, the busiest first; {rest} more are in summary.json.");
    (ids, look.paint(DIM, look.wrap("", &note).trim_end()) + "\n")
}

/// A count, and below it how many that are in a second and how far that may be off.
fn paced(facts: &Facts, count: u64, half_width: Option<f64>) -> String {
    let rate = number::rate(facts.per_sec(count));
    number::lines([number::count(count), rate, number::give_or_take(half_width, number::rate)])
}

/// What publishers and brokers did.
fn topics(facts: &Facts, results: &MessagingResults, look: Look) -> Option<String> {
    if results.topics.is_empty() {
        return None;
    }
    let (ids, left_out) = shown("topics", results.topics.len(), |id| results.topics[id].tried, look);
    let widths = messaging::half_widths(facts);
    let all: Vec<_> = facts.model.topics.iter().collect();
    let cells = |text: &dyn Fn(&TopicResult, TopicConfidence) -> String| {
        let width = |id: usize| widths.map(|all| all.topics[id]).unwrap_or_default();
        ids.iter().map(|id| text(&results.topics[*id], width(*id))).collect::<Vec<_>>()
    };
    let any = |count: fn(&TopicResult) -> u64| ids.iter().any(|id| count(&results.topics[*id]) > 0);
    let mut grid = Grid::new("topic or queue", ids.iter().map(|id| all[*id].name.clone()).collect());
    grid.column("broker", 3, ids.iter().map(|id| facts.model.brokers[all[*id].broker].name.clone()).collect());
    grid.column("published", 0, cells(&|it, width| paced(facts, it.published, width.published_per_s)));
    if any(messaging::failed) {
        let failed = |it: &TopicResult, _| {
            let share = facts::ratio(messaging::failed(it) as f64, it.tried as f64);
            number::lines([number::count(messaging::failed(it)), number::share(share)])
        };
        grid.column("failed", 1, cells(&failed));
    }
    // A few are always on their way.
    if any(|it| u64::from(it.under_way_end).saturating_sub(it.tried / 100)) {
        grid.column("not stored\nat end", 2, cells(&|it, _| number::count(it.under_way_end.into())));
    }
    if any(|it| it.deduplicated) {
        grid.column("known\nalready", 2, cells(&|it, _| number::count(it.deduplicated)));
    }
    if any(|it| it.disk_peak) {
        let bytes = |bytes: u64| number::bytes(Some(bytes as f64));
        grid.column("on disk\nmean", 3, cells(&|it, _| number::bytes(facts.mean_level(it.disk_nanos))));
        grid.column("on disk\npeak", 1, cells(&|it, _| bytes(it.disk_peak)));
        grid.column("at the\nend", 2, cells(&|it, _| bytes(it.disk_end)));
    }
    let mut text = look.paint(HEAD, "Topics and queues: what was published") + "\n" + &grid.render(look) + &left_out;
    for id in ids {
        let kinds = messaging::failures(&results.topics[id]);
        let kinds: Vec<String> = kinds.map(|(name, count)| format!("{} {name}", number::count(count))).collect();
        if !kinds.is_empty() {
            text += &look.wrap("", &format!("{}, not published: {}", all[id].name, kinds.join(", ")));
        }
    }
    Some(text)
}

/// A column that stands only where it happened: its head, what it counts, how early it is given up.
type Happened = (&'static str, fn(&GroupResult) -> u64, u8);

const HAPPENED: [Happened; 9] = [
    ("re-\ndelivered", |it| it.redelivered, 2),
    ("handled\ntwice", |it: &GroupResult| it.duplicates, 2),
    ("dead", |it| it.with_fate(Fate::Dead), 1),
    ("expired", |it| it.with_fate(Fate::Expired), 1),
    ("lost", |it| it.with_fate(Fate::Lost), 1),
    ("sent\nback", |it| it.with_fate(Fate::Redriven), 3),
    ("aborted", |it| it.with_fate(Fate::Aborted), 4),
    ("out of\norder", |it| it.reordered, 3),
    ("re-\nbalances", |it| it.rebalances, 3),
];

/// What became of messages.
fn groups_table(facts: &Facts, groups: &[GroupOf], look: Look) -> Option<String> {
    if groups.is_empty() {
        return None;
    }
    let (ids, left_out) = shown("groups", groups.len(), |id| groups[id].it.kept, look);
    let groups: Vec<&GroupOf> = ids.iter().map(|id| &groups[*id]).collect();
    let widths = messaging::half_widths(facts);
    let cells = |text: &dyn Fn(&GroupResult, GroupConfidence) -> String| {
        let width = |group: &GroupOf| widths.map(|all| all.groups[group.id]).unwrap_or_default();
        groups.iter().map(|group| text(group.it, width(group))).collect::<Vec<_>>()
    };
    let name = |group: &&GroupOf| group.name.replace("->", "→");
    let mut grid = Grid::new("group", groups.iter().map(name).collect());
    grid.column("kept", 4, cells(&|it, width| paced(facts, it.kept, width.kept_per_s)));
    let consumed =
        |it: &GroupResult, width: GroupConfidence| paced(facts, it.with_fate(Fate::Consumed), width.consumed_per_s);
    grid.column("consumed", 0, cells(&consumed));
    grid.column("pending\nat end", 1, cells(&|it, _| number::count(it.pending)));
    let lag = |it: &GroupResult, width: GroupConfidence| {
        number::with_width(facts.mean_level(it.lag_nanos), width.lag_mean, number::plain)
    };
    grid.column("lag\nmean", 0, cells(&lag));
    grid.column("lag\npeak", 2, cells(&|it, _| number::count(it.lag_peak.into())));
    grid.column("oldest\npeak", 1, cells(&|it, _| number::span(Some(it.age_peak))));
    let latency = |it: &GroupResult, width: GroupConfidence| {
        number::with_width(it.latency.mean().map(Span::as_secs_f64), width.latency_mean_s, number::secs)
    };
    grid.column("latency\nmean", 2, cells(&latency));
    grid.column("latency\np50", 5, cells(&|it, _| number::span(it.latency.quantile(0.5))));
    grid.column("latency\np99", 0, cells(&|it, _| number::span(it.latency.quantile(0.99))));
    for (head, count, give_up) in HAPPENED {
        if groups.iter().any(|group| count(group.it) > 0) {
            grid.column(head, give_up, cells(&|it, _| number::count(count(it))));
        }
    }
    let title = "Messages: what became of them (latency: from publishing to handled)";
    let mut text = look.paint(HEAD, look.wrap("", title).trim_end()) + "\n" + &grid.render(look) + &left_out;
    for group in &groups {
        if let Some(at) = group.it.alerted {
            let at = number::secs(Some(at.as_secs_f64()));
            let alert = facts.model.topics[group.group.topic].alert.map_or(0, u64::from);
            text +=
                &look.wrap("", &format!("Alert at {at}: {} messages waited in {}.", number::count(alert), name(group)));
        }
        text += &drained(facts, group, look).unwrap_or_default();
        let missing = group.it.missing();
        if missing != 0 {
            let bug = format!(
                "{MARK} A bug in brownout: of {}, {missing} messages are neither settled nor pending. Do not trust this run, \
                 and please report it.",
                name(group)
            );
            text += &(look.paint(BAD, look.wrap("", &bug).trim_end()) + "\n");
        }
    }
    Some(text)
}

/// How long it took to catch up after what went wrong.
fn drained(facts: &Facts, group: &GroupOf, look: Look) -> Option<String> {
    let it = drain::drain(facts, &group.group, &group.it.series)?;
    let (name, at) = (group.name.replace("->", "→"), number::secs(Some(it.over.as_secs_f64())));
    let (before, behind) = (number::plain(Some(it.before)), number::plain(Some(it.behind)));
    let after = format!("after {} ({at})", it.after);
    let fact = match it.secs {
        // It had nothing to catch up with.
        Some(0.0) => return None,
        Some(secs) => format!(
            "{name} took {} to drain {after}: from a lag of {behind} to {before}, its mean before.",
            number::secs(Some(secs)),
        ),
        None => format!(
            "{name} did not drain {after}: its lag was {before} on average before, {behind} then, and never back again.",
        ),
    };
    Some(look.wrap("", &fact))
}

/// How busy workers were.
fn consumers(facts: &Facts, results: &MessagingResults, look: Look) -> Option<String> {
    if results.consumers.is_empty() {
        return None;
    }
    let (ids, left_out) = shown("consumers", results.consumers.len(), |id| results.consumers[id].busy_nanos, look);
    let widths = messaging::half_widths(facts);
    let all: Vec<_> = facts.model.consumers.iter().collect();
    let cells = |text: &dyn Fn(&ConsumerResult, ConsumerConfidence) -> String| {
        let width = |id: usize| widths.map(|all| all.consumers[id]).unwrap_or_default();
        ids.iter().map(|id| text(&results.consumers[*id], width(*id))).collect::<Vec<_>>()
    };
    let mut grid = Grid::new("consumer", ids.iter().map(|id| all[*id].name.clone()).collect());
    let handlers = ids.iter().map(|id| facts.model.endpoint_name(all[*id].handler)).collect();
    grid.column("handler", 2, handlers);
    grid.column("workers\nmean", 0, cells(&|it, _| number::plain(facts.mean_level(it.there_nanos))));
    let busy = |it: &ConsumerResult, width: ConsumerConfidence| {
        number::with_width(messaging::busy_share(it), width.workers_busy_share, number::share)
    };
    grid.column("busy", 0, cells(&busy));
    Some(grid.render(look) + &left_out)
}

/// What was done to the world outside.
fn effects(facts: &Facts, results: &[EffectResult], look: Look) -> Option<String> {
    if results.is_empty() {
        return None;
    }
    let (ids, left_out) = shown("effects", results.len(), |id| results[id].done, look);
    let endpoint = |id: &usize| &facts.model.endpoints[results[*id].endpoint];
    let name = |id: &usize| endpoint(id).effect.clone().unwrap_or_default();
    let mut grid = Grid::new("effect", ids.iter().map(name).collect());
    grid.column("of", 1, ids.iter().map(|id| facts.model.endpoint_name(results[*id].endpoint)).collect());
    grid.column("done", 0, ids.iter().map(|id| number::count(results[*id].done)).collect());
    grid.column("done\nagain", 0, ids.iter().map(|id| number::count(results[*id].again)).collect());
    if ids.iter().any(|id| endpoint(id).effect_once) {
        let harm = |id: &usize| if endpoint(id).effect_once { "idempotent" } else { "" };
        grid.column("harm", 2, ids.iter().map(|id| harm(id).to_owned()).collect());
    }
    Some(grid.render(look) + &left_out)
}
