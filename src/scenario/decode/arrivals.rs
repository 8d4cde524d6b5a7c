//! When requests arrive: one call for what is constant, a list of points for what changes.

use super::scalar::SampleFiles;
use super::{Cx, Decode, Field};
use crate::base::call::{Arg, Bound, Call};
use crate::base::distribution::Distribution;
use crate::base::suggest::did_you_mean;
use crate::base::time::{Span, Time};
use crate::base::units::{Count, ParseError, Rate};
use crate::model::{Modulation, Pace, RatePoint};
use crate::scenario::data::{self, Fit, Played, TraceForm};
use crate::scenario::declare::{Form, Kind};
use crate::scenario::language::ProfileKeys;
use crate::scenario::say::catalogue;
use crate::scenario::tree::{Node, Value};

const EVEN: &str = "even(500/s)";
const POISSON: &str = "poisson(500/s)";
const BURST: &str = "burst(1000, at=10s, every=60s)";
const MMPP: &str = "mmpp(100/s, 1000/s, low_for=exp(8s), high_for=exp(2s))";
const USERS: &str = "users(50, think=exp(1s))";
const TRACE: &str = "trace('requests.csv', per=5m)";
const DIURNAL: &str = "diurnal(low=100/s, high=1000/s, period=24h)";
const POINTS: &str = "[[\"0s\", \"500/s\"], [\"60s\", \"500/s\"], [\"61s\", \"2000/s\"]]";

/// Time counts in nanoseconds: more than one arrival in each has no meaning.
pub(crate) const RATE_MAX: f64 = 1e9;
/// Each user and each request of a burst is held in memory at the same time.
const AT_ONCE_MAX: u32 = 10_000_000;

/// Arrivals as written; a profile may need to know how long the run lasts.
#[derive(Clone, Debug)]
pub(crate) enum ArrivalsForm {
    /// At a rate.
    Rated {
        /// How.
        process: ProcessForm,
        /// How many at once.
        batch: u32,
    },
    /// Many at once.
    Burst {
        /// How many.
        size: u32,
        /// When the first come.
        first: Time,
        /// When the next come.
        every: Option<Span>,
    },
    /// A closed loop.
    Users {
        /// How many.
        count: u32,
        /// When they ask.
        pace: Pace,
    },
    /// At recorded times.
    Times(Vec<Time>, Fit),
}

/// Arrivals at a rate, as written.
#[derive(Clone, Debug)]
pub(crate) enum ProcessForm {
    /// Evenly spaced.
    Even(ProfileForm),
    /// By chance.
    Poisson(ProfileForm),
    /// By chance, at one of two rates.
    Modulated(Modulation),
}

/// A rate over time as written.
#[derive(Clone, Debug)]
pub(crate) enum ProfileForm {
    /// Linear between points.
    Points(Vec<RatePoint>),
    /// As recorded.
    Trace(Vec<RatePoint>, Fit),
    /// A sine.
    Diurnal {
        /// The lowest rate.
        low: Rate,
        /// The highest rate.
        high: Rate,
        /// From one peak to the next.
        period: Span,
        /// When the first peak is.
        peak: Time,
    },
}

impl Decode for ArrivalsForm {
    fn kind() -> Kind {
        let call = Form {
            what: "arrivals",
            example: POISSON,
            unit: "",
            pattern: "(even|poisson|burst|mmpp|users|trace)\\(.+\\)",
        };
        Kind::Either(vec![Kind::Form(call), ProfileKeys::kind()])
    }

    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<ArrivalsForm> {
        match &node.value {
            Value::Text(text) if text.trim_start().starts_with("trace") => {
                let form = cx.read_text(node, trace_form(text))?;
                Some(match data::play(&form, node, cx)? {
                    (Played::Rates(points), fit) => single(ProcessForm::Poisson(ProfileForm::Trace(points, fit))),
                    (Played::Times(times), fit) => ArrivalsForm::Times(times, fit),
                })
            }
            Value::Text(text) => {
                let read = call(text, &mut |call| cx.empirical(node, call));
                cx.read_text(node, read)
            }
            Value::Table(_) => profile(node, cx),
            Value::List(_) => {
                if let Some(diagnostic) = cx.wrong_type(node, &Self::kind()) {
                    diagnostic.help(format!("points stand in a profile: write `arrivals = {{ poisson = {POINTS} }}`"));
                }
                None
            }
            _ => {
                cx.wrong_type_with_example(node, &Self::kind());
                None
            }
        }
    }
}

