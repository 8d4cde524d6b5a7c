//! Values of policies and faults that are more than a number or a word.

use super::words::{Word, Words};
use super::{Count, Cx, Decode, NotZero};
use crate::base::suggest::did_you_mean;
use crate::base::time::Span;
use crate::base::units::Share;
use crate::policy::balance::{PassiveHealthSettings, SlowStartSettings};
use crate::policy::breaker::{BreakerSettings, Sees, Window};
use crate::policy::bulkhead::BulkheadSettings;
use crate::policy::hedge::{HedgeDelay, HedgeSettings};
use crate::policy::limit::LimitSettings;
use crate::policy::outlier::OutlierSettings;
use crate::policy::rate::RateLimitSettings;
use crate::policy::registry;
use crate::policy::retry::{BACKOFF_USAGE, Backoff, Jitter, Pushback, PushbackRule, RetrySettings};
use crate::policy::settings::Value as Setting;
use crate::policy::throttle::ThrottleSettings;
use crate::policy::{Outcome, Outcomes};
use crate::scenario::declare::{Form, Kind};
use crate::scenario::say::catalogue;
use crate::scenario::tree::{Node, Value};

/// A delay, or its growth.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BackoffForm(pub(crate) Backoff);

impl Decode for BackoffForm {
    fn kind() -> Kind {
        Kind::Form(Form {
            what: "a length of time or `exponential(..)`",
            example: BACKOFF_USAGE,
            unit: "ns, us, ms, s, m, h, d",
            pattern: "TIME|exponential\\(.+\\)",
        })
    }

    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<BackoffForm> {
        let Some(text) = node.text().filter(|text| text.starts_with(|c: char| c.is_ascii_alphabetic())) else {
            return Span::decode(node, cx).map(|delay| BackoffForm(Backoff::Fixed(delay)));
        };
        cx.read_text(node, text.parse()).map(BackoffForm)
    }
}

/// A number of calls, or a length of time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WindowForm(pub(crate) Window);

impl Decode for WindowForm {
    fn kind() -> Kind {
        Kind::Either(vec![Count::<1, 1_000_000>::kind(), NotZero::<Span>::kind()])
    }

    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<WindowForm> {
        // A number in quotes is no length of time that lacks its unit.
        if node.text().is_some_and(|text| text.parse::<u32>().is_err()) {
            return NotZero::<Span>::decode(node, cx).map(|NotZero(span)| WindowForm(Window::Time(span)));
        }
        if matches!(node.value, Value::Integer(_) | Value::Text(_)) {
            return Count::<1, 1_000_000>::decode(node, cx).map(|Count(calls)| WindowForm(Window::Calls(calls)));
        }
        cx.wrong_type_with_example(node, &Self::kind());
        None
    }
}

/// A length of time, or a share of one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SpanOrShare(pub(crate) Setting);

impl Decode for SpanOrShare {
    fn kind() -> Kind {
        Kind::Either(vec![Span::kind(), Share::kind()])
    }

    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<SpanOrShare> {
        if node.text().is_some_and(|text| text.trim().ends_with('%')) {
            return Share::decode(node, cx).map(|share| SpanOrShare(Setting::Share(share)));
        }
        Span::decode(node, cx).map(|span| SpanOrShare(Setting::Span(span)))
    }
}

impl Words for Sees {
    const WHAT: &'static str = "what a breaker sees";
    const WORDS: &'static [(&'static str, Self)] = &[("attempts", Sees::Attempts), ("calls", Sees::Calls)];
    const LATER: &'static [&'static str] = &[];
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
            Some(text) => cx.read_text(node, text.parse()).map(HedgeAfter),
            None => Span::decode(node, cx).map(|delay| HedgeAfter(HedgeDelay::Fixed(delay))),
        }
    }
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
        if let Some(text) = node.text().filter(|text| text.contains('(')) {
            return cx.read_text(node, text.parse()).map(JitterForm);
        }
        Word::<Jitter>::decode(node, cx).map(|Word(jitter)| JitterForm(jitter))
    }
}

