//! What a row of the proof measures: a metric as expectations know it, arithmetic with several, or one of a few measures
//! that need more than one number of a run.
//!
//! - `goodput(users)`: the metric, read in the unit of the row where it can be.
//! - `attempts(database) / attempts(users) - 1`: `+`, `-`, `*` and `/` of metrics and numbers.
//! - `total(failures(users))`: how many there were, where the metric is a rate.
//! - `holds(goodput(users) < 20/s)`: 1 where the condition holds and 0 elsewhere; its mean is a share of seeds.
//! - `recovered(users)`: the first point of the series, in seconds, after the last fault has ended, in which as much is
//!   answered well as is offered.
//! - `drained(consumer)`: how many seconds after the last fault has ended no more messages wait for the consumer's group
//!   than at most before the first one.
//! - `tipping(outage, 500ms, 5s, goodput(users) >= 50%)`: the smallest value of a parameter with which the condition does
//!   not hold, to a millisecond, by bisection between one with which it holds and one with which it does not.

use std::str::FromStr;

use crate::base::call::Call;
use crate::base::time::{Span, Time};
use crate::base::units::ParseError;
use crate::measure::Results;
use crate::model::{Expectation, Model};
use crate::scenario::{BoundUnit, metric_units};

use super::index::Unit;

/// What is measured in a run, or in several.
#[derive(Clone, Debug)]
pub struct Expression {
    text: String,
    form: Form,
}

#[derive(Clone, Debug)]
enum Form {
    Sum(Sum),
    Tipping(Tipping),
}

/// Products with their signs.
#[derive(Clone, Debug)]
struct Sum(Vec<(f64, Product)>);

/// Factors, and whether they divide.
#[derive(Clone, Debug)]
struct Product(Vec<(bool, Atom)>);

#[derive(Clone, Debug)]
enum Atom {
    Number(f64),
    Metric(String),
    Total(String),
    Holds(String),
    Recovered(String),
    Drained(String),
}

/// A bisection over a parameter that is a length of time.
#[derive(Clone, Debug)]
pub(super) struct Tipping {
    pub(super) parameter: String,
    pub(super) low: Span,
    pub(super) high: Span,
    /// Holds with `low`, and not with `high`.
    pub(super) condition: String,
}

/// A run and what was asked for in it.
pub(super) struct Measurement<'a> {
    pub(super) model: &'a Model,
    pub(super) results: &'a Results,
    /// The unit of the row.
    pub(super) unit: Unit,
    /// Of the row.
    pub(super) after: Option<&'a str>,
    pub(super) until: Option<&'a str>,
}

/// A condition, and the time in which it is measured.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Question {
    condition: String,
    after: Option<String>,
    until: Option<String>,
}

impl Question {
    /// As it stands in a scenario.
    pub(super) fn written(&self, name: &str) -> String {
        let time = |key: &str, time: &Option<String>| {
            time.as_ref().map(|time| format!("{key} = \"{time}\"\n")).unwrap_or_default()
        };
        let (after, until) = (time("after", &self.after), time("until", &self.until));
        format!("\n[expect.{name}]\nthat = \"{}\"\n{after}{until}", self.condition)
    }
}

impl Expression {
    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The bisection that it is, if it is one.
    pub(super) fn tipping(&self) -> Option<&Tipping> {
        match &self.form {
            Form::Tipping(tipping) => Some(tipping),
            Form::Sum(_) => None,
        }
    }

    /// What has to be measured for it in a run.
    pub(super) fn questions(&self, unit: Unit, after: Option<&str>, until: Option<&str>) -> Vec<Question> {
        let question = |atom: &Atom| Some(ask(atom.condition(unit)?, after, until));
        self.atoms().filter_map(question).collect()
    }

    fn atoms(&self) -> impl Iterator<Item = &Atom> {
        let sum = match &self.form {
            Form::Sum(sum) => sum.0.as_slice(),
            Form::Tipping(_) => &[],
        };
        sum.iter().flat_map(|(_, product)| &product.0).map(|(_, atom)| atom)
    }

    /// Its value in a run; `None` without a sample.
    pub(super) fn value(&self, run: &Measurement<'_>) -> Option<f64> {
        let Form::Sum(sum) = &self.form else { return None };
        let mut total = 0.0;
        for (sign, product) in &sum.0 {
            let mut value = *sign;
            for (divides, atom) in &product.0 {
                let factor = atom.value(run)?;
                value = if *divides { value / factor } else { value * factor };
            }
            total += value;
        }
        total.is_finite().then_some(total)
    }
}