fn trace_form(text: &str) -> Result<TraceForm, ParseError> {
    let call = Call::parse(text.trim()).map_err(|fault| match fault.hint {
        Some(_) => fault,
        None => fault.hint(format!("write for example `{TRACE}`")),
    })?;
    if call.name != "trace" {
        let fault = ParseError::new(call.name_range.clone(), format!("unknown arrivals `{}`", call.name));
        return Err(fault.hint("did you mean `trace`?"));
    }
    TraceForm::of_call(&call)
}

fn call(text: &str, files: SampleFiles<'_>) -> Result<ArrivalsForm, ParseError> {
    let usages = [EVEN, POISSON, BURST, MMPP, USERS, TRACE];
    let names = ["even", "poisson", "burst", "mmpp", "users", "trace"];
    let list = || format!("write for example `{}`", usages.join("`, `"));
    let word = text.split('(').next().unwrap_or(text).trim();
    let Some(at) = names.iter().position(|name| *name == word) else {
        let range = 0..text.find('(').unwrap_or(text.len());
        let near = did_you_mean(word, names);
        return Err(match (word, near) {
            ("", _) => ParseError::new(range, "expected arrivals, found nothing").hint(list()),
            _ if text.parse::<Rate>().is_ok() => {
                ParseError::new(range, "a rate alone does not say how requests arrive").hint(format!(
                    "write `poisson({text})` for arrivals by chance, or `even({text})` for a steady beat"
                ))
            }
            ("diurnal", _) => ParseError::new(range, "a diurnal rate needs a way to arrive")
                .hint(format!("write `arrivals = {{ poisson = \"{DIURNAL}\" }}`")),
            (_, Some(near)) => {
                ParseError::new(range, format!("unknown arrivals `{word}`")).hint(format!("did you mean `{near}`?"))
            }
            (_, None) => ParseError::new(range, format!("unknown arrivals `{word}`")).hint(list()),
        });
    };
    let usage = usages[at];
    let call = Call::parse(text).map_err(|fault| match fault.hint {
        Some(_) => fault,
        None => fault.hint(format!("write for example `{usage}`")),
    })?;
    match call.name {
        "even" | "poisson" => {
            let bound = call.bind(&["rate"], &["batch"], usage)?;
            let profile = ProfileForm::Points(vec![RatePoint::new(Time::ZERO, rate(bound.need("rate")?)?)]);
            let batch = bound.get("batch").map_or(Ok(1), at_once)?;
            let process = if call.name == "even" { ProcessForm::Even(profile) } else { ProcessForm::Poisson(profile) };
            Ok(ArrivalsForm::Rated { process, batch })
        }
        "burst" => {
            let bound = call.bind(&["size"], &["at", "every"], usage)?;
            let size = at_once(bound.need("size")?)?;
            let first = optional(&bound, "at")?.unwrap_or(Time::ZERO);
            let every: Option<Span> = optional(&bound, "every")?;
            if let Some(arg) = bound.get("every").filter(|_| every == Some(Span::ZERO)) {
                return Err(ParseError::new(arg.value_range.clone(), "`every` must be longer than zero"));
            }
            Ok(ArrivalsForm::Burst { size, first, every })
        }
        "mmpp" => {
            let bound = call.bind(&["low", "high"], &["low_for", "high_for", "batch"], usage)?;
            let (low, high) = (rate(bound.need("low")?)?, rate(bound.need("high")?)?);
            let low_for = stay(bound.need("low_for")?, files)?;
            let high_for = stay(bound.need("high_for")?, files)?;
            if low > high {
                let range = bound.need("low")?.value_range.clone();
                return Err(ParseError::new(range, "the low rate is above the high one")
                    .hint("exchange them, and `low_for` and `high_for`"));
            }
            let batch = bound.get("batch").map_or(Ok(1), at_once)?;
            let process = ProcessForm::Modulated(Modulation { low, high, low_for, high_for });
            Ok(ArrivalsForm::Rated { process, batch })
        }
        _ => {
            let bound = call.bind(&["count"], &["think", "every"], usage)?;
            let count = at_once(bound.need("count")?)?;
            Ok(ArrivalsForm::Users { count, pace: pace(count, &bound, files)? })
        }
    }
}

