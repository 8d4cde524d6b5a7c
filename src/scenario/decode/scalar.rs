//! Values that stand alone: text, numbers, and texts with a unit.

use std::str::FromStr;

use super::{Cx, Decode};
use crate::base::call::Call;
use crate::base::distribution::{Distribution, SizeDistribution};
use crate::base::keys::KeyDistribution;
use crate::base::suggest::did_you_mean;
use crate::base::time::{Span, Time};
use crate::base::units::{Bandwidth, ParseError, PerByte, Rate, Share, Size};
use crate::base::vary::Vary;
use crate::model::Limit;
use crate::scenario::data::{SamplesForm, samples};
use crate::scenario::declare::{Form, Kind};
use crate::scenario::say::catalogue;
use crate::scenario::tree::{Node, Value};

impl Decode for String {
    fn kind() -> Kind {
        Kind::Text
    }

    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<String> {
        let text = node.text().map(str::to_owned);
        if text.is_none() {
            cx.wrong_type_with_example(node, &Self::kind());
        }
        text
    }
}

impl Decode for bool {
    fn kind() -> Kind {
        Kind::Flag
    }

    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<bool> {
        if let Value::Flag(flag) = node.value {
            return Some(flag);
        }
        cx.wrong_type_with_example(node, &Self::kind());
        None
    }
}

/// `true`, the only way to say it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct True;

impl Decode for True {
    fn kind() -> Kind {
        Kind::True
    }

    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<True> {
        match node.value {
            Value::Flag(true) => Some(True),
            Value::Flag(false) => {
                let key = cx.key();
                cx.say(&catalogue::OUT_OF_RANGE, node.place, format!("`{key}` can only be `true`"))
                    .help(format!("leave `{key}` out"));
                None
            }
            _ => {
                cx.wrong_type_with_example(node, &Self::kind());
                None
            }
        }
    }
}

macro_rules! quantity {
    ($($Type:ty: $what:literal, $example:literal, $unit:literal, $pattern:literal;)*) => {$(
        impl Decode for $Type {
            fn kind() -> Kind {
                Kind::Form(Form { what: $what, example: $example, unit: $unit, pattern: $pattern })
            }

            fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<$Type> {
                quantity(node, cx, &Self::kind())
            }
        }
    )*};
}

quantity! {
    Span: "a length of time", "200ms", "ns, us, ms, s, m, h, d", "TIME";
    Time: "a point of time", "60s", "ns, us, ms, s, m, h, d", "TIME";
    Rate: "a rate", "1500/s", "/ns, /us, /ms, /s, /m, /h, /d", "NUMBER/UNIT";
    Share: "a share", "10%", "%", "NUMBER%";
    Size: "a size", "200KiB", "B, kB, KiB, MB, MiB, GB, GiB, TB, TiB", "NUMBER(B|kB|KiB|MB|MiB|GB|GiB|TB|TiB)";
    SizeDistribution: "a size or a distribution of sizes", "2KiB", "B, kB, KiB, MB, MiB, GB, GiB, TB, TiB",
        "NUMBER(B|kB|KiB|MB|MiB|GB|GiB|TB|TiB)|[a-z]+\\(.+\\)";
    PerByte: "a time per byte", "1.3ns/B", "ns/B, us/B, ms/B", "NUMBER(ns|us|µs|ms)/B";
    Bandwidth: "a bandwidth", "1Gbit/s", "B/s, kB/s, MB/s, GB/s, KiB/s, MiB/s, GiB/s, kbit/s, Mbit/s, Gbit/s",
        "NUMBER(B|kB|MB|GB|KiB|MiB|GiB|kbit|Mbit|Gbit)/s";
    Vary: "a path and its values", "load=100/s..500/s:5", "", ".+=.+";
    KeyDistribution: "a distribution of keys", "zipf(1.0, 20000)", "", "(zipf|uniform)\\(.+\\)";
}

/// Finds the samples of an `empirical(..)` inside a text.
pub(super) type SampleFiles<'f> = &'f mut dyn FnMut(&Call<'_>) -> Result<Distribution, ParseError>;

impl Decode for Distribution {
    fn kind() -> Kind {
        Kind::Form(Form {
            what: "a length of time or a distribution",
            example: "exp(5ms)",
            unit: "ns, us, ms, s, m, h, d",
            pattern: "TIME|[a-z]+\\(.+\\)",
        })
    }

    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Distribution> {
        let Value::Text(text) = &node.value else { return quantity(node, cx, &Self::kind()) };
        let read = Distribution::parse_with(text, &mut |call| cx.empirical(node, call));
        cx.read_text(node, read)
    }
}

impl Cx<'_> {
    /// The distribution of an `empirical(..)` in the text at `node`; what is wrong with its file is said.
    pub(super) fn empirical(&mut self, node: &Node, call: &Call<'_>) -> Result<Distribution, ParseError> {
        let form = SamplesForm::of_call(call)?;
        // A stand-in after an error: it never runs.
        Ok(samples(&form, node, self).unwrap_or(Distribution::ZERO))
    }
}

