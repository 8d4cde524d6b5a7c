//! Values of policies and faults that are more than a number or a word.

use super::words::{Word, Words};
use super::{Count, Cx, Decode};
use crate::base::call::Call;
use crate::base::suggest::did_you_mean;
use crate::base::time::Span;
use crate::base::units::{Number, ParseError, Share};
use crate::policy::breaker::BreakerSettings;
use crate::policy::hedge::HedgeDelay;
use crate::policy::preset::{
    BREAKER_PRESETS, COMING_PRESETS, RETRY_PRESETS, THROTTLE_PRESETS, breaker_preset, retry_preset, throttle_preset,
};
use crate::policy::retry::{Backoff, Jitter, RetrySettings};
use crate::policy::throttle::ThrottleSettings;
use crate::policy::{Outcome, Outcomes};
use crate::scenario::declare::{Form, Kind};
use crate::scenario::say::catalogue;
use crate::scenario::tree::{Node, Value};

const USAGE: &str = "exponential(100ms, factor=2, cap=10s)";

/// A delay, or its growth.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BackoffForm(pub(crate) Backoff);

impl Decode for BackoffForm {
    fn kind() -> Kind {
        Kind::Form(Form {
            what: "a length of time or `exponential(..)`",
            example: USAGE,
            unit: "ns, us, ms, s, m, h, d",
            pattern: "TIME|exponential\\(.+\\)",
        })
    }

    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<BackoffForm> {
        let Some(text) = node.text().filter(|text| text.starts_with(|c: char| c.is_ascii_alphabetic())) else {
            return Span::decode(node, cx).map(|delay| BackoffForm(Backoff::Fixed(delay)));
        };
        cx.read_text(node, exponential(text)).map(BackoffForm)
    }
}

fn exponential(text: &str) -> Result<Backoff, ParseError> {
    let hint = || format!("write a delay such as `100ms`, or `{USAGE}`");
    let call = Call::parse(text).map_err(|fault| fault.hint(hint()))?;
    if call.name != "exponential" {
        let near = did_you_mean(call.name, ["exponential"]).map(|near| format!("did you mean `{near}`?"));
        return Err(ParseError::new(call.name_range.clone(), format!("unknown backoff `{}`", call.name))
            .hint(near.unwrap_or_else(hint)));
    }
    let bound = call.bind(&["base"], &["factor", "cap"], USAGE)?;
    let base = bound.need("base")?.parse::<Span>()?;
    let factor = match bound.get("factor") {
        None => 2.0,
        Some(arg) => {
            let factor = arg.parse::<Number>()?.as_f64();
            if factor < 1.0 {
                return Err(ParseError::new(arg.value_range.clone(), "the factor is at least 1")
                    .hint("below 1 the delays would shrink"));
            }
            factor
        }
    };
    let cap = match bound.get("cap") {
        None => Span::MAX,
        Some(arg) => {
            let cap = arg.parse::<Span>()?;
            if cap < base {
                return Err(ParseError::new(arg.value_range.clone(), "the cap is below the first delay")
                    .hint(format!("write at least `cap={base}`")));
            }
            cap
        }
    };
    Ok(Backoff::Exponential { base, factor, cap })
}

/// When a hedge is sent: after a length of time, or after a percentile.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HedgeAfter(pub(crate) HedgeDelay);

impl Decode for HedgeAfter {
    fn kind() -> Kind {
        Kind::Form(Form {
            what: "a length of time or a percentile",
            example: "p95",
            unit: "ns, us, ms, s, m, h, d",
            pattern: "TIME|p[0-9]+(\\.[0-9]+)?",
        })
    }

    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<HedgeAfter> {
        match node.text().filter(|text| text.starts_with('p')) {
            Some(text) => cx.read_text(node, percentile(text)).map(|share| HedgeAfter(HedgeDelay::Quantile(share))),
            None => Span::decode(node, cx).map(|delay| HedgeAfter(HedgeDelay::Fixed(delay))),
        }
    }
}