fn single(process: ProcessForm) -> ArrivalsForm {
    ArrivalsForm::Rated { process, batch: 1 }
}

fn distribution(arg: &Arg<'_>, files: SampleFiles<'_>) -> Result<Distribution, ParseError> {
    Distribution::parse_with(arg.value, files).map_err(|fault| fault.shifted(arg.value_range.start))
}

/// Users think, or have a beat.
fn pace(count: u32, bound: &Bound<'_, '_>, files: SampleFiles<'_>) -> Result<Pace, ParseError> {
    let Some(arg) = bound.get("every") else {
        let both = || format!("write for example `{USERS}` or `users(50, every=1s)`");
        let think = bound.need("think").map_err(|fault| fault.hint(both()))?;
        return Ok(Pace::Think(distribution(think, files)?));
    };
    if let Some(think) = bound.get("think") {
        let second = think.value_range.start.max(arg.value_range.start);
        let range = if second == arg.value_range.start { &arg.value_range } else { &think.value_range };
        return Err(ParseError::new(range.clone(), "`think` and `every` exclude each other")
            .hint("`think` counts from the last answer, `every` from the last start: keep one of them"));
    }
    let every: Span = arg.parse()?;
    if every.is_zero() {
        return Err(ParseError::new(arg.value_range.clone(), "`every` must be longer than zero"));
    }
    if f64::from(count) > RATE_MAX * every.as_secs_f64() {
        return Err(ParseError::new(
            arg.value_range.clone(),
            "more than one arrival a nanosecond cannot be told apart",
        )
        .hint("write for example `every=1s`"));
    }
    Ok(Pace::Every(every))
}

/// How long a phase lasts.
fn stay(arg: &Arg<'_>, files: SampleFiles<'_>) -> Result<Distribution, ParseError> {
    let stay = distribution(arg, files)?;
    if stay.mean_nanos() < 1.0 {
        return Err(ParseError::new(arg.value_range.clone(), "a phase lasts longer than zero")
            .hint("write for example `exp(8s)`"));
    }
    Ok(stay)
}

fn optional<T: std::str::FromStr<Err = ParseError>>(
    bound: &Bound<'_, '_>,
    name: &str,
) -> Result<Option<T>, ParseError> {
    bound.get(name).map(Arg::parse).transpose()
}

fn rate(arg: &Arg<'_>) -> Result<Rate, ParseError> {
    let rate = arg.parse::<Rate>()?;
    if rate.as_per_sec() > RATE_MAX {
        return Err(ParseError::new(
            arg.value_range.clone(),
            "more than one arrival a nanosecond cannot be told apart",
        )
        .hint("write at most `1000000000/s`"));
    }
    Ok(rate)
}

