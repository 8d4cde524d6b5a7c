//! Axes: from a value to a place between 0 and 1, and where the ticks stand.

use crate::report::number;

/// What the numbers on an axis are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    PerSecond,
    Seconds,
    Bytes,
    Plain,
}

impl Unit {
    pub(super) fn text(self, value: f64) -> String {
        match self {
            _ if value == 0.0 => "0".to_owned(),
            Unit::PerSecond => number::rate(Some(value)),
            Unit::Seconds => number::secs(Some(value)),
            Unit::Bytes => number::bytes(Some(value)),
            Unit::Plain => number::plain(Some(value)),
        }
    }
}

/// A vertical axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scale {
    /// From zero to `top` in steps.
    Linear { step: f64, top: f64 },
    /// Equal factors are equal lengths.
    Log { low: f64, high: f64 },
    /// Linear below one, logarithmic above: for levels that differ much and may be zero.
    Symlog { high: f64 },
}

impl Scale {
    /// A linear one that has room for `max`.
    pub(super) fn linear(max: f64) -> Scale {
        let max = if max.is_finite() && max > 0.0 { max } else { 1.0 };
        let step = round_up(max / 5.0, &[1.0, 2.0, 2.5, 5.0]);
        Scale::Linear { step, top: step * (max / step).ceil() }
    }

    /// A logarithmic one that has room for `min` and `max`; milliseconds to seconds when there is nothing to show.
    pub(super) fn log(min: f64, max: f64) -> Scale {
        let fine = |value: f64| value.is_finite() && value > 0.0;
        let (min, max) = if fine(min) && fine(max) { (min, max) } else { (0.001, 1.0) };
        let high = round_up(max * 1.05, &[1.0, 2.0, 5.0]);
        // 1/x turns the sequence 1, 2, 5 around.
        let low = 1.0 / round_up(1.05 / min, &[1.0, 2.0, 5.0]);
        Scale::Log { low, high }
    }

    /// A linear one, or a logarithmic one from zero where levels with these peaks would hide one another.
    pub(super) fn levels(peaks: &[f64]) -> Scale {
        const FAR_APART: f64 = 30.0;
        const SMALL: f64 = 100.0;
        let seen = || peaks.iter().copied().filter(|peak| peak.is_finite() && *peak > 0.0);
        let (min, max) = (seen().fold(f64::MAX, f64::min), seen().fold(0.0, f64::max));
        if max > SMALL && max / min > FAR_APART {
            Scale::Symlog { high: round_up(max, &[1.0, 2.0, 5.0]) }
        } else {
            Scale::linear(max)
        }
    }

    /// The place of `value`: 0 at the bottom, 1 at the top, never outside.
    pub(super) fn place(&self, value: f64) -> f64 {
        let place = match *self {
            Scale::Linear { top, .. } => value / top,
            Scale::Log { low, high } => libm::log(value / low) / libm::log(high / low),
            Scale::Symlog { high } => libm::log1p(value) / libm::log1p(high),
        };
        if place.is_nan() { 0.0 } else { place.clamp(0.0, 1.0) }
    }

    /// Where ticks stand, from the bottom up.
    pub(super) fn ticks(&self) -> Vec<f64> {
        match *self {
            Scale::Linear { step, top } => {
                (0..=(top / step).round() as u32).map(|tick| f64::from(tick) * step).collect()
            }
            Scale::Log { low, high } => decades(low, high),
            Scale::Symlog { high } => std::iter::once(0.0).chain(decades(1.0, high)).collect(),
        }
    }

    pub(super) fn is_logarithmic(&self) -> bool {
        !matches!(self, Scale::Linear { .. })
    }
}

