//! The text of OpenMetrics 1.0: families of samples, each under its type, unit and help. What the format asks of names,
//! suffixes, order and times is kept here; which families there are is decided elsewhere.

use std::fmt::{Display, Write};

use crate::base::time::{Span, Time};
use crate::measure::{Latency, Results};
use crate::report::facts;
use crate::report::traces::EPOCH_NANOS;

/// Before every name.
const PREFIX: &str = "brownout_";

/// Bounds of the buckets of all histograms: three in a power of ten, from 100 µs to 100 s.
const BOUNDS: [Span; 19] = {
    let mut bounds = [Span::from_micros(100); 19];
    let mut place = 0;
    let mut decade_micros = 100;
    while place < bounds.len() {
        bounds[place] = Span::from_micros(decade_micros);
        if place + 2 < bounds.len() {
            bounds[place + 1] = Span::from_micros(decade_micros * 5 / 2);
            bounds[place + 2] = Span::from_micros(decade_micros * 5);
        }
        place += 3;
        decade_micros *= 10;
    }
    bounds
};

/// The labels of a metric, as they stand between braces.
pub(super) type Labels = String;

/// What a family is called, and what it holds.
#[derive(Clone, Copy)]
pub(super) struct Family {
    /// Without the prefix and without a suffix that belongs to its type; it ends in its unit.
    pub(super) name: &'static str,
    /// `None` of what is only counted.
    pub(super) unit: Option<&'static str>,
    pub(super) help: &'static str,
}

/// A family that is only counted.
pub(super) const fn family(name: &'static str, help: &'static str) -> Family {
    Family { name, unit: None, help }
}

/// A family with a unit.
pub(super) const fn family_in(name: &'static str, unit: &'static str, help: &'static str) -> Family {
    Family { name, unit: Some(unit), help }
}

/// A text that grows.
pub(super) struct Text {
    text: String,
    /// When the run started and when it ended.
    bounds: (String, String),
    /// The points of the series that are not empty, and when they end.
    points: Vec<(usize, String)>,
}

impl Text {
    pub(super) fn new(results: &Results) -> Text {
        let point = |point| {
            let (from, until) = facts::point_bounds(results, point);
            (until > from).then(|| (point, timestamp(until)))
        };
        Text {
            text: String::new(),
            bounds: (timestamp(Time::ZERO), timestamp(results.ended)),
            points: (0..results.series.points).filter_map(point).collect(),
        }
    }