impl Words for PushbackRule {
    const WHAT: &'static str = "an answer to a wish";
    const WORDS: &'static [(&'static str, Self)] =
        &[("ignore", PushbackRule::Ignore), ("obey", PushbackRule::Obey), ("clamp", PushbackRule::Clamp)];
    const LATER: &'static [&'static str] = &[];
}

/// A server's wish: to be asked again after some time, or not at all.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PushbackForm(pub(crate) Pushback);

const DO_NOT_RETRY: &str = "do-not-retry";

impl Decode for PushbackForm {
    fn kind() -> Kind {
        Kind::Or(DO_NOT_RETRY, Box::new(Span::kind()))
    }

    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<PushbackForm> {
        let word = node.text().filter(|text| text.starts_with(|c: char| c.is_ascii_alphabetic()));
        let Some(word) = word else {
            return Span::decode(node, cx).map(|delay| PushbackForm(Pushback::After(delay)));
        };
        if word == DO_NOT_RETRY {
            return Some(PushbackForm(Pushback::Never));
        }
        cx.say(&catalogue::UNKNOWN_WORD, node.place, format!("unknown wish \"{word}\""))
            .maybe_help(did_you_mean(word, [DO_NOT_RETRY]).map(|near| format!("did you mean \"{near}\"?")))
            .help("write for example `pushback = \"500ms\"`, or \"do-not-retry\"");
        None
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
        ("limited", Failure(Outcome::Limited)),
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

/// Outlier detection under a library's name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OutlierPreset(pub(crate) OutlierSettings);

/// Throttle settings under a library's name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ThrottlePreset(pub(crate) ThrottleSettings);

/// A preset of hedges.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HedgePreset(pub(crate) HedgeSettings);

/// A rate limit under a library's name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RateLimitPreset(pub(crate) RateLimitSettings);

/// A bulkhead under a library's name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BulkheadPreset {
    pub(crate) settings: BulkheadSettings,
    /// Whether who finds no place may be told to wait.
    pub(crate) waits: bool,
}

impl Decode for BulkheadPreset {
    fn kind() -> Kind {
        Kind::Words { what: "a preset of bulkheads", words: preset_names(registry::Kind::Bulkhead).collect() }
    }

    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<BulkheadPreset> {
        preset(node, cx, &Self::kind(), registry::Kind::Bulkhead, |name| {
            let parameters = registry::Kind::Bulkhead.preset(name)?.parameters;
            let waits = parameters().iter().any(|parameter| parameter.name == "max_wait");
            BulkheadSettings::preset(name).map(|settings| BulkheadPreset { settings, waits })
        })
    }
}

/// A limit under a library's name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LimitPreset(pub(crate) LimitSettings);

/// A passive health check under a proxy's name: there is one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HealthPreset(pub(crate) PassiveHealthSettings);

/// A slow start under a proxy's name: there is one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SlowStartPreset(pub(crate) SlowStartSettings);

macro_rules! presets {
    ($( $Preset:ident is $what:literal of $kind:ident as $Settings:ty; )+) => {$(
        impl Decode for $Preset {
            fn kind() -> Kind {
                Kind::Words { what: $what, words: preset_names(registry::Kind::$kind).collect() }
            }

            fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<$Preset> {
                preset(node, cx, &Self::kind(), registry::Kind::$kind, <$Settings>::preset).map($Preset)
            }
        }
    )+};
}

presets! {
    RetryPreset is "a preset of retries" of Retry as RetrySettings;
    BreakerPreset is "a preset of breakers" of Breaker as BreakerSettings;
    ThrottlePreset is "a preset of throttles" of Throttle as ThrottleSettings;
    HedgePreset is "a preset of hedges" of Hedge as HedgeSettings;
    OutlierPreset is "a preset of outlier detection" of Outlier as OutlierSettings;
    RateLimitPreset is "a preset of rate limits" of RateLimit as RateLimitSettings;
    LimitPreset is "a preset of limits" of Limit as LimitSettings;
    HealthPreset is "a preset of passive health checks" of Health as PassiveHealthSettings;
    SlowStartPreset is "a preset of slow starts" of SlowStart as SlowStartSettings;
}

fn preset_names(kind: registry::Kind) -> impl Iterator<Item = &'static str> {
    kind.presets().iter().map(|preset| preset.name)
}

