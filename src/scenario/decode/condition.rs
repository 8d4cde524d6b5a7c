//! Conditions of expectations: `goodput(shoppers) >= 99%`.

use std::ops::Range;

use super::name::MeasuredName;
use super::{Cx, Decode};
use crate::base::suggest::did_you_mean;
use crate::base::time::Span;
use crate::base::units::{Number, ParseError, Rate, Share};
use crate::model::{Bound, Comparison, Metric, Verdict};
use crate::scenario::declare::{Form, Kind};
use crate::scenario::tree::Node;

/// A condition whose target may not exist.
#[derive(Clone, Debug)]
pub(crate) struct Condition {
    /// As written.
    pub(crate) text: String,
    /// What is measured.
    pub(crate) metric: Metric,
    /// At what.
    pub(crate) target: MeasuredName,
    /// How it is compared.
    pub(crate) comparison: Comparison,
    /// With what.
    pub(crate) bound: Bound,
}

impl Decode for Condition {
    fn kind() -> Kind {
        Kind::Form(Form {
            what: "a condition",
            example: "goodput(shoppers) >= 99%",
            unit: "",
            pattern: "[a-z0-9_.]+ *\\(.+\\) *(<|<=|>=|>) *[0-9].*|time_to_recover *(<|<=|>=|>) *[0-9].*|verdict *(<|<=|>=|>|==|!=) *[a-z]+",
        })
    }

    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Condition> {
        let Some(text) = node.text() else {
            cx.wrong_type_with_example(node, &Self::kind());
            return None;
        };
        match parse(text) {
            Ok((metric, target, comparison, bound)) => {
                let target = MeasuredName::new(&text[target.clone()], cx.place_in(node, target));
                Some(Condition { text: text.trim().to_owned(), metric, target, comparison, bound })
            }
            Err(fault) => {
                cx.bad_text(node, fault);
                None
            }
        }
    }
}

/// Something at which a metric can be measured.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Measured {
    Workload,
    Service,
    Edge,
    Pool,
    Cache,
    Topic,
    Consumer,
    Run,
}

impl Measured {
    /// Several of them.
    pub(crate) fn plural(self) -> &'static str {
        match self {
            Measured::Workload => "workloads",
            Measured::Service => "services",
            Measured::Edge => "edges",
            Measured::Pool => "pools",
            Measured::Cache => "caches",
            Measured::Topic => "topics and queues",
            Measured::Consumer => "consumers",
            Measured::Run => "the run",
        }
    }
}

/// Where `metric` can be measured.
pub(crate) fn measured(metric: Metric) -> &'static [Measured] {
    use Measured::{Cache, Consumer, Edge, Pool, Run, Service, Topic, Workload};
    match metric {
        Metric::Goodput | Metric::Throughput | Metric::Failures | Metric::Degraded => &[Workload],
        Metric::Mean | Metric::Quantile(_) | Metric::Max => &[Workload, Service, Topic, Consumer],
        Metric::InSystem | Metric::Attempts | Metric::RetryFactor | Metric::Amplification => &[Workload, Service],
        Metric::Utilisation | Metric::Queue | Metric::Wait | Metric::WaitQuantile(_) | Metric::Rejected => {
            &[Service, Pool]
        }
        Metric::Waited | Metric::Shed | Metric::Dropped | Metric::Waste | Metric::Limit => &[Service],
        Metric::HitRatio | Metric::Fetches => &[Cache],
        Metric::Expired => &[Cache, Topic, Consumer],
        Metric::Lag
        | Metric::Consumed
        | Metric::Dead
        | Metric::Lost
        | Metric::Redelivered
        | Metric::Reordered
        | Metric::Duplicates => &[Topic, Consumer],
        Metric::Fallbacks => &[Edge],
        Metric::TimeToRecover | Metric::Verdict => &[Run],
    }
}

/// The same in words: "workloads and services".
pub(crate) fn measured_at(metric: Metric) -> String {
    measured(metric).iter().map(|thing| thing.plural()).collect::<Vec<_>>().join(" and ")
}