    /// Counts of the points of the series, added up since the start of the run. A metric without a column has no samples.
    pub(super) fn counter<'a>(&mut self, family: Family, metrics: impl IntoIterator<Item = (Labels, &'a [u64])>) {
        let mut head = Some(family);
        for (labels, column) in metrics.into_iter().filter(|(_, column)| !column.is_empty()) {
            self.head(&mut head, "counter");
            let Text { text, bounds, points } = self;
            let mut sum = 0;
            sample(text, family, "_total", &labels, sum, &bounds.0);
            for (point, time) in points {
                sum += column.get(*point).copied().unwrap_or(0);
                sample(text, family, "_total", &labels, sum, time);
            }
        }
    }

    /// Counts of the whole run.
    pub(super) fn total(&mut self, family: Family, metrics: impl IntoIterator<Item = (Labels, f64)>) {
        self.at_end(family, "counter", "_total", metrics);
    }

    /// Levels at the end of the run, or of all of it.
    pub(super) fn level(&mut self, family: Family, metrics: impl IntoIterator<Item = (Labels, f64)>) {
        self.at_end(family, "gauge", "", metrics);
    }

    /// What says of itself all there is to say.
    pub(super) fn info(&mut self, family: Family, labels: Labels) {
        self.at_end(family, "info", "_info", [(labels, 1.0)]);
    }

    /// Which one of several states it is.
    pub(super) fn state(&mut self, family: Family, states: &[(&str, bool)]) {
        let name = format!("{PREFIX}{}", family.name);
        let metric = |(state, is): &(&str, bool)| (labels(&[(&name, state)]), f64::from(*is));
        self.at_end(family, "stateset", "", states.iter().map(metric).collect::<Vec<_>>());
    }

    fn at_end(&mut self, family: Family, kind: &str, suffix: &str, metrics: impl IntoIterator<Item = (Labels, f64)>) {
        let mut head = Some(family);
        for (labels, value) in metrics.into_iter().filter(|(_, value)| value.is_finite()) {
            self.head(&mut head, kind);
            sample(&mut self.text, family, suffix, &labels, value, &self.bounds.1);
        }
    }

    /// Levels over time: means of the points of the series.
    pub(super) fn gauge<'a>(&mut self, family: Family, metrics: impl IntoIterator<Item = (Labels, &'a [f64])>) {
        self.gauge_of(family, metrics.into_iter().map(|(labels, column)| (labels, column, |value: &f64| *value)));
    }

    /// Levels over time that are no numbers yet.
    pub(super) fn gauge_of<'a, T: 'a>(
        &mut self,
        family: Family,
        metrics: impl IntoIterator<Item = (Labels, &'a [T], impl Fn(&T) -> f64)>,
    ) {
        let mut head = Some(family);
        for (labels, column, value) in metrics.into_iter().filter(|(_, column, _)| !column.is_empty()) {
            self.head(&mut head, "gauge");
            let Text { text, points, .. } = self;
            for (point, time) in points {
                if let Some(value) = column.get(*point).map(&value).filter(|value| value.is_finite()) {
                    sample(text, family, "", &labels, value, time);
                }
            }
        }
    }

    /// Quantiles of the points of the series, beside counts and sums since the start of the run.
    pub(super) fn summary<'a>(&mut self, family: Family, metrics: impl IntoIterator<Item = (Labels, Quantiles<'a>)>) {
        let mut head = Some(family);
        for (labels, it) in metrics {
            self.head(&mut head, "summary");
            let Text { text, bounds, points } = self;
            let (mut count, mut sum_nanos) = (0_u64, 0_u128);
            sample(text, family, "_count", &labels, count, &bounds.0);
            sample(text, family, "_sum", &labels, 0.0, &bounds.0);
            for (point, time) in points {
                for (quantile, column) in it.quantiles {
                    if let Some(length) = column.get(*point).copied().flatten() {
                        let labels = format!("{labels},quantile=\"{quantile}\"");
                        sample(text, family, "", &labels, length.as_secs_f64(), time);
                    }
                }
                count += it.counts.get(*point).copied().unwrap_or(0);
                sum_nanos += it.sums_nanos.get(*point).copied().unwrap_or(0);
                sample(text, family, "_count", &labels, count, time);
                sample(text, family, "_sum", &labels, seconds(sum_nanos), time);
            }
        }
    }

    /// Lengths of time of the whole run.
    pub(super) fn histogram<'a>(&mut self, family: Family, metrics: impl IntoIterator<Item = (Labels, &'a Latency)>) {
        let mut head = Some(family);
        for (labels, latency) in metrics {
            self.head(&mut head, "histogram");
            let (text, time) = (&mut self.text, &self.bounds.1);
            for (bound, count) in BOUNDS.iter().zip(latency.counts_up_to(&BOUNDS)) {
                // As a float: the format's own way to write a bound.
                let labels = format!("{labels},le=\"{:?}\"", bound.as_secs_f64());
                sample(text, family, "_bucket", &labels, count, time);
            }
            sample(text, family, "_bucket", &format!("{labels},le=\"+Inf\""), latency.count(), time);
            sample(text, family, "_count", &labels, latency.count(), time);
            sample(text, family, "_sum", &labels, seconds(latency.sum_nanos()), time);
        }
    }

    /// Says once what follows.
    fn head(&mut self, family: &mut Option<Family>, kind: &str) {
        let Some(Family { name, unit, help }) = family.take() else { return };
        let unit = unit.map_or_else(String::new, |unit| format!("# UNIT {PREFIX}{name} {unit}\n"));
        let help = escaped(help);
        write!(self.text, "# TYPE {PREFIX}{name} {kind}\n{unit}# HELP {PREFIX}{name} {help}\n").expect(INFALLIBLE);
    }

    pub(super) fn end(mut self) -> String {
        self.text += "# EOF\n";
        self.text
    }
}

/// A workload's latencies over time.
#[derive(Clone, Copy)]
pub(super) struct Quantiles<'a> {
    pub(super) quantiles: [(&'static str, &'a [Option<Span>]); 3],
    pub(super) counts: &'a [u64],
    pub(super) sums_nanos: &'a [u128],
}

const INFALLIBLE: &str = "writing to memory does not fail";

/// Names and values, in the order of the names given.
pub(super) fn labels(pairs: &[(&str, &str)]) -> Labels {
    let pair = |(name, value): &(&str, &str)| format!("{name}=\"{}\"", escaped(value));
    pairs.iter().map(pair).collect::<Vec<_>>().join(",")
}

/// Nanoseconds as seconds.
pub(super) fn seconds(nanos: u128) -> f64 {
    nanos as f64 / 1e9
}

fn sample(text: &mut String, family: Family, suffix: &str, labels: &str, value: impl Display, time: &str) {
    let (open, close) = if labels.is_empty() { ("", "") } else { ("{", "}") };
    writeln!(text, "{PREFIX}{}{suffix}{open}{labels}{close} {value} {time}", family.name).expect(INFALLIBLE);
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\n").replace('"', "\\\"")
}

/// Seconds since 1970, exactly.
fn timestamp(time: Time) -> String {
    const PER_SEC: u64 = 1_000_000_000;
    let nanos = EPOCH_NANOS.saturating_add(time.as_nanos());
    let text = format!("{}.{:09}", nanos / PER_SEC, nanos % PER_SEC);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