fn at_once(arg: &Arg<'_>) -> Result<u32, ParseError> {
    let too_many =
        || ParseError::new(arg.value_range.clone(), "too many at once").hint(format!("write at most `{AT_ONCE_MAX}`"));
    let is_number = arg.value.chars().all(|c| c.is_ascii_digit());
    let Count(count) = arg.parse().map_err(|fault| if is_number { too_many() } else { fault })?;
    match count {
        0 => Err(ParseError::new(arg.value_range.clone(), "at least one is needed").hint("write `1` or more")),
        1..=AT_ONCE_MAX => Ok(count),
        _ => Err(too_many()),
    }
}

/// `{ poisson = .. }` or `{ even = .. }`.
fn profile(node: &Node, cx: &mut Cx<'_>) -> Option<ArrivalsForm> {
    let keys = ProfileKeys::decode(node, cx)?;
    let batch = keys.batch.value().map_or(1, |count| count.0);
    let (poisson, even) = (keys.poisson, keys.even);
    let rated = |process| Some(ArrivalsForm::Rated { process, batch });
    match (poisson, even) {
        (Field::Given { key: first, .. }, Field::Given { key: second, .. }) => {
            let (first, second) = (first.min(second), first.max(second));
            cx.say(&catalogue::EXCLUDE, second, "`poisson` and `even` exclude each other")
                .also(first, "the other one")
                .help("keep one of them: several streams are several workloads");
            None
        }
        (Field::Given { value, .. }, _) => rated(ProcessForm::Poisson(value)),
        (_, Field::Given { value, .. }) => rated(ProcessForm::Even(value)),
        (Field::Absent, Field::Absent) => {
            if node.table().is_some_and(|table| table.keys().all(|key| key == "batch")) {
                cx.say(&catalogue::MISSING_KEY, node.place, "the profile says nothing")
                    .help(format!("write for example `arrivals = {{ poisson = {POINTS} }}`"));
            }
            None
        }
        _ => None,
    }
}

impl Decode for ProfileForm {
    fn kind() -> Kind {
        Kind::Either(vec![
            Kind::Form(Form {
                what: "`diurnal(..)`, `trace(..)`",
                example: DIURNAL,
                unit: "",
                pattern: "(diurnal|trace)\\(.+\\)",
            }),
            Kind::List(Box::new(Kind::List(Box::new(Kind::Either(vec![Time::kind(), Rate::kind()]))))),
        ])
    }

    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<ProfileForm> {
        match &node.value {
            Value::Text(text) if text.trim_start().starts_with("trace") => {
                let form = cx.read_text(node, trace_form(text))?;
                if !form.counts() {
                    let title = "arrival times leave nothing to `poisson` or `even`";
                    cx.say(&catalogue::BAD_VALUE, node.place, title).help(
                        "write `arrivals = \"trace(..)\"` to play them as they are, or add `per=5m` when rows are counts",
                    );
                    return None;
                }
                match data::play(&form, node, cx)? {
                    (Played::Rates(points), fit) => Some(ProfileForm::Trace(points, fit)),
                    (Played::Times(..), _) => None,
                }
            }
            Value::Text(text) => cx.read_text(node, diurnal(text)),
            Value::List(items) => Some(ProfileForm::Points(points(node, items, cx)?)),
            Value::Broken => None,
            _ => {
                let (key, found) = (cx.key(), node.type_name());
                let title = format!("`{key}` takes points, `diurnal(..)` or `trace(..)`, not {found}");
                cx.say(&catalogue::WRONG_TYPE, node.place, title).help(format!("write for example `{key} = {POINTS}`"));
                None
            }
        }
    }
}

