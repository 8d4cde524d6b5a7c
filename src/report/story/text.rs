//! The story in a terminal: the verdict first, then what happened, a line each; what a moment looked like; what one
//! service saw.

use anstyle::Style;

use crate::base::time::Time;
use crate::insight::{
    EdgePoints, Event, EventKind, GroupJudgement, Judgement, PlaceKind, Root, RootKind, ServicePoints, Timeline,
};
use crate::model::Verdict;

use super::super::number;
use super::super::terminal::{BAD, DIM, GOOD, HEAD, Look};
use super::Story;

/// Edges of a moment that are shown.
const EDGES_MAX: usize = 12;

/// The short story, or all of it.
pub fn story(story: &Story, whole: bool, color: bool, width: usize) -> String {
    let look = Look { color, width: width.max(20) };
    let events = story.insight.events.iter().filter(|event| whole || event.is_told);
    let mut text = headline(story, look);
    text += &lines(story, events, whole, look);
    let hidden = story.insight.events.iter().filter(|event| !whole && !event.is_told).count();
    if hidden > 0 {
        let more = format!("{hidden} more in story.json, or with `brownout story DIR --all`");
        text += &(look.paint(DIM, look.wrap("  ", &more).trim_end()) + "\n");
    }
    text
}

/// `METASTABLE: ...` and what it goes back to.
fn headline(story: &Story, look: Look) -> String {
    let it = &story.insight.judgement;
    let word = it.verdict.name().to_uppercase();
    let style = match it.verdict {
        Verdict::Stable | Verdict::Unharmed | Verdict::Recovered => GOOD,
        Verdict::Recovering | Verdict::Degraded => HEAD,
        Verdict::Overloaded | Verdict::Metastable => BAD,
    };
    let says = says(it, story.thresholds.lag_s);
    let root = &story.insight.root;
    let mut text = format!("{}{}", look.paint(style, &word), &look.wrap(&(word.clone() + ": "), &says)[word.len()..]);
    if let Some(root) = root_says(root) {
        text += &look.wrap("  root: ", &root);
    }
    if let Some(it) = &story.insight.sustained_by {
        text += &look.wrap("  kept down by: ", &it.sentence.replace("->", "→"));
    }
    text
}

/// How the run ended, behind its verdict; messages older than `lag_s` seconds are late.
pub(in crate::report) fn says(it: &Judgement, lag_s: f64) -> String {
    let says = match it.worst_group() {
        Some(group) => says_of_messages(it, group, lag_s),
        None => says_of_users(it),
    };
    says + &gone(it)
}

/// What everything goes back to; `None` where nothing does.
pub(in crate::report) fn root_says(root: &Root) -> Option<String> {
    let kind = match root.kind {
        RootKind::Service => "service ",
        RootKind::Edge => "calls ",
        RootKind::Workload => "workload ",
        RootKind::Cache => "cache ",
        RootKind::Broker => "broker ",
        RootKind::Topic => "topic ",
        RootKind::Consumer => "consumer ",
        RootKind::Setting => "setting ",
        RootKind::None => return None,
    };
    let trigger = root.trigger.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
    let target = root.target.replace("->", "→");
    Some(format!("{kind}{target}: {}{trigger}", root.what))
}

/// What users got of it.
fn says_of_users(it: &Judgement) -> String {
    let share = |share: f64| number::share(Some(share));
    match it.verdict {
        Verdict::Stable => "nothing goes wrong, and it copes".to_owned(),
        Verdict::Unharmed => "users notice nothing of what goes wrong".to_owned(),
        Verdict::Recovered => recovered(it),
        Verdict::Recovering => {
            format!(
                "{} of the good answers are missing at the end, but it is on its way back",
                share(it.missing_at_end)
            )
        }
        Verdict::Degraded => format!("{} of the good answers are missing at the end", share(it.missing_at_end)),
        Verdict::Overloaded => {
            let anyway = it.trigger_from.map_or("", |_| ", with what goes wrong and without");
            format!("{} of the requests fail or come late{anyway}", share(it.missing_share))
        }
        Verdict::Metastable => {
            format!("what went wrong is over, and {} of the good answers are still missing", share(it.missing_at_end))
        }
    }
}

/// When it was well again. What goes wrong is felt up to a window before it is over, by those who ask then.
fn recovered(it: &Judgement) -> String {
    let is_over_first = |(until, at): (Time, Time)| at + it.window < until;
    match (it.time_to_recover, it.trigger_until.zip(it.recovered_at)) {
        (Some(span), _) if !span.is_zero() => format!("in {} after what went wrong", number::span(Some(span))),
        (_, Some(times)) if is_over_first(times) => "before what went wrong was over".to_owned(),
        _ => "as soon as what went wrong was over".to_owned(),
    }
}

