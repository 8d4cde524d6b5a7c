//! Settings: the parameters of a policy, declared once with our name, the library's own name, default and meaning.
//!
//! The declaration is a struct with plain typed fields, which is what the policy computes with. From the same
//! declaration come the reference of all presets, the defaults that a `preset` brings into a scenario, the values that
//! `brownout policy NAME --set` takes, and the numbers that vectors and traces give under the library's own names.

use crate::base::suggest::did_you_mean;
use crate::base::time::Span;
use crate::base::units::{Count, Number, ParseError, Rate, Share};

use super::hedge::HedgeDelay;
use super::retry::{Backoff, Jitter};
use super::{Outcome, Outcomes};

/// The value of a parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// Not there: `none`.
    None,
    /// A whole number.
    Count(u32),
    /// A number without a unit.
    Number(f64),
    /// A part of a whole.
    Share(Share),
    /// A length of time.
    Span(Span),
    /// Something per second.
    Rate(Rate),
    /// Yes or no.
    Flag(bool),
    /// Kinds of failures.
    Outcomes(Outcomes),
    /// A delay that may grow.
    Backoff(Backoff),
    /// How a delay is spread.
    Jitter(Jitter),
    /// When a hedge is sent.
    HedgeDelay(HedgeDelay),
    /// One of a few words.
    Word(&'static str),
}

/// As it is written in a scenario, without quotes.
impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Value::None => f.write_str("none"),
            Value::Count(count) => write!(f, "{count}"),
            Value::Number(number) => write!(f, "{number}"),
            Value::Share(share) => write!(f, "{share}"),
            Value::Span(span) => write!(f, "{span}"),
            Value::Rate(rate) => write!(f, "{rate}"),
            Value::Flag(flag) => write!(f, "{flag}"),
            Value::Outcomes(outcomes) => write!(f, "{outcomes}"),
            Value::Backoff(backoff) => write!(f, "{backoff}"),
            Value::Jitter(jitter) => write!(f, "{jitter}"),
            Value::HedgeDelay(delay) => write!(f, "{delay}"),
            Value::Word(word) => f.write_str(word),
        }
    }
}

impl Value {
    /// As it is written in a scenario, with the quotes that it needs there.
    pub fn to_toml(self) -> String {
        match self {
            Value::Count(_) | Value::Flag(_) | Value::Outcomes(_) => self.to_string(),
            Value::Number(number) => format!("{number:?}"),
            _ => format!("\"{self}\""),
        }
    }
}

/// The unit in which a library's own configuration counts; it stands in parentheses behind the parameter's own name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unit {
    /// None: a plain number.
    One,
    /// Hundredths.
    Percent,
    /// Thousandths.
    Permille,
    /// Nanoseconds.
    Nanos,
    /// Milliseconds.
    Millis,
    /// Seconds.
    Seconds,
}

/// One parameter of a policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Our name.
    pub name: &'static str,
    /// What the library calls it, with its unit in parentheses where it has one; empty where the library has it fixed.
    pub theirs: &'static str,
    /// What holds if nobody sets it.
    pub default: Value,
    /// What it means.
    pub about: String,
}

impl Parameter {
    /// The library's own name without the unit.
    pub fn their_name(&self) -> &'static str {
        self.theirs.split(" (").next().unwrap_or(self.theirs)
    }

    /// The unit in which the library counts.
    pub fn unit(&self) -> Unit {
        match self.theirs.rsplit_once(" (").map(|(_, unit)| unit) {
            Some("%)") => Unit::Percent,
            Some("/1000)") => Unit::Permille,
            Some("ns)") => Unit::Nanos,
            Some("ms)") => Unit::Millis,
            Some("s)") => Unit::Seconds,
            _ => Unit::One,
        }
    }
}

/// Why a parameter cannot be set so.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Misfit {
    /// The policy has no such parameter.
    #[error("there is no parameter `{name}`")]
    Unknown {
        /// What was asked for.
        name: String,
        /// What may have been meant.
        near: Option<&'static str>,
        /// All that there are.
        known: Vec<&'static str>,
    },
    /// The text is no such value.
    #[error("{}", .0.message)]
    Text(ParseError),
    /// The parameter takes something else.
    #[error("`{name}` takes {takes} here")]
    Kind {
        /// The parameter.
        name: &'static str,
        /// What it takes, with an article.
        takes: &'static str,
    },
}

/// What a field of a policy's settings can be.
pub trait Setting: Sized {
    /// With an article.
    const TAKES: &'static str;

    /// As a value.
    fn value(&self) -> Value;