/// What `metric` says.
pub(crate) fn meaning(metric: Metric) -> &'static str {
    match metric {
        Metric::Goodput => {
            "Requests answered well and within the workload's deadline: a share of those offered, or a rate."
        }
        Metric::Throughput => "Requests answered at all, however late: a share of those offered, or a rate.",
        Metric::Failures => "Requests that ended without a good answer: a share of those offered, or a rate.",
        Metric::Degraded => {
            "Requests answered with the help of a fallback, in time or not: a share of those offered, or a rate."
        }
        Metric::Fallbacks => {
            "Calls for whose answer a fallback stood in, such as `fallbacks(gateway -> stock.read) <= 1%`: a share of the calls, \
             a rate, or a number."
        }
        Metric::Mean => {
            "Mean time to a good answer: for a user from the intended start on, at a service from the arrival on; of a message \
             from the step that published it until it is handled."
        }
        Metric::Quantile(_) => "A percentile of the same times as `mean`.",
        Metric::Max => "The longest of the same times as `mean`.",
        Metric::Utilisation => {
            "Share of the time of all threads, or of all permits, in which they are busy; needs limited threads, and a pool \
             that is not one for each key."
        }
        Metric::Queue => {
            "Requests that wait for a thread or a permit, at all replicas together, averaged over the time."
        }
        Metric::Wait => {
            "Mean time in the queue of requests that got a thread or a permit; one that got it at once counts as no time."
        }
        Metric::WaitQuantile(_) => "A percentile of the same times as `wait`.",
        Metric::Waited => "Attempts that had to wait for a thread: a share of those that came, or a rate.",
        Metric::InSystem => {
            "A workload's requests under way, or requests in a service, waiting or handled, averaged over the time."
        }
        Metric::Limit => {
            "Requests that the limits of a service let in at a time, at all replicas together, averaged over the time; needs a \
             `limit` on a number at a time."
        }
        Metric::Rejected => {
            "Attempts turned away by full queues and limits: a share of those that came, or a rate. At a pool those who got \
             no permit."
        }
        Metric::Shed => {
            "Attempts turned away after too long a wait in the queue: a share of those that came, or a rate."
        }
        Metric::HitRatio => "Share of lookups that neither fetched nor waited for another's fetch.",
        Metric::Fetches => "Fetches that lookups started: a share of the lookups, a rate, or how many.",
        Metric::Expired => {
            "Keys that were looked up when their time was over: a share of the lookups, or a rate. Messages that nobody took \
             in time: a share of those that came, a rate, or a number."
        }
        Metric::Lag => {
            "The most messages that waited or were in work, as a number, or the age of the oldest of them, as a length of time \
             since its publisher's step began."
        }
        Metric::Consumed => {
            "Messages that were handled and acknowledged: a share of those that came, a rate, or a number."
        }
        Metric::Dead => "Messages that became dead letters: a share of those that came, a rate, or a number.",
        Metric::Lost => "Messages that were lost: a share of those that came, a rate, or a number.",
        Metric::Redelivered => {
            "Deliveries that were not a message's first: a share of the messages that came, a rate, or a number."
        }
        Metric::Reordered => {
            "Messages handled after one of the same key that was published later: a share of those that came, a rate, or a \
             number."
        }
        Metric::Duplicates => {
            "Times that a message was handled well that had been before, or comes again because the broker did not learn of it \
             in time: a share of those that came, a rate, or a number."
        }
        Metric::Dropped => {
            "Attempts that left before their handler had ended, cancelled or because their deadline had passed: a share \
             of those that came, or a rate."
        }
        Metric::Attempts => {
            "Attempts sent by a workload or to a service, retries included: a rate, or a number for each request that \
             users started."
        }
        Metric::RetryFactor => "Attempts for each first attempt.",
        Metric::Amplification => {
            "Attempts sent by a workload or to a service, as a multiple of those of the twin run, which does without the \
             triggers, in the same time."
        }
        Metric::TimeToRecover => {
            "How long users still notice something after the last trigger is over; nothing where they never do, no sample \
             where they do to the end. Written without a target: `time_to_recover < 30s`."
        }
        Metric::Verdict => {
            "How the run ended. Without a trigger `stable` or `overloaded`; with one `unharmed`, `recovered`, `recovering`, \
             `degraded` or `metastable`, and `overloaded` where it is down without the trigger, too. Written without a target: `verdict == recovered`, or `verdict <= recovered` for \
             that or better; from good to bad they are stable, unharmed, recovered, recovering, degraded, overloaded, \
             metastable."
        }
        Metric::Waste => "Share of busy thread time that was spent for callers who had given up.",
    }
}