fn preset<T>(
    node: &Node,
    cx: &mut Cx<'_>,
    words: &Kind,
    kind: registry::Kind,
    find: fn(&str) -> Option<T>,
) -> Option<T> {
    let Some(name) = node.text() else {
        cx.wrong_type_with_example(node, words);
        return None;
    };
    if let Some(settings) = find(name) {
        return Some(settings);
    }
    let list = preset_names(kind).map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
    let near = did_you_mean(name, preset_names(kind));
    // A library may have policies of other kinds only.
    let others: Vec<registry::Kind> = registry::all().filter(|it| it.name == name).map(|it| it.kind).collect();
    let is_breaker = |other: &registry::Kind| match (kind, other) {
        // What these libraries call a breaker watches each replica, or is a limit of their pool.
        (registry::Kind::Breaker, registry::Kind::Outlier | registry::Kind::Bulkhead) => true,
        _ => kind != registry::Kind::Breaker,
    };
    let elsewhere: Vec<String> = others
        .iter()
        .filter(|other| is_breaker(other) || !others.iter().any(is_breaker))
        .map(|other| format!("`{} = {{ preset = \"{name}\" }}`", other.name()))
        .collect();
    let elsewhere = (!elsewhere.is_empty() && near.is_none()).then(|| elsewhere.join(" or "));
    cx.say(&catalogue::UNKNOWN_WORD, node.place, format!("unknown preset \"{name}\""))
        .maybe_help(near.map(|near| format!("did you mean \"{near}\"?")))
        .maybe_help(elsewhere.map(|elsewhere| match kind {
            registry::Kind::Breaker => {
                format!("{name} has no breaker before a service as a whole: write {elsewhere}")
            }
            _ => format!("\"{name}\" is a preset of other policies: {elsewhere}"),
        }))
        .help(format!("write {list}, or leave `preset` out and set the keys yourself"));
    None
}

/// What a key of a policy is under a preset.
pub(crate) enum PresetValue {
    /// No preset has anything to do with it.
    Unknown,
    /// The preset has no such parameter.
    Missing,
    /// This, as TOML.
    Value(String),
}

/// What `key` of the policy at `path` is under the name `preset`.
pub(crate) fn preset_value(path: &str, preset: &str, key: &str) -> PresetValue {
    let Some(kind) = registry::Kind::ALL.into_iter().find(|kind| kind.path() == path) else {
        return PresetValue::Unknown;
    };
    let Some(preset) = kind.preset(preset) else { return PresetValue::Unknown };
    let parameters = (preset.parameters)();
    if let Some(parameter) = parameters.iter().find(|parameter| parameter.name == key) {
        return PresetValue::Value(parameter.default.to_toml());
    }
    let inner = |parameter: &&crate::policy::settings::Parameter| parameter.name.split('.').next() == Some(key);
    let parts: Vec<String> = parameters
        .iter()
        .filter(inner)
        .map(|it| format!("{} = {}", it.name.split('.').next_back().unwrap_or_default(), it.default.to_toml()))
        .collect();
    match kind {
        _ if !parts.is_empty() => PresetValue::Value(format!("{{ {} }}", parts.join(", "))),
        // Whatever a library retries, it may do it with all that there is.
        registry::Kind::Retry => PresetValue::Unknown,
        _ => PresetValue::Missing,
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
