//! How long to wait before a retry: the delay, and its spread over time.
//!
//! Jitter as in Amazon's published simulator (aws-samples/aws-arch-backoff-simulator), over retries counted from 1.

use std::fmt;
use std::str::FromStr;

use crate::base::call::Call;
use crate::base::suggest::did_you_mean;
use crate::base::time::Span;
use crate::base::units::{Number, ParseError, Share};

use super::{Backoff, Jitter};

/// How a growing delay is written.
pub const USAGE: &str = "exponential(100ms, factor=2, cap=10s)";

/// Nanoseconds of the unit in which some libraries count.
const MILLI: f64 = 1e6;

impl Backoff {
    /// The delay before the `retry`-th retry (the first is 1), before jitter.
    #[inline]
    pub fn delay(self, retry: u32) -> Span {
        match self {
            Backoff::Fixed(delay) => delay,
            Backoff::Exponential { base, factor, cap } => {
                Span::from_nanos_f64(grown(base, factor, cap, retry, |it| it))
            }
            Backoff::ExponentialMillis { base, factor, cap } => {
                Span::from_nanos_f64(grown(base, factor, cap, retry, |it| libm::floor(it / MILLI) * MILLI))
            }
        }
    }

    fn base(self) -> Span {
        match self {
            Backoff::Fixed(delay) => delay,
            Backoff::Exponential { base, .. } | Backoff::ExponentialMillis { base, .. } => base,
        }
    }

    fn cap(self) -> Span {
        match self {
            Backoff::Fixed(_) => Span::MAX,
            Backoff::Exponential { cap, .. } | Backoff::ExponentialMillis { cap, .. } => cap,
        }
    }
}

/// After every step `cut` leaves out what is too fine.
fn grown(base: Span, factor: f64, cap: Span, retry: u32, cut: impl Fn(f64) -> f64) -> f64 {
    let cap = cap.as_nanos() as f64;
    let mut delay = base.as_nanos() as f64;
    for _ in 1..retry {
        let longer = cut(delay * factor);
        // Once it does not grow any more, or is cut off anyway, the rest of the way changes nothing.
        if delay >= cap || longer <= delay {
            break;
        }
        delay = longer;
    }
    delay.min(cap)
}

impl Jitter {
    /// The delay before the `retry`-th retry (the first is 1), spread. `uniform(n)` is the number in (0, 1) that
    /// belongs to the n-th retry: always the same for one call, so that a delay that builds on earlier ones
    /// can be worked out again instead of being remembered.
    #[inline]
    pub fn spread(self, backoff: Backoff, retry: u32, uniform: impl Fn(u32) -> f64) -> Span {
        let nanos = || backoff.delay(retry).as_nanos() as f64;
        match self {
            Jitter::None => backoff.delay(retry),
            Jitter::Full => Span::from_nanos_f64(uniform(retry) * nanos()),
            Jitter::Equal => {
                let half = nanos() / 2.0;
                Span::from_nanos_f64(half + uniform(retry) * half)
            }
            Jitter::Decorrelated => decorrelated(backoff, retry, uniform),
            Jitter::Around(share) => {
                Span::from_nanos_f64(nanos() * (1.0 + share.as_f64() * (2.0 * uniform(retry) - 1.0)))
            }
            Jitter::Longer(share) => {
                let longer = nanos() * (1.0 + share.as_f64() * uniform(retry));
                Span::from_nanos_f64(longer.min(backoff.cap().as_nanos() as f64))
            }
            Jitter::Randomized(share) => {
                let (millis, share) = (nanos() / MILLI, share.as_f64());
                let lower = millis - millis * share;
                let whole = libm::floor(lower + uniform(retry) * (millis * 2.0 * share + 1.0));
                Span::from_nanos_f64(whole * MILLI)
            }
        }
    }
}

fn decorrelated(backoff: Backoff, retry: u32, uniform: impl Fn(u32) -> f64) -> Span {
    let (base, cap) = (backoff.base().as_nanos() as f64, backoff.cap().as_nanos() as f64);
    let last = (1..=retry).fold(base, |previous, n| (base + uniform(n) * (3.0 * previous - base)).min(cap));
    Span::from_nanos_f64(last)
}

impl fmt::Display for Backoff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (base, factor, cap, grain) = match self {
            Backoff::Fixed(delay) => return write!(f, "{delay}"),
            Backoff::Exponential { base, factor, cap } => (base, factor, cap, ""),
            Backoff::ExponentialMillis { base, factor, cap } => (base, factor, cap, ", grain=1ms"),
        };
        write!(f, "exponential({base}, factor={factor}")?;
        if *cap != Span::MAX {
            write!(f, ", cap={cap}")?;
        }
        write!(f, "{grain})")
    }
}

impl FromStr for Backoff {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Backoff, ParseError> {
        if text.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return exponential(text);
        }
        text.parse().map(Backoff::Fixed)
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
    let bound = call.bind(&["base"], &["factor", "cap", "grain"], USAGE)?;
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
    match bound.get("grain") {
        None => Ok(Backoff::Exponential { base, factor, cap }),
        Some(arg) if arg.parse::<Span>()? == Span::from_millis(1) => {
            Ok(Backoff::ExponentialMillis { base, factor, cap })
        }
        Some(arg) => Err(ParseError::new(arg.value_range.clone(), "delays are exact, or whole milliseconds")
            .hint("write `grain=1ms`, or leave it out")),
    }
}

/// Ways to spread a delay that have a word.
const WORDS: [(&str, Jitter); 4] =
    [("none", Jitter::None), ("full", Jitter::Full), ("equal", Jitter::Equal), ("decorrelated", Jitter::Decorrelated)];

/// A jitter that says how far.
type Spread = fn(Share) -> Jitter;

/// Ways to spread a delay that say how far.
const SPREADS: [(&str, Spread); 2] = [("randomized", Jitter::Randomized), ("longer", Jitter::Longer)];

impl fmt::Display for Jitter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Jitter::Around(share) => write!(f, "{share}"),
            Jitter::Longer(share) => write!(f, "longer({share})"),
            Jitter::Randomized(share) => write!(f, "randomized({share})"),
            _ => f.write_str(WORDS.iter().find(|(_, jitter)| jitter == self).map_or("", |(word, _)| word)),
        }
    }
}

impl FromStr for Jitter {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Jitter, ParseError> {
        if let Some((_, jitter)) = WORDS.iter().find(|(word, _)| *word == text) {
            return Ok(*jitter);
        }
        for (word, jitter) in SPREADS {
            if text.starts_with(word) {
                let (call, usage) = (Call::parse(text)?, format!("{word}(50%)"));
                return call.bind(&["share"], &[], &usage)?.need("share")?.parse().map(jitter);
            }
        }
        if text.ends_with('%') {
            return text.parse::<Share>().map(Jitter::Around);
        }
        let near = did_you_mean(text, WORDS.map(|(word, _)| word));
        Err(ParseError::new(0..text.len(), format!("unknown way to spread a delay `{text}`"))
            .hint(format!("write `{}`, or a share such as `20%`", near.unwrap_or("full"))))
    }
}