/// Powers of ten from `low` to `high`, finer where there are few, coarser where there are many.
fn decades(low: f64, high: f64) -> Vec<f64> {
    // Some slack, because a power of ten may be off by a bit.
    let within = |tick: &f64| *tick >= low * 0.999 && *tick <= high * 1.001;
    let (first, last) = (libm::floor(libm::log10(low)) as i32, libm::ceil(libm::log10(high)) as i32);
    const FINE_MAX: f64 = 350.0;
    let steps: &[f64] = if high / low <= FINE_MAX { &[1.0, 2.0, 5.0] } else { &[1.0] };
    let every = 1 + (last - first) / 7;
    let decade = |power: i32| steps.iter().map(move |step| step * libm::pow(10.0, f64::from(power)));
    (first..=last).filter(|power| (power - first) % every == 0).flat_map(decade).filter(within).collect()
}

/// Where ticks of time stand in a run of `secs` seconds, and what they are called.
pub(super) fn time_ticks(secs: f64) -> Vec<(f64, String)> {
    const TICKS_MAX: f64 = 9.0;
    const STEPS: [f64; 16] = [
        1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_200.0, 1_800.0, 3_600.0, 7_200.0, 14_400.0,
        86_400.0,
    ];
    if secs <= 0.0 {
        return vec![(0.0, number::secs(Some(0.0)))];
    }
    let least = secs / TICKS_MAX;
    let step = match STEPS.iter().find(|step| **step >= least) {
        Some(step) if least > 0.5 => *step,
        _ => round_up(least, &[1.0, 2.0, 5.0]),
    };
    let name = |at: f64| match step {
        s if s >= 3_600.0 => number::plain(Some(at / 3_600.0)) + "\u{a0}h",
        s if s >= 60.0 => number::plain(Some(at / 60.0)) + "\u{a0}min",
        _ => number::secs(Some(at)),
    };
    (0..=(secs / step * 1.000_001) as u32).map(|tick| f64::from(tick) * step).map(|at| (at, name(at))).collect()
}

/// The least number of the sequence `digits × 10ⁿ` that is not below `value`, which is positive.
fn round_up(value: f64, digits: &[f64]) -> f64 {
    let decade = libm::pow(10.0, libm::floor(libm::log10(value)));
    // A hair of slack: 0.3 / 0.1 must not need the next step.
    let digit = digits.iter().copied().find(|digit| digit * decade >= value * 0.999_999);
    digit.unwrap_or(10.0) * decade
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_few() {
        assert_eq!(Scale::linear(4_213.0).ticks(), [0.0, 1_000.0, 2_000.0, 3_000.0, 4_000.0, 5_000.0]);
        assert_eq!(Scale::linear(0.0).ticks().len(), 6);
        assert_eq!(Scale::linear(f64::NAN), Scale::linear(1.0));
        let Scale::Log { low, high } = Scale::log(0.018, 5.3) else { panic!("it is logarithmic") };
        assert!((low - 0.01).abs() < 1e-9 && (high - 10.0).abs() < 1e-9, "{low} to {high}");
        assert_eq!(Scale::log(0.018, 5.3).ticks().len(), 4);
        assert_eq!(Scale::log(f64::MAX, 0.0), Scale::log(0.001, 1.0));
        assert_eq!(Scale::levels(&[4_213.0, 12.0, 0.0]).ticks(), [0.0, 1.0, 10.0, 100.0, 1_000.0]);
        assert!(!Scale::levels(&[80.0, 2.0]).is_logarithmic());
    }

    #[test]
    fn time_has_round_ticks() {
        let labels = |secs: f64| {
            let ticks: Vec<String> =
                time_ticks(secs).into_iter().map(|(_, label)| label.replace('\u{a0}', " ")).collect();
            ticks.join(", ")
        };
        assert_eq!(labels(180.0), "0 s, 20 s, 40 s, 60 s, 80 s, 100 s, 120 s, 140 s, 160 s, 180 s");
        assert_eq!(labels(1.0), "0 s, 200 ms, 400 ms, 600 ms, 800 ms, 1 s");
        assert_eq!(labels(7_200.0), "0 min, 20 min, 40 min, 60 min, 80 min, 100 min, 120 min");
        assert_eq!(labels(0.0), "0 s");
    }
}