/// The name of `metric` in conditions.
pub(crate) fn metric_name(metric: Metric) -> &'static str {
    match metric {
        Metric::Quantile(_) => "a percentile",
        Metric::WaitQuantile(_) => "wait_p..",
        _ => METRICS.iter().find(|(_, known, _)| *known == metric).map_or("", |(name, _, _)| name),
    }
}

/// How a bound can be given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Unit {
    Share,
    Rate,
    Span,
    Number,
    Verdict,
}

impl Unit {
    /// What is compared, and how it is written.
    pub(crate) fn example(self) -> &'static str {
        match self {
            Unit::Share => "a share such as `99%`",
            Unit::Rate => "a rate such as `500/s`",
            Unit::Span => "a length of time such as `200ms`",
            Unit::Number => "a number such as `10`",
            Unit::Verdict => "a verdict such as `recovered`",
        }
    }
}

/// What is counted, of messages and fallbacks.
const COUNTED: &[Unit] = &[Unit::Share, Unit::Rate, Unit::Number];

/// Every metric but the percentiles, with the bounds that it can be compared with.
pub(crate) const METRICS: [(&str, Metric, &[Unit]); 32] = [
    ("goodput", Metric::Goodput, &[Unit::Share, Unit::Rate]),
    ("throughput", Metric::Throughput, &[Unit::Share, Unit::Rate]),
    ("failures", Metric::Failures, &[Unit::Share, Unit::Rate]),
    ("degraded", Metric::Degraded, &[Unit::Share, Unit::Rate]),
    ("fallbacks", Metric::Fallbacks, COUNTED),
    ("mean", Metric::Mean, &[Unit::Span]),
    ("max", Metric::Max, &[Unit::Span]),
    ("utilisation", Metric::Utilisation, &[Unit::Share]),
    ("queue", Metric::Queue, &[Unit::Number]),
    ("wait", Metric::Wait, &[Unit::Span]),
    ("waited", Metric::Waited, &[Unit::Share, Unit::Rate]),
    ("in_system", Metric::InSystem, &[Unit::Number]),
    ("limit", Metric::Limit, &[Unit::Number]),
    ("rejected", Metric::Rejected, &[Unit::Share, Unit::Rate]),
    ("shed", Metric::Shed, &[Unit::Share, Unit::Rate]),
    ("dropped", Metric::Dropped, &[Unit::Share, Unit::Rate]),
    ("attempts", Metric::Attempts, &[Unit::Rate, Unit::Number]),
    ("retry_factor", Metric::RetryFactor, &[Unit::Number]),
    ("waste", Metric::Waste, &[Unit::Share]),
    ("hit_ratio", Metric::HitRatio, &[Unit::Share]),
    ("fetches", Metric::Fetches, COUNTED),
    ("expired", Metric::Expired, COUNTED),
    ("lag", Metric::Lag, &[Unit::Span, Unit::Number]),
    ("consumed", Metric::Consumed, COUNTED),
    ("dead", Metric::Dead, COUNTED),
    ("lost", Metric::Lost, COUNTED),
    ("redelivered", Metric::Redelivered, COUNTED),
    ("reordered", Metric::Reordered, COUNTED),
    ("duplicates", Metric::Duplicates, COUNTED),
    ("amplification", Metric::Amplification, &[Unit::Number]),
    ("time_to_recover", Metric::TimeToRecover, &[Unit::Span]),
    ("verdict", Metric::Verdict, &[Unit::Verdict]),
];

/// With what the metric called `name` can be compared; `None` where there is no such metric.
pub(crate) fn metric_units(name: &str) -> Option<&'static [Unit]> {
    metric(name).ok().map(|(_, units)| units)
}

type Parts = (Metric, Range<usize>, Comparison, Bound);