fn percentile(text: &str) -> Result<Share, ParseError> {
    let percent = text[1..].parse::<Number>().map(Number::as_f64).unwrap_or(f64::NAN);
    let share = Share::new(percent / 100.0).filter(|share| *share > Share::ZERO && *share < Share::ONE);
    share.ok_or_else(|| {
        ParseError::new(0..text.len(), format!("`{text}` is no percentile"))
            .hint("write for example `p95`: between 0 and 100, both left out")
    })
}

/// How a delay is spread: a word, or a share both ways.
#[derive(Clone, Copy, Debug)]
pub(crate) struct JitterForm(pub(crate) Jitter);

impl Decode for JitterForm {
    fn kind() -> Kind {
        Kind::Either(vec![Word::<Jitter>::kind(), Share::kind()])
    }

    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<JitterForm> {
        let is_share = node.text().is_some_and(|text| text.trim().ends_with('%'));
        if is_share {
            return Share::decode(node, cx).map(|share| JitterForm(Jitter::Around(share)));
        }
        Word::<Jitter>::decode(node, cx).map(|Word(jitter)| JitterForm(jitter))
    }
}

/// Retry settings under a library's name.
#[derive(Clone, Debug)]
pub(crate) struct RetryPreset(pub(crate) RetrySettings);

/// Breaker settings under a library's name.
#[derive(Clone, Debug)]
pub(crate) struct BreakerPreset(pub(crate) BreakerSettings);

/// Failures that are repeated.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RetryOn(pub(crate) Outcomes);

/// One failure of such a list.
#[derive(Clone, Copy, Debug)]
struct Failure(Outcome);

impl Words for Failure {
    const WHAT: &'static str = "a failure";
    const WORDS: &'static [(&'static str, Self)] = &[
        ("error", Failure(Outcome::Error)),
        ("timeout", Failure(Outcome::Timeout)),
        ("rejected", Failure(Outcome::Rejected)),
        ("refused", Failure(Outcome::Refused)),
        ("expired", Failure(Outcome::Expired)),
        ("short-circuited", Failure(Outcome::ShortCircuited)),
        ("throttled", Failure(Outcome::Throttled)),
    ];
    const LATER: &'static [&'static str] = &[];
}

impl Decode for RetryOn {
    fn kind() -> Kind {
        Kind::List(Box::new(Word::<Failure>::kind()))
    }

    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<RetryOn> {
        const EXAMPLE: &str = "write for example `on = [\"rejected\", \"refused\"]`";
        let Value::List(items) = &node.value else {
            if let Some(diagnostic) = cx.wrong_type(node, &Self::kind()) {
                diagnostic.help(EXAMPLE);
            }
            return None;
        };
        if items.is_empty() {
            cx.say(&catalogue::NO_ITEMS, node.place, "no failure would be repeated").help(EXAMPLE);
            return None;
        }
        let one = |item| Word::<Failure>::decode(item, cx).map(|Word(Failure(outcome))| outcome);
        let outcomes: Vec<Option<Outcome>> = items.iter().map(one).collect();
        let outcomes: Option<Vec<Outcome>> = outcomes.into_iter().collect();
        outcomes.map(|outcomes| RetryOn(Outcomes::of(&outcomes)))
    }
}

impl Decode for RetryPreset {
    fn kind() -> Kind {
        Kind::Words { what: "a preset of retries", words: RETRY_PRESETS.to_vec() }
    }

    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<RetryPreset> {
        preset(node, cx, &Self::kind(), RETRY_PRESETS, retry_preset).map(RetryPreset)
    }
}

impl Decode for BreakerPreset {
    fn kind() -> Kind {
        Kind::Words { what: "a preset of breakers", words: BREAKER_PRESETS.to_vec() }
    }

    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<BreakerPreset> {
        preset(node, cx, &Self::kind(), BREAKER_PRESETS, breaker_preset).map(BreakerPreset)
    }
}

/// Throttle settings under a library's name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ThrottlePreset(pub(crate) ThrottleSettings);

impl Decode for ThrottlePreset {
    fn kind() -> Kind {
        Kind::Words { what: "a preset of throttles", words: THROTTLE_PRESETS.to_vec() }
    }

    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<ThrottlePreset> {
        preset(node, cx, &Self::kind(), THROTTLE_PRESETS, throttle_preset).map(ThrottlePreset)
    }
}