    /// Out of a value; `None` when it is of another kind.
    fn from_value(value: &Value) -> Option<Self>;

    /// As it is written in a scenario, without quotes.
    fn parse(text: &str) -> Result<Self, ParseError>;

    /// A number of a library's own configuration.
    fn from_number(number: f64, unit: Unit) -> Option<Self>;
}

/// All parameters of a policy.
pub trait Settings: Clone + Default + 'static {
    /// What there is to set, with the defaults.
    fn parameters() -> Vec<Parameter>;

    /// The value of one.
    fn get(&self, name: &str) -> Option<Value>;

    /// Sets one, under our name.
    fn set(&mut self, name: &str, value: &Value) -> Result<(), Misfit>;

    /// Sets one, under our name or the library's own, from text: as in a scenario, or as a plain number in the
    /// library's own unit (`failure_rate=30%`, `failureRateThreshold=30`).
    fn read(&mut self, name: &str, text: &str) -> Result<(), Misfit>;
}

/// The error for a parameter that is not there.
pub fn unknown(name: &str, parameters: &[Parameter]) -> Misfit {
    let known: Vec<&'static str> = parameters.iter().map(|parameter| parameter.name).collect();
    let all = known.iter().copied().chain(parameters.iter().map(Parameter::their_name));
    Misfit::Unknown { name: name.to_owned(), near: did_you_mean(name, all.filter(|name| !name.is_empty())), known }
}

/// Reads a setting from text: as in a scenario; under the library's own name a plain number counts in its unit.
pub fn read<T: Setting>(text: &str, unit: Option<Unit>) -> Result<T, Misfit> {
    let number = unit.zip(text.parse::<f64>().ok());
    match number.and_then(|(unit, number)| T::from_number(number, unit)) {
        Some(setting) => Ok(setting),
        None => T::parse(text).map_err(Misfit::Text),
    }
}

/// The parameters of a library that shares settings of ours with others, with its own names and defaults.
pub fn renamed<S: Settings>(settings: &S, theirs: &[(&'static str, &'static str)]) -> Vec<Parameter> {
    let of = |mut parameter: Parameter| {
        parameter.default = settings.get(parameter.name)?;
        parameter.theirs = theirs.iter().find(|(ours, _)| *ours == parameter.name)?.1;
        Some(parameter)
    };
    S::parameters().into_iter().filter_map(of).collect()
}

/// Sets a parameter under our name or the library's, as [`Settings::read`] does, where `parameters` say what that is.
pub fn read_renamed<S: Settings>(
    settings: &mut S,
    parameters: &[Parameter],
    name: &str,
    text: &str,
) -> Result<(), Misfit> {
    let is_theirs = |it: &&Parameter| !it.theirs.is_empty() && it.their_name() == name;
    let found = parameters.iter().find(|it| it.name == name).or_else(|| parameters.iter().find(is_theirs));
    let Some(found) = found else { return Err(unknown(name, parameters)) };
    // What the library itself has under a name of its own is read in its unit.
    let own = S::parameters().into_iter().find(|it| it.name == found.name && it.their_name() == name);
    settings.read(own.map_or(found.name, |own| own.their_name()), text)
}