/// A question as it stands behind those of the file.
pub(super) fn ask(condition: String, after: Option<&str>, until: Option<&str>) -> Question {
    Question { condition, after: after.map(str::to_owned), until: until.map(str::to_owned) }
}

impl Atom {
    /// The condition that measures it.
    fn condition(&self, unit: Unit) -> Option<String> {
        match self {
            Atom::Number(_) | Atom::Recovered(_) | Atom::Drained(_) => None,
            Atom::Metric(metric) => Some(format!("{metric} >= {}", zero(metric, unit))),
            Atom::Total(metric) => Some(format!("{metric} >= 0/s")),
            Atom::Holds(condition) => Some(condition.clone()),
        }
    }

    fn value(&self, run: &Measurement<'_>) -> Option<f64> {
        let measured = |condition: String| {
            let found = run
                .model
                .expectations
                .iter()
                .zip(&run.results.measured)
                .find(|(expectation, _)| expectation.text == condition && run.is_in_time(expectation));
            found.and_then(|(expectation, value)| Some((expectation, (*value)?)))
        };
        match self {
            Atom::Number(number) => Some(*number),
            Atom::Recovered(workload) => recovered(run, workload),
            Atom::Drained(consumer) => drained(run, consumer),
            Atom::Metric(_) => measured(self.condition(run.unit)?).map(|(_, value)| value),
            Atom::Total(_) => {
                let (expectation, rate) = measured(self.condition(run.unit)?)?;
                // A whole number, but for the rounding of the rate.
                Some((rate * expectation.until.since(expectation.from).as_secs_f64()).round())
            }
            Atom::Holds(_) => {
                let (expectation, value) = measured(self.condition(run.unit)?)?;
                Some(f64::from(u8::from(expectation.comparison.holds(value, expectation.bound.value()))))
            }
        }
    }
}

impl Measurement<'_> {
    /// Whether `expectation` is measured in the time of the row.
    fn is_in_time(&self, expectation: &Expectation) -> bool {
        let read = |text: Option<&str>, without: Time| text.map_or(Some(without), |text| text.parse().ok());
        let from = read(self.after, Time::ZERO + self.model.warmup);
        let until = read(self.until, self.model.end());
        Some(expectation.from) == from && Some(expectation.until) == until
    }
}

/// The bound with which `metric` can be compared, in `unit` if it may be in that.
fn zero(metric: &str, unit: Unit) -> &'static str {
    let name = metric.split('(').next().unwrap_or(metric).trim();
    let wanted = match unit {
        Unit::Seconds => BoundUnit::Span,
        Unit::PerSecond => BoundUnit::Rate,
        Unit::Share => BoundUnit::Share,
        Unit::Number => BoundUnit::Number,
    };
    let units = metric_units(name).unwrap_or(&[]);
    match units.iter().find(|unit| **unit == wanted).or(units.first()).copied().unwrap_or(wanted) {
        BoundUnit::Span => "0s",
        BoundUnit::Rate => "0/s",
        BoundUnit::Share => "0%",
        BoundUnit::Number => "0",
        BoundUnit::Verdict => "stable",
    }
}

/// When the last fault has ended.
fn faults_ended(model: &Model) -> Option<Time> {
    model.faults.iter().filter_map(|fault| Some(fault.at + fault.lasts?)).max()
}

fn drained(run: &Measurement<'_>, consumer: &str) -> Option<f64> {
    let model = run.model;
    let began = model.faults.iter().map(|fault| fault.at).min()?.as_secs_f64();
    let ended = faults_ended(model)?.as_secs_f64();
    let (id, _) = model.consumers.enumerate().find(|(_, it)| it.name == consumer)?;
    let place = model.groups().iter().position(|group| group.consumers.contains(&id))?;
    let lag = &run.results.messaging.as_ref()?.groups[place].series.lag;
    let interval = run.results.series.interval.as_secs_f64();
    let calm = (model.warmup.as_secs_f64() / interval).ceil() as usize..(began / interval) as usize;
    let most = lag.get(calm)?.iter().copied().reduce(f64::max)?;
    let back = (0..lag.len()).find(|point| *point as f64 * interval >= ended && lag[*point] <= most)?;
    Some(back as f64 * interval - ended)
}

fn recovered(run: &Measurement<'_>, workload: &str) -> Option<f64> {
    let model = run.model;
    let ended = faults_ended(model)?;
    let (id, _) = model.workloads.enumerate().find(|(_, it)| it.name == workload)?;
    let (series, of) = (&run.results.series, &run.results.series.workloads[id.0 as usize]);
    let starts = |point: usize| series.interval.as_secs_f64() * point as f64;
    let back = |point: &usize| starts(*point) >= ended.as_secs_f64() && of.good[*point] >= of.offered[*point];
    (0..series.points).find(back).map(starts)
}