fn parse(text: &str) -> Result<Parts, ParseError> {
    let example = "write for example `goodput(shoppers) >= 99%` or `p99(orders) < 200ms`";
    let all = 0..text.len();
    // The arrow of an edge compares nothing.
    let compares = |at: &usize| !(text[*at..].starts_with('>') && text[..*at].ends_with('-'));
    let Some(at) = text.match_indices(['<', '>', '=', '!']).map(|(at, _)| at).find(compares) else {
        return Err(ParseError::new(all, "a condition compares a metric with a bound").hint(example));
    };
    let length = text[at..].find(|c| !matches!(c, '<' | '>' | '=' | '!')).unwrap_or(text.len() - at);
    let comparison = match &text[at..at + length] {
        "<" => Comparison::Less,
        "<=" => Comparison::AtMost,
        ">=" => Comparison::AtLeast,
        ">" => Comparison::Greater,
        "==" if is_verdict(text) => Comparison::Equal,
        "!=" if is_verdict(text) => Comparison::Differs,
        other => {
            return Err(ParseError::new(at..at + length, format!("`{other}` is not a comparison"))
                .hint("write `<`, `<=`, `>=` or `>`"));
        }
    };
    let left = trimmed(text, 0..at);
    let inner = &text[left.clone()];
    if let Some((_, metric, units)) =
        METRICS.iter().find(|(name, metric, _)| *name == inner && measured(*metric) == [Measured::Run])
    {
        let bound = right_side(text, at..at + length, units, example)?;
        return Ok((*metric, left, comparison, bound));
    }
    let (Some(open), true) = (inner.find('('), inner.ends_with(')')) else {
        let of_the_run = METRICS.iter().filter(|(_, metric, _)| measured(*metric) == [Measured::Run]);
        if let Some(meant) = did_you_mean(inner, of_the_run.map(|(name, ..)| *name)) {
            return Err(
                ParseError::new(left, format!("unknown metric `{inner}`")).hint(format!("did you mean `{meant}`?"))
            );
        }
        return Err(ParseError::new(
            if left.is_empty() { all } else { left },
            "expected a metric and in parentheses its target",
        )
        .hint(example));
    };
    let (metric, units) = metric(&inner[..open]).map_err(|fault| fault.shifted(left.start))?;
    let target = trimmed(text, left.start + open + 1..left.end - 1);
    if target.is_empty() {
        return Err(ParseError::new(left, "the metric needs a target")
            .hint("name the workload, service, edge, pool, cache, topic, queue or consumer in the parentheses"));
    }
    if measured(metric) == [Measured::Run] {
        let name = inner[..open].trim_end();
        return Err(ParseError::new(left.start + open..left.end, format!("`{name}` is one number of the whole run"))
            .hint(format!("leave the parentheses out: `{name} {}`", text[at..].trim_end())));
    }
    let bound = right_side(text, at..at + length, units, example)?;
    Ok((metric, target, comparison, bound))
}

/// Whether a condition is about the verdict, which is the only thing that is a word and no number.
fn is_verdict(text: &str) -> bool {
    text.trim_start().starts_with("verdict")
}

/// The bound behind the comparison that stands at `comparison`.
fn right_side(
    text: &str,
    comparison: Range<usize>,
    units: &[Unit],
    example: &'static str,
) -> Result<Bound, ParseError> {
    let right = trimmed(text, comparison.end..text.len());
    if right.is_empty() {
        return Err(ParseError::new(comparison, "the bound is missing").hint(example));
    }
    if let Some(second) = text[right.clone()].find(['<', '>', '=']) {
        let at = right.start + second;
        return Err(ParseError::new(at..right.end, "a condition compares once")
            .hint("write another expectation for the other condition"));
    }
    bound(&text[right.clone()], units).map_err(|fault| fault.shifted(right.start))
}

fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    let inner = &text[range.clone()];
    let start = range.start + (inner.len() - inner.trim_start().len());
    start..start + inner.trim().len()
}