fn preset<T>(
    node: &Node,
    cx: &mut Cx<'_>,
    kind: &Kind,
    names: &[&'static str],
    find: fn(&str) -> Option<T>,
) -> Option<T> {
    let Some(name) = node.text() else {
        cx.wrong_type_with_example(node, kind);
        return None;
    };
    if let Some(settings) = find(name) {
        return Some(settings);
    }
    let list = names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
    let help = format!("write {list}, or leave `preset` out and set the keys yourself");
    if COMING_PRESETS.contains(&name) {
        cx.say(&catalogue::NOT_YET, node.place, format!("the preset \"{name}\" is not there yet")).help(help);
        return None;
    }
    let near = did_you_mean(name, names.iter().chain(COMING_PRESETS).copied());
    cx.say(&catalogue::UNKNOWN_WORD, node.place, format!("unknown preset \"{name}\""))
        .maybe_help(near.map(|near| format!("did you mean \"{near}\"?")))
        .help(help);
    None
}

/// What `key` of the policy at `path` is under the name `preset`, as TOML.
pub(crate) fn preset_value(path: &str, preset: &str, key: &str) -> Option<String> {
    let text = |value: &dyn std::fmt::Display| Some(format!("\"{value}\""));
    match path {
        "client.NAME.retry" => {
            let settings = retry_preset(preset)?;
            match key {
                "attempts" => Some(settings.attempts.to_string()),
                "backoff" => match settings.backoff {
                    Backoff::Fixed(delay) => text(&delay),
                    Backoff::Exponential { base, factor, cap } => {
                        text(&format!("exponential({base}, factor={factor}, cap={cap})"))
                    }
                },
                "jitter" => match settings.jitter {
                    Jitter::Around(share) => text(&share),
                    jitter => text(&Jitter::WORDS.iter().find(|(_, known)| *known == jitter)?.0),
                },
                "throttle" => Some(settings.throttle.map_or("\"none\"".to_owned(), |throttle| {
                    let ratio = f64::from(throttle.token_thousandths) / 1e3;
                    format!("{{ max_tokens = {}, token_ratio = {ratio:?} }}", throttle.max_tokens)
                })),
                "budget" => Some(settings.budget.map_or("\"none\"".to_owned(), |budget| {
                    format!("{{ ratio = \"{}\", burst = {} }}", budget.ratio, budget.burst)
                })),
                _ => None,
            }
        }
        "client.NAME.throttle" => {
            let settings = throttle_preset(preset)?;
            match key {
                "multiplier" => Some(settings.multiplier.to_string()),
                "window" => text(&settings.window),
                _ => None,
            }
        }
        "client.NAME.breaker" => {
            let settings = breaker_preset(preset)?;
            match key {
                "window" => Some(settings.window.to_string()),
                "minimum_calls" => Some(settings.minimum_calls.to_string()),
                "failure_rate" => text(&settings.failure_rate),
                "slow_call_duration" => text(&settings.slow_call_duration),
                "slow_call_rate" => text(&settings.slow_call_rate),
                "open_for" => text(&settings.open_for),
                "half_open_calls" => Some(settings.half_open_calls.to_string()),
                _ => None,
            }
        }
        _ => None,
    }
}

/// How many replicas a fault strikes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum StruckReplicas {
    /// This many.
    Count(u32),
    /// This part of them.
    Share(Share),
}

impl Decode for StruckReplicas {
    fn kind() -> Kind {
        Kind::Either(vec![Count::<1>::kind(), Share::kind()])
    }

    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<StruckReplicas> {
        match node.value {
            Value::Integer(_) => Count::<1>::decode(node, cx).map(|count| StruckReplicas::Count(count.0)),
            Value::Text(_) => {
                let share = Share::decode(node, cx)?;
                if share == Share::ZERO {
                    cx.say(&catalogue::OUT_OF_RANGE, node.place, "a share of nothing is no replica at all");
                    return None;
                }
                Some(StruckReplicas::Share(share))
            }
            _ => {
                if let Some(diagnostic) = cx.wrong_type(node, &Self::kind()) {
                    diagnostic.help("write for example `replicas = 3` or `replicas = \"50%\"`");
                }
                None
            }
        }
    }
}