impl FromStr for Expression {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Expression, ParseError> {
        let form = if text.starts_with("tipping(") { Form::Tipping(tipping(text)?) } else { Form::Sum(sum(text)?) };
        Ok(Expression { text: text.to_owned(), form })
    }
}

fn tipping(text: &str) -> Result<Tipping, ParseError> {
    let call = Call::parse(text)?;
    let usage = "tipping(outage, 500ms, 5s, goodput(users) >= 50%)";
    let bound = call.bind(&["parameter", "low", "high", "condition"], &[], usage)?;
    Ok(Tipping {
        parameter: bound.need("parameter")?.value.to_owned(),
        low: bound.need("low")?.parse()?,
        high: bound.need("high")?.parse()?,
        condition: bound.need("condition")?.value.to_owned(),
    })
}

fn sum(text: &str) -> Result<Sum, ParseError> {
    let mut sum = Vec::new();
    let (mut sign, mut divides) = (1.0, false);
    let mut product = Product(Vec::new());
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        let at = text.len() - rest.len();
        let length = atom_length(rest);
        product.0.push((divides, atom(&rest[..length]).map_err(|fault| fault.shifted(at))?));
        rest = rest[length..].trim_start();
        let Some(operator) = rest.chars().next() else { break };
        match operator {
            '*' | '/' => divides = operator == '/',
            '+' | '-' => {
                sum.push((sign, std::mem::replace(&mut product, Product(Vec::new()))));
                sign = if operator == '-' { -1.0 } else { 1.0 };
                divides = false;
            }
            _ => {
                let at = text.len() - rest.len();
                return Err(ParseError::new(
                    at..text.len(),
                    format!("expected `+`, `-`, `*` or `/`, found `{operator}`"),
                ));
            }
        }
        rest = &rest[1..];
    }
    sum.push((sign, product));
    Ok(Sum(sum))
}

/// A number ends before the next operator, a metric with its last parenthesis.
fn atom_length(text: &str) -> usize {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1;
                }
            }
            '+' | '-' | '*' | '/' | ' ' if depth == 0 => return at,
            _ => {}
        }
    }
    text.len()
}

fn atom(text: &str) -> Result<Atom, ParseError> {
    if let Ok(number) = text.parse() {
        return Ok(Atom::Number(number));
    }
    let inner = |name: &str| {
        let inner = text.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')')?;
        Some(inner.trim().to_owned())
    };
    if let Some(metric) = inner("total") {
        return Ok(Atom::Total(metric));
    }
    if let Some(condition) = inner("holds") {
        return Ok(Atom::Holds(condition));
    }
    if let Some(workload) = inner("recovered") {
        return Ok(Atom::Recovered(workload));
    }
    if let Some(consumer) = inner("drained") {
        return Ok(Atom::Drained(consumer));
    }
    if text.ends_with(')') && text.contains('(') {
        return Ok(Atom::Metric(text.to_owned()));
    }
    Err(ParseError::new(
        0..text.len(),
        format!("expected a metric such as `goodput(users)` or a number, found `{text}`"),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conditions(text: &str, unit: Unit) -> Vec<String> {
        let expression: Expression = text.parse().unwrap();
        expression.questions(unit, None, None).into_iter().map(|question| question.condition).collect()
    }

    #[test]
    fn a_metric_is_read_in_the_unit_of_the_row_where_it_can_be() {
        assert_eq!(conditions("goodput(users)", Unit::PerSecond), ["goodput(users) >= 0/s"]);
        assert_eq!(conditions("goodput(users)", Unit::Number), ["goodput(users) >= 0%"]);
        assert_eq!(conditions("wait_p99(a-b)", Unit::Seconds), ["wait_p99(a-b) >= 0s"]);
        assert_eq!(
            conditions("in_system(users) - utilisation(a) * 2 + total(failures(users))", Unit::Number),
            ["in_system(users) >= 0", "utilisation(a) >= 0%", "failures(users) >= 0/s"]
        );
        assert_eq!(conditions("holds(goodput(users) < 20/s)", Unit::Share), ["goodput(users) < 20/s"]);
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "goodput", "goodput(users) &", "goodput(users) -", "tipping(outage)", "* 2"] {
            assert!(text.parse::<Expression>().is_err(), "{text}");
        }
    }
}