fn metric(word: &str) -> Result<(Metric, &'static [Unit]), ParseError> {
    let name = word.trim_end();
    if let Some((_, metric, units)) = METRICS.iter().find(|(known, _, _)| *known == name) {
        return Ok((*metric, units));
    }
    let all = 0..name.len();
    for prefix in ["p", "wait_p"] {
        if let Some(digits) = name.strip_prefix(prefix).filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit())) {
            let quantile = quantile(digits, prefix)?;
            let metric = if prefix == "p" { Metric::Quantile(quantile) } else { Metric::WaitQuantile(quantile) };
            return Ok((metric, &[Unit::Span]));
        }
    }
    let names = || METRICS.iter().map(|(name, _, _)| *name);
    let lower = name.to_lowercase();
    if lower != name && metric(&lower).is_ok() {
        return Err(ParseError::new(all, format!("unknown metric `{name}`")).hint(format!("did you mean `{lower}`?")));
    }
    let likely = match name {
        "latency" | "average" | "avg" | "median" => Some("mean` or a percentile such as `p99"),
        "in_flight" | "concurrency" => Some("in_system"),
        "errors" | "error_rate" => Some("failures"),
        "utilization" => Some("utilisation"),
        "hits" | "hit_rate" => Some("hit_ratio"),
        "misses" => Some("fetches"),
        "backlog" | "pending" => Some("lag"),
        "dead_letters" => Some("dead"),
        _ => did_you_mean(name, names()),
    };
    let fault = ParseError::new(all, format!("unknown metric `{name}`"));
    Err(match likely {
        Some(near) => fault.hint(format!("did you mean `{near}`?")),
        None => {
            fault.hint(format!("metrics are {}, and percentiles such as p99", names().collect::<Vec<_>>().join(", ")))
        }
    })
}

/// The quantile that `digits` behind `prefix` stand for.
fn quantile(digits: &str, prefix: &str) -> Result<f64, ParseError> {
    let all = 0..prefix.len() + digits.len();
    let percent = digits.parse::<Number>().map_err(|fault| fault.shifted(prefix.len()))?.as_f64();
    if percent > 0.0 && percent < 100.0 {
        // As a share its point is moved in the text, so that p99.9 is the float nearest to 0.999.
        let share = format!("{digits}%").parse::<Share>().map_err(|_| ParseError::new(all, "not a percentile"))?;
        return Ok(share.as_f64());
    }
    let fault = ParseError::new(all, format!("a percentile lies between {prefix}0 and {prefix}100"));
    Err(match digits.strip_prefix("99").filter(|rest| !rest.is_empty() && !rest.contains('.')) {
        Some(rest) => fault.hint(format!("did you mean `{prefix}99.{rest}`?")),
        None => fault.hint(format!("write for example `{prefix}50`, `{prefix}99` or `{prefix}99.9`")),
    })
}

fn bound(text: &str, units: &[Unit]) -> Result<Bound, ParseError> {
    if units == [Unit::Verdict] {
        let names = || Verdict::ALL.iter().map(|verdict| verdict.name());
        return Verdict::ALL.iter().find(|verdict| verdict.name() == text).map(|it| Bound::Verdict(*it)).ok_or_else(
            || {
                let fault = ParseError::new(0..text.len(), format!("unknown verdict `{text}`"));
                match did_you_mean(text, names()) {
                    Some(near) => fault.hint(format!("did you mean `{near}`?")),
                    None => fault.hint(format!("verdicts are {}", names().collect::<Vec<_>>().join(", "))),
                }
            },
        );
    }
    let unit = if text.ends_with('%') {
        Unit::Share
    } else if text.contains('/') {
        Unit::Rate
    } else if text.ends_with(|c: char| c.is_alphabetic()) {
        Unit::Span
    } else {
        Unit::Number
    };
    if !units.contains(&unit) {
        let wanted = units.iter().map(|unit| unit.example()).collect::<Vec<_>>().join(" or ");
        return Err(ParseError::new(0..text.len(), format!("this metric is not compared with `{text}`"))
            .hint(format!("write {wanted}")));
    }
    Ok(match unit {
        Unit::Share => Bound::Share(text.parse::<Share>()?.as_f64()),
        Unit::Rate => Bound::Rate(text.parse::<Rate>()?.as_per_sec()),
        Unit::Span => Bound::Span(text.parse::<Span>()?),
        Unit::Number | Unit::Verdict => Bound::Number(text.parse::<Number>()?.as_f64()),
    })
}