/// Declares the settings of a policy: fields with type, default, and the name that the library has for them.
macro_rules! settings {
    (
        $(#[doc = $about:literal])+
        pub struct $Name:ident {
            $( $(#[doc = $doc:literal])+ $field:ident : $Type:ty = $default:expr, $theirs:literal; )*
        }
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub struct $Name {
            $( $(#[doc = $doc])+ pub $field: $Type, )*
        }

        impl Default for $Name {
            fn default() -> Self {
                $Name { $( $field: $default, )* }
            }
        }

        impl $crate::policy::settings::Settings for $Name {
            fn parameters() -> Vec<$crate::policy::settings::Parameter> {
                let defaults = $Name::default();
                let _ = &defaults;
                vec![$( $crate::policy::settings::Parameter {
                    name: stringify!($field),
                    theirs: $theirs,
                    default: $crate::policy::settings::Setting::value(&defaults.$field),
                    about: [$($doc),+].map(str::trim).join(" "),
                } ),*]
            }

            fn get(&self, name: &str) -> Option<$crate::policy::settings::Value> {
                match name {
                    $( stringify!($field) => Some($crate::policy::settings::Setting::value(&self.$field)), )*
                    _ => None,
                }
            }

            fn set(
                &mut self,
                name: &str,
                value: &$crate::policy::settings::Value,
            ) -> Result<(), $crate::policy::settings::Misfit> {
                match name {
                    $( stringify!($field) => {
                        self.$field = <$Type as $crate::policy::settings::Setting>::from_value(value).ok_or(
                            $crate::policy::settings::Misfit::Kind {
                                name: stringify!($field),
                                takes: <$Type as $crate::policy::settings::Setting>::TAKES,
                            },
                        )?;
                    } )*
                    _ => return Err($crate::policy::settings::unknown(name, &Self::parameters())),
                }
                Ok(())
            }

            fn read(&mut self, name: &str, text: &str) -> Result<(), $crate::policy::settings::Misfit> {
                let parameters = Self::parameters();
                let ours = |it: &&$crate::policy::settings::Parameter| it.name == name;
                // Where both have one name, a plain number still counts in the library's unit.
                let unit = |it: &$crate::policy::settings::Parameter| (it.their_name() == name).then(|| it.unit());
                let found = parameters.iter().find(ours).map(|it| (it.name, unit(it))).or_else(|| {
                    let theirs = parameters.iter().find(|it| !it.theirs.is_empty() && it.their_name() == name);
                    theirs.map(|it| (it.name, Some(it.unit())))
                });
                match found {
                    $( Some((stringify!($field), unit)) => self.$field = $crate::policy::settings::read(text, unit)?, )*
                    _ => return Err($crate::policy::settings::unknown(name, &parameters)),
                }
                Ok(())
            }
        }
    };
}

pub(crate) use settings;

/// A share in percent, for defaults.
pub(crate) fn percent(percent: f64) -> Share {
    Share::new(percent / 100.0).expect("defaults are between 0% and 100%")
}

impl Setting for u32 {
    const TAKES: &'static str = "a whole number";

    fn value(&self) -> Value {
        Value::Count(*self)
    }

    fn from_value(value: &Value) -> Option<u32> {
        if let Value::Count(count) = value { Some(*count) } else { None }
    }

    fn parse(text: &str) -> Result<u32, ParseError> {
        text.parse::<Count>().map(|Count(count)| count)
    }

    fn from_number(number: f64, _unit: Unit) -> Option<u32> {
        let count = number as u32;
        (f64::from(count) == number).then_some(count)
    }
}

impl Setting for f64 {
    const TAKES: &'static str = "a number";

    fn value(&self) -> Value {
        Value::Number(*self)
    }

    fn from_value(value: &Value) -> Option<f64> {
        match value {
            Value::Number(number) => Some(*number),
            Value::Count(count) => Some(f64::from(*count)),
            _ => None,
        }
    }

    fn parse(text: &str) -> Result<f64, ParseError> {
        text.parse::<Number>().map(Number::as_f64)
    }

    fn from_number(number: f64, unit: Unit) -> Option<f64> {
        number.is_finite().then_some(if unit == Unit::Permille { number / 1e3 } else { number })
    }
}

impl Setting for Share {
    const TAKES: &'static str = "a share such as `50%`";

    fn value(&self) -> Value {
        Value::Share(*self)
    }

    fn from_value(value: &Value) -> Option<Share> {
        if let Value::Share(share) = value { Some(*share) } else { None }
    }

    fn parse(text: &str) -> Result<Share, ParseError> {
        text.parse()
    }

    fn from_number(number: f64, unit: Unit) -> Option<Share> {
        Share::new(if unit == Unit::Percent { number / 100.0 } else { number })
    }
}

impl Setting for Span {
    const TAKES: &'static str = "a length of time such as `200ms`";

    fn value(&self) -> Value {
        Value::Span(*self)
    }

    fn from_value(value: &Value) -> Option<Span> {
        match value {
            Value::Span(span) | Value::Backoff(Backoff::Fixed(span)) => Some(*span),
            _ => None,
        }
    }

    fn parse(text: &str) -> Result<Span, ParseError> {
        text.parse()
    }

    fn from_number(number: f64, unit: Unit) -> Option<Span> {
        let nanos = match unit {
            Unit::Nanos => number,
            Unit::Millis => number * 1e6,
            Unit::Seconds => number * 1e9,
            Unit::One | Unit::Percent | Unit::Permille => return None,
        };
        (nanos >= 0.0).then(|| Span::from_nanos_f64(nanos))
    }
}

impl Setting for Rate {
    const TAKES: &'static str = "a rate such as `100/s`";

    fn value(&self) -> Value {
        Value::Rate(*self)
    }

    fn from_value(value: &Value) -> Option<Rate> {
        if let Value::Rate(rate) = value { Some(*rate) } else { None }
    }

    fn parse(text: &str) -> Result<Rate, ParseError> {
        text.parse()
    }

    fn from_number(number: f64, _unit: Unit) -> Option<Rate> {
        Rate::per_sec(number)
    }
}

impl Setting for bool {
    const TAKES: &'static str = "`true` or `false`";

    fn value(&self) -> Value {
        Value::Flag(*self)
    }

    fn from_value(value: &Value) -> Option<bool> {
        if let Value::Flag(flag) = value { Some(*flag) } else { None }
    }

    fn parse(text: &str) -> Result<bool, ParseError> {
        text.parse().map_err(|_| ParseError::new(0..text.len(), format!("expected `true` or `false`, found `{text}`")))
    }

    fn from_number(_number: f64, _unit: Unit) -> Option<bool> {
        None
    }
}

/// `none` is nothing; so is 0 where a library counts.
impl<T: Setting> Setting for Option<T> {
    const TAKES: &'static str = T::TAKES;

    fn value(&self) -> Value {
        self.as_ref().map_or(Value::None, T::value)
    }

    fn from_value(value: &Value) -> Option<Option<T>> {
        if *value == Value::None { Some(None) } else { T::from_value(value).map(Some) }
    }

    fn parse(text: &str) -> Result<Option<T>, ParseError> {
        if text == "none" { Ok(None) } else { T::parse(text).map(Some) }
    }

    fn from_number(number: f64, unit: Unit) -> Option<Option<T>> {
        if number == 0.0 { Some(None) } else { T::from_number(number, unit).map(Some) }
    }
}

impl Setting for Outcomes {
    const TAKES: &'static str = "a list of failures";

    fn value(&self) -> Value {
        Value::Outcomes(*self)
    }

    fn from_value(value: &Value) -> Option<Outcomes> {
        if let Value::Outcomes(outcomes) = value { Some(*outcomes) } else { None }
    }

    /// `[error, timeout]`, with or without brackets and quotes.
    fn parse(text: &str) -> Result<Outcomes, ParseError> {
        let inner = text.trim_start_matches('[').trim_end_matches(']');
        let one = |word: &str| {
            let word = word.trim().trim_matches('"').replace('-', "_");
            let found = Outcome::FAILURES.iter().find(|(outcome, ..)| outcome.name() == word);
            found.map(|(outcome, ..)| *outcome).ok_or_else(|| {
                let near = did_you_mean(&word, Outcome::FAILURES.map(|(outcome, ..)| outcome.name()));
                let fault = ParseError::new(0..text.len(), format!("unknown failure `{word}`"));
                fault.hint(format!("did you mean `{}`?", near.unwrap_or("error")))
            })
        };
        let words = inner.split(',').filter(|word| !word.trim().is_empty());
        words.map(one).collect::<Result<Vec<_>, _>>().map(|outcomes| Outcomes::of(&outcomes))
    }

    fn from_number(_number: f64, _unit: Unit) -> Option<Outcomes> {
        None
    }
}

/// A list as TOML has it.
impl std::fmt::Display for Outcomes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let failures = Outcome::FAILURES.iter().filter(|(outcome, ..)| self.has(*outcome));
        let names: Vec<String> =
            failures.map(|(outcome, ..)| format!("\"{}\"", outcome.name().replace('_', "-"))).collect();
        write!(f, "[{}]", names.join(", "))
    }
}

impl Setting for Backoff {
    const TAKES: &'static str = "a length of time or `exponential(..)`";

    fn value(&self) -> Value {
        Value::Backoff(*self)
    }

    fn from_value(value: &Value) -> Option<Backoff> {
        match value {
            Value::Backoff(backoff) => Some(*backoff),
            Value::Span(span) => Some(Backoff::Fixed(*span)),
            _ => None,
        }
    }

    fn parse(text: &str) -> Result<Backoff, ParseError> {
        text.parse()
    }

    fn from_number(number: f64, unit: Unit) -> Option<Backoff> {
        Span::from_number(number, unit).map(Backoff::Fixed)
    }
}

impl Setting for Jitter {
    const TAKES: &'static str = "a way to spread a delay, or a share such as `20%`";

    fn value(&self) -> Value {
        Value::Jitter(*self)
    }

    fn from_value(value: &Value) -> Option<Jitter> {
        match value {
            Value::Jitter(jitter) => Some(*jitter),
            Value::Share(share) => Some(Jitter::Around(*share)),
            Value::None => Some(Jitter::None),
            _ => None,
        }
    }

    fn parse(text: &str) -> Result<Jitter, ParseError> {
        text.parse()
    }

    fn from_number(number: f64, unit: Unit) -> Option<Jitter> {
        Share::from_number(number, unit).map(Jitter::Around)
    }
}