/// The same where messages fared worse than users.
fn says_of_messages(it: &Judgement, group: &GroupJudgement, allowed_s: f64) -> String {
    let name = group.group.replace("->", "→");
    let oldest = number::secs(Some(group.oldest_at_end_s));
    let waiting =
        format!("{} messages of {name} wait, the oldest for {oldest}", number::count(group.lag_at_end as u64));
    let missing = number::share(Some(group.missing_at_end));
    match it.verdict {
        Verdict::Stable | Verdict::Unharmed => says_of_users(it),
        Verdict::Recovered if group.oldest_peak_s <= allowed_s => {
            format!("{}; users noticed nothing, but messages of {name} are gone", recovered(it))
        }
        Verdict::Recovered => {
            let peak = number::secs(Some(group.oldest_peak_s));
            format!("{}; users noticed nothing, messages of {name} were up to {peak} old", recovered(it))
        }
        Verdict::Recovering => format!("{waiting}, but the backlog falls"),
        Verdict::Degraded if it.trigger_until.is_none() => waiting,
        Verdict::Degraded => format!("what went wrong is over, and {waiting}"),
        Verdict::Overloaded => format!("{waiting}, and they become more"),
        Verdict::Metastable => {
            format!("what went wrong is over, and {waiting}; {missing} of those that come are not handled")
        }
    }
}

/// Messages that are gone.
fn gone(it: &Judgement) -> String {
    let [lost, expired, dead] = it.gone();
    let all = [(lost, "lost"), (expired, "expired"), (dead, "dead")].into_iter().filter(|(count, _)| *count > 0);
    let words: Vec<String> = all.map(|(count, what)| format!("{} {what}", number::count(count))).collect();
    if words.is_empty() { String::new() } else { format!(" (messages: {})", words.join(", ")) }
}

fn lines<'s>(story: &Story, events: impl Iterator<Item = &'s Event>, whole: bool, look: Look) -> String {
    events.map(|event| line(story, event, whole, look)).collect()
}

fn line(story: &Story, event: &Event, whole: bool, look: Look) -> String {
    let time = format!("{:>9}  ", format!("{:.1} s", event.at.as_secs_f64()));
    let place = event.place.name.replace("->", "→");
    let mut text = match (event.place.kind, event.kind) {
        (PlaceKind::Run, _) => event.what.clone(),
        (_, EventKind::TriggerEnds | EventKind::UsersNotice) => format!("{place} {}", event.what),
        _ => format!("{place}: {}", event.what),
    };
    if whole && let Some(cause) = event.caused_by.and_then(|n| story.insight.events.get(n)) {
        text += &format!(" (← {:.1} s {})", cause.at.as_secs_f64(), cause.place.name.replace("->", "→"));
    }
    let style = match event.kind {
        EventKind::TriggerBegins | EventKind::TriggerEnds => HEAD,
        EventKind::UsersRecover => GOOD,
        EventKind::Ends if story.insight.judgement.verdict >= Verdict::Recovering => BAD,
        _ => Style::new(),
    };
    let wrapped = look.wrap(&time, &text.replace("->", "→"));
    match style == Style::new() {
        true => wrapped,
        false => look.paint(style, wrapped.trim_end()) + "\n",
    }
}

/// What the system looked like at a time.
pub fn at(story: &Story, timeline: &Timeline, time: Time, color: bool, width: usize) -> String {
    let look = Look { color, width: width.max(20) };
    let secs = time.as_secs_f64();
    let point = ((secs / timeline.width_s) as usize).min(timeline.points.saturating_sub(1));
    let (from, until) = (point as f64 * timeline.width_s, (point + 1) as f64 * timeline.width_s);
    let mut text = look.paint(HEAD, &format!("From {} to {}", clock(from), clock(until.min(story.duration_s)))) + "\n";
    for it in &timeline.workloads {
        let good = ratio(it.good[point], it.offered[point]);
        let usual = it.good_of_twin.get(point).map(|good| format!(", usually {}", number::count(u64::from(*good))));
        let line = format!(
            "{}: {} of {} requests that started then were answered in time ({}){}",
            it.name,
            number::count(u64::from(it.good[point])),
            number::count(u64::from(it.offered[point])),
            number::share(good),
            usual.unwrap_or_default(),
        );
        text += &look.wrap("  ", &line);
    }
    for it in &timeline.services {
        text += &look.wrap("  ", &moment(it, point));
    }
    for it in &timeline.groups {
        let line = format!(
            "{}: {} messages wait, the oldest for {}; {} came, {} were handled; {} of {} workers busy",
            it.name,
            number::plain(Some(it.lag[point])),
            number::secs(Some(it.oldest_age_s[point])),
            number::count(u64::from(it.kept[point])),
            number::count(u64::from(it.consumed[point])),
            number::plain(Some(it.busy[point])),
            number::plain(Some(it.workers[point])),
        );
        text += &look.wrap("  ", &line);
    }
    let mut edges: Vec<&EdgePoints> =
        timeline.edges.iter().filter(|it| it.waiting[point] > 0.0 || it.failed[point] > 0).collect();
    edges.sort_by(|a, b| b.waiting[point].total_cmp(&a.waiting[point]).then_with(|| a.name.cmp(&b.name)));
    if !edges.is_empty() {
        text += &(look.paint(HEAD, "Who waits for whom") + "\n");
    }
    for it in edges.iter().take(EDGES_MAX) {
        text += &look.wrap("  ", &waiting(it, point));
    }
    text += &(look.paint(HEAD, "What had happened") + "\n");
    let past: Vec<&Event> = story.insight.events.iter().filter(|event| event.at <= Time::ZERO + span(until)).collect();
    match past.is_empty() {
        true => text += "  nothing yet\n",
        false => text += &lines(story, past.into_iter().filter(|event| event.is_told), false, look),
    }
    text
}