fn diurnal(text: &str) -> Result<ProfileForm, ParseError> {
    let hint = || format!("write points such as `{POINTS}`, or `{DIURNAL}`");
    if text.parse::<Rate>().is_ok() {
        let fault = ParseError::new(0..text.len(), "a profile is a rate that changes");
        return Err(fault.hint(format!("write `arrivals = \"poisson({text})\"` or `arrivals = \"even({text})\"`")));
    }
    let call = Call::parse(text).map_err(|fault| fault.hint(hint()))?;
    if call.name != "diurnal" {
        let near = did_you_mean(call.name, ["diurnal", "trace"]).map(|near| format!("did you mean `{near}`?"));
        return Err(ParseError::new(call.name_range.clone(), format!("unknown profile `{}`", call.name))
            .hint(near.unwrap_or_else(hint)));
    }
    let bound = call.bind(&[], &["low", "high", "period", "peak"], DIURNAL)?;
    let (low, high) = (rate(bound.need("low")?)?, rate(bound.need("high")?)?);
    let arg = bound.need("period")?;
    let period = arg.parse::<Span>()?;
    if low > high {
        let range = bound.need("low")?.value_range.clone();
        return Err(ParseError::new(range, "`low` is above `high`").hint("exchange them"));
    }
    if period.is_zero() {
        return Err(ParseError::new(arg.value_range.clone(), "`period` must be longer than zero"));
    }
    let middle = Time::from_nanos(period.as_nanos() / 2);
    let peak = optional(&bound, "peak")?.unwrap_or(middle);
    Ok(ProfileForm::Diurnal { low, high, period, peak })
}

fn points(list: &Node, items: &[Node], cx: &mut Cx<'_>) -> Option<Vec<RatePoint>> {
    if items.is_empty() {
        cx.say(&catalogue::NO_ITEMS, list.place, "a profile needs at least one point")
            .help("write for example `[[\"0s\", \"500/s\"]]`");
        return None;
    }
    let mut points: Vec<RatePoint> = Vec::with_capacity(items.len());
    let mut is_whole = true;
    for item in items {
        let Some(point) = point(item, cx) else {
            is_whole = false;
            continue;
        };
        if let Some(before) = points.last().filter(|before| before.at > point.at) {
            let title = format!("the profile runs backwards: {} comes after {}", point.at, before.at);
            cx.say(&catalogue::BACKWARDS, item.place, title)
                .help("sort the points by time; two at the same time are a step");
            is_whole = false;
        }
        if points.is_empty() && is_whole && point.at != Time::ZERO {
            cx.say(&catalogue::BACKWARDS, item.place, "the first point of a profile is at \"0s\"")
                .help(format!("put `[\"0s\", \"{}\"]` before it", point.rate));
            is_whole = false;
        }
        points.push(point);
    }
    is_whole.then_some(points)
}

fn point(item: &Node, cx: &mut Cx<'_>) -> Option<RatePoint> {
    let Value::List(parts) = &item.value else {
        if !matches!(item.value, Value::Broken) {
            cx.say(
                &catalogue::WRONG_TYPE,
                item.place,
                format!("a point is a time and a rate, not {}", item.type_name()),
            )
            .help("write for example `[\"60s\", \"500/s\"]`");
        }
        return None;
    };
    let ([at, rate] | [at, rate, _]) = parts.as_slice() else {
        cx.say(&catalogue::WRONG_TYPE, item.place, format!("a point is a time and a rate, not {} values", parts.len()))
            .help("write for example `[\"60s\", \"500/s\"]`");
        return None;
    };
    let is_trigger = match parts.get(2) {
        None => false,
        Some(mark) if mark.text() == Some("trigger") => true,
        Some(mark) => {
            cx.say(&catalogue::WRONG_TYPE, mark.place, "behind a time and a rate, a point can only say `\"trigger\"`")
                .help("write for example `[\"60s\", \"500/s\", \"trigger\"]`: the run is compared with one without that point");
            return None;
        }
    };
    let (at_value, rate_value) = (Time::decode(at, cx), Rate::decode(rate, cx));
    let (at, rate_value) = (at_value?, rate_value?);
    if rate_value.as_per_sec() > RATE_MAX {
        cx.say(&catalogue::OUT_OF_RANGE, rate.place, "more than one arrival a nanosecond cannot be told apart");
        return None;
    }
    Some(RatePoint { at, rate: rate_value, is_trigger })
}