fn quantity<T: FromStr<Err = ParseError>>(node: &Node, cx: &mut Cx<'_>, kind: &Kind) -> Option<T> {
    let number = match &node.value {
        Value::Text(text) => {
            return cx.read_text(node, text.parse());
        }
        Value::Integer(integer) if integer.unsigned_abs() > u64::MAX.into() => {
            let key = cx.key();
            cx.say(&catalogue::OUT_OF_RANGE, node.place, format!("`{key}` is far too large"))
                .help(format!("write for example `{key} = {}`", kind.example()));
            return None;
        }
        Value::Integer(integer) => integer.to_string(),
        Value::Float(float) => float.to_string(),
        _ => {
            cx.wrong_type_with_example(node, kind);
            return None;
        }
    };
    // A number lacks its unit: the type itself knows what to say about that.
    let key = cx.key();
    let fault = number.parse::<T>().err();

    let title =
        fault.as_ref().map_or_else(|| format!("`{key}` takes {}", kind.describe()), |fault| fault.message.clone());
    cx.say(&catalogue::BAD_VALUE, node.place, title)
        .maybe_help(fault.and_then(|fault| fault.hint).map(|hint| in_quotes(&hint)));
    None
}

/// "write `5s`" → "write `"5s"`": what stood there was a TOML number, not a text.
fn in_quotes(hint: &str) -> String {
    let quoted = |(at, piece): (usize, &str)| if at % 2 == 1 { format!("`\"{piece}\"`") } else { piece.to_owned() };
    hint.split('`').enumerate().map(quoted).collect()
}

/// A quantity that is not zero.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct NotZero<T>(pub(crate) T);

impl<T: Decode + Default + PartialEq> Decode for NotZero<T> {
    fn kind() -> Kind {
        T::kind()
    }

    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<NotZero<T>> {
        let value = T::decode(node, cx)?;
        if value != T::default() {
            return Some(NotZero(value));
        }
        let key = cx.key();
        let more = if T::kind().describe() == Span::kind().describe() { "longer than" } else { "above" };
        cx.say(&catalogue::OUT_OF_RANGE, node.place, format!("`{key}` must be {more} zero"))
            .help(format!("write for example `{key} = {}`", T::kind().example()));
        None
    }
}

/// A whole number in a range.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Count<const MIN: u32, const MAX: u32 = { u32::MAX }>(pub(crate) u32);

impl<const MIN: u32, const MAX: u32> Default for Count<MIN, MAX> {
    fn default() -> Self {
        Count(MIN)
    }
}

impl<const MIN: u32, const MAX: u32> Decode for Count<MIN, MAX> {
    fn kind() -> Kind {
        Kind::Integer { min: MIN.into(), max: MAX.into() }
    }

    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        let number = integer(node, cx, &Self::kind(), MIN.into(), MAX.into())?;
        Some(Count(u32::try_from(number).expect("it was checked to lie between two u32")))
    }
}

/// What names every random draw.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Seed(pub(crate) u64);

impl Decode for Seed {
    fn kind() -> Kind {
        Kind::Integer { min: 0, max: u64::MAX }
    }

    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Seed> {
        integer(node, cx, &Self::kind(), 0, u64::MAX).map(Seed)
    }
}

fn integer(node: &Node, cx: &mut Cx<'_>, kind: &Kind, min: u64, max: u64) -> Option<u64> {
    let key = cx.key();
    // Those in a list have none of their own.
    let named = if key.is_empty() { "each number".to_owned() } else { format!("`{key}`") };
    match &node.value {
        Value::Integer(integer) => match u64::try_from(*integer) {
            Ok(number) if (min..=max).contains(&number) => Some(number),
            _ => {
                let is_below = *integer < i128::from(min);
                let (bound, example) = if is_below {
                    (format!("{named} is at least {min}"), min.max(1).min(max))
                } else {
                    (format!("{named} is at most {max}"), max)
                };
                let help = match kind {
                    Kind::Or(word, _) => format!("write for example `{key} = {example}`, or `{key} = \"{word}\"`"),
                    _ => format!("write for example `{key} = {example}`"),
                };
                cx.say(&catalogue::OUT_OF_RANGE, node.place, bound).help(help);
                None
            }
        },
        other => {
            let near = |text| match kind {
                Kind::Or(word, _) => did_you_mean(text, [*word]),
                _ => None,
            };
            let help = match other {
                Value::Text(text) => match (text.trim().parse::<u64>(), near(text)) {
                    (Ok(number), _) => format!("write it without quotes: `{key} = {number}`"),
                    (_, Some(word)) => format!("did you mean \"{word}\"?"),
                    _ => format!("write for example `{key} = {}`", kind.example()),
                },
                Value::Float(float) if *float >= 0.0 && *float < 1e15 => {
                    format!("write a whole number: `{key} = {}`", float.round())
                }
                _ => format!("write for example `{key} = {}`", kind.example()),
            };
            if let Some(diagnostic) = cx.wrong_type(node, kind) {
                diagnostic.help(help);
            }
            None
        }
    }
}