/// What one service saw: what happened at it, at its callers' calls and at its own; `None` where it is not known.
pub fn service(story: &Story, timeline: &Timeline, name: &str, color: bool, width: usize) -> Option<String> {
    let look = Look { color, width: width.max(20) };
    let it = timeline.services.iter().find(|it| it.name == name)?;
    let edges: Vec<&EdgePoints> = timeline.edges.iter().filter(|edge| edge.from == name || edge.to == name).collect();
    let concerns = |event: &&Event| match event.place.kind {
        PlaceKind::Service => event.place.name == name,
        PlaceKind::Edge => edges.iter().any(|edge| edge.name == event.place.name),
        PlaceKind::Setting => event.place.name.starts_with(&format!("service.{name}.")),
        PlaceKind::Run => true,
        PlaceKind::Workload | PlaceKind::Cache | PlaceKind::Broker | PlaceKind::Topic => false,
    };
    let mut text = headline(story, look);
    text += &(look.paint(HEAD, &format!("What {name} saw")) + "\n");
    text += &lines(story, story.insight.events.iter().filter(concerns), true, look);
    text += &(look.paint(HEAD, "Over time") + "\n");
    // Ten moments, evenly spaced.
    let points = timeline.points;
    let mut shown: Vec<usize> = (0..10_usize).map(|n| n * points.saturating_sub(1) / 9).collect();
    shown.dedup();
    for point in shown {
        let time = format!("{:>9}  ", clock(point as f64 * timeline.width_s));
        let moment = moment(it, point);
        text += &look.wrap(&time, moment.split_once(": ").map_or(moment.as_str(), |(_, rest)| rest));
    }
    Some(text)
}

fn moment(it: &ServicePoints, point: usize) -> String {
    let level = |value: f64| number::plain(Some(value));
    let threads =
        it.threads[point].map(|threads| format!("/{}", number::count(u64::from(threads)))).unwrap_or_default();
    let mut text =
        format!("{}: {}{threads} threads busy, {} waiting", it.name, level(it.busy[point]), level(it.queue[point]));
    if let Some(share) = (it.busy[point] > 0.0).then(|| it.wasted[point] / it.busy[point]).filter(|share| *share > 0.0)
    {
        text += &format!(", {} of the work for nobody", number::share(Some(share.min(1.0))));
    }
    let arrivals = it.arrivals[point];
    text += &format!(", {} arrive", number::count(u64::from(arrivals)));
    if let Some(usual) = it.arrivals_of_twin.get(point).filter(|usual| **usual > 0) {
        text += &format!(" ({})", number::factor(ratio(arrivals, *usual)));
    }
    for (count, what) in
        [(it.rejected[point], "rejected"), (it.refused[point], "refused"), (it.failed[point], "failed")]
    {
        if count > 0 {
            text += &format!(", {} {what}", number::count(u64::from(count)));
        }
    }
    text
}

fn waiting(it: &EdgePoints, point: usize) -> String {
    let mut text = format!("{}: {} wait", it.name.replace("->", "→"), number::plain(Some(it.waiting[point])));
    let attempts = it.attempts[point];
    text += &format!(", {} attempts", number::count(u64::from(attempts)));
    if it.retries[point] > 0 {
        text += &format!(", {} tried again", number::count(u64::from(it.retries[point])));
    }
    if it.failed[point] > 0 {
        let timeouts = number::count(u64::from(it.timeouts[point]));
        text += &format!(", {} failed ({timeouts} timed out)", number::count(u64::from(it.failed[point])));
    }
    if it.held_back[point] > 0 {
        text += &format!(", {} not sent", number::count(u64::from(it.held_back[point])));
    }
    text
}

fn ratio(part: u32, whole: u32) -> Option<f64> {
    (whole > 0).then(|| f64::from(part) / f64::from(whole))
}

fn span(secs: f64) -> crate::base::time::Span {
    crate::base::time::Span::from_secs_f64(secs)
}

fn clock(secs: f64) -> String {
    format!("{secs:.1} s")
}