/// A finite number above zero.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct PositiveNumber(pub(crate) f64);

impl Decode for f64 {
    fn kind() -> Kind {
        Kind::Number
    }

    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<f64> {
        let number = match node.value {
            Value::Integer(integer) => integer as f64,
            Value::Float(float) => float,
            _ => {
                let number =
                    node.text().and_then(|text| text.trim().parse::<f64>().ok()).filter(|number| number.is_finite());
                let key = cx.key();
                match (number, &Self::kind()) {
                    (Some(number), kind) => {
                        if let Some(diagnostic) = cx.wrong_type(node, kind) {
                            diagnostic.help(format!("write it without quotes: `{key} = {number}`"));
                        }
                    }
                    (None, kind) => cx.wrong_type_with_example(node, kind),
                }
                return None;
            }
        };
        if number.is_finite() && number >= 0.0 {
            return Some(number);
        }
        let (key, fault) = (cx.key(), if number < 0.0 { "cannot be negative" } else { "must be a finite number" });
        cx.say(&catalogue::OUT_OF_RANGE, node.place, format!("`{key}` {fault}"))
            .help(format!("write for example `{key} = {}`", Kind::Number.example()));
        None
    }
}

impl Decode for PositiveNumber {
    fn kind() -> Kind {
        Kind::Number
    }

    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<PositiveNumber> {
        let number = f64::decode(node, cx)?;
        if number > 0.0 {
            return Some(PositiveNumber(number));
        }
        let key = cx.key();
        cx.say(&catalogue::OUT_OF_RANGE, node.place, format!("`{key}` must be above zero"))
            .help(format!("write for example `{key} = {}`", Kind::Number.example()));
        None
    }
}

/// A number of places, or `"unlimited"`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct LimitFrom<const MIN: u32>(pub(crate) Limit);

impl<const MIN: u32> Decode for LimitFrom<MIN> {
    fn kind() -> Kind {
        Kind::Or("unlimited", Box::new(Count::<MIN>::kind()))
    }

    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        if node.text() == Some("unlimited") {
            return Some(LimitFrom(Limit::Unlimited));
        }
        if matches!(node.text(), Some("none" | "infinite" | "inf")) {
            let key = cx.key();
            let word = node.text().unwrap_or_default();
            cx.say(&catalogue::UNKNOWN_WORD, node.place, format!("\"{word}\" is no limit of `{key}`"))
                .help(format!("write `{key} = \"unlimited\"`"));
            return None;
        }
        let number = integer(node, cx, &Self::kind(), MIN.into(), u32::MAX.into())?;
        Some(LimitFrom(Limit::AtMost(u32::try_from(number).expect("it was checked to be a u32"))))
    }
}

/// Something, or `"unlimited"`, where leaving it out means what a preset says.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Unlimited<T>(pub(crate) Option<T>);

impl<T: Decode> Decode for Unlimited<T> {
    fn kind() -> Kind {
        Kind::Or("unlimited", Box::new(T::kind()))
    }

    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        let Some(text) = node.text() else { return T::decode(node, cx).map(|value| Unlimited(Some(value))) };
        if text == "unlimited" {
            return Some(Unlimited(None));
        }
        let is_no = matches!(text.to_lowercase().as_str(), "no" | "never" | "off" | "infinite" | "inf" | "null");
        if is_no || did_you_mean(text, ["unlimited"]).is_some() {
            let key = cx.key();
            cx.say(&catalogue::UNKNOWN_WORD, node.place, format!("no limit of `{key}` is called \"unlimited\""))
                .help(format!("write `{key} = \"unlimited\"`"));
            return None;
        }
        T::decode(node, cx).map(|value| Unlimited(Some(value)))
    }
}

/// Something, or `"none"`, so that an overlay can take it away.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Or<T>(pub(crate) Option<T>);

impl<T> Default for Or<T> {
    fn default() -> Self {
        Or(None)
    }
}

impl<T: Decode> Decode for Or<T> {
    fn kind() -> Kind {
        Kind::Or("none", Box::new(T::kind()))
    }

    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        let Some(text) = node.text() else { return T::decode(node, cx).map(|value| Or(Some(value))) };
        if text == "none" {
            return Some(Or(None));
        }
        let is_no = matches!(text.to_lowercase().as_str(), "no" | "never" | "off" | "unlimited" | "null" | "nil");
        if is_no || did_you_mean(text, ["none"]).is_some() {
            let key = cx.key();
            cx.say(&catalogue::UNKNOWN_WORD, node.place, format!("no `{key}` is called \"none\""))
                .help(format!("write `{key} = \"none\"`"));
            return None;
        }
        T::decode(node, cx).map(|value| Or(Some(value)))
    }
}
