//! Values and ranges of parameters. What a value means shows where it is used; here only of which kind it is.

use std::cmp::Ordering;

use super::{Cx, Decode};
use crate::base::time::Span;
use crate::base::units::{Number, ParseError, Rate, Share};
use crate::scenario::declare::{Form, Kind};
use crate::scenario::say::{Place, catalogue};
use crate::scenario::tree::{Node, Value};

/// A value of which nobody knows yet what it is for.
#[derive(Clone, Debug)]
pub(crate) struct Scalar {
    /// As TOML writes it inside a text.
    pub(crate) plain: String,
    /// As TOML writes it.
    pub(crate) toml: String,
    /// Its kind and size.
    pub(crate) quantity: Quantity,
}

/// Kinds of values that can be compared with their like.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Quantity {
    /// A number without a unit.
    Number(f64),
    /// A length of time.
    Span(Span),
    /// A rate.
    Rate(f64),
    /// A share.
    Share(f64),
    /// Anything else: a word, a name, a distribution, `true`.
    Other,
}

impl Quantity {
    fn of_text(text: &str) -> Quantity {
        if let Ok(number) = text.parse::<Number>() {
            Quantity::Number(number.as_f64())
        } else if let Ok(span) = text.parse::<Span>() {
            Quantity::Span(span)
        } else if let Ok(rate) = text.parse::<Rate>() {
            Quantity::Rate(rate.as_per_sec())
        } else if let Ok(share) = text.parse::<Share>() {
            Quantity::Share(share.as_f64())
        } else {
            Quantity::Other
        }
    }

    /// What it is, with an article.
    pub(crate) fn noun(&self) -> &'static str {
        match self {
            Quantity::Number(_) => "a number",
            Quantity::Span(_) => "a length of time",
            Quantity::Rate(_) => "a rate",
            Quantity::Share(_) => "a share",
            Quantity::Other => "a value without an order",
        }
    }

    /// How it compares with another one of its kind; `None` when they are of different kinds, or have no order.
    pub(crate) fn compare(&self, other: &Quantity) -> Option<Ordering> {
        match (self, other) {
            (Quantity::Number(a), Quantity::Number(b))
            | (Quantity::Rate(a), Quantity::Rate(b))
            | (Quantity::Share(a), Quantity::Share(b)) => a.partial_cmp(b),
            (Quantity::Span(a), Quantity::Span(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }
}

impl Decode for Scalar {
    fn kind() -> Kind {
        Kind::Scalar
    }

    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<Scalar> {
        let Some(plain) = node.value.written_plainly() else {
            cx.wrong_type_with_example(node, &Self::kind());
            return None;
        };
        let quantity = match &node.value {
            Value::Text(text) => Quantity::of_text(text),
            Value::Integer(integer) => Quantity::Number(*integer as f64),
            Value::Float(float) => Quantity::Number(*float),
            _ => Quantity::Other,
        };
        let toml = match &node.value {
            Value::Text(text) => toml::Value::String(text.clone()).to_string(),
            _ => plain.clone(),
        };
        Some(Scalar { plain, toml, quantity })
    }
}

/// Which values of a parameter make sense.
#[derive(Clone, Debug)]
pub(crate) enum RangeForm {
    /// From one to the other.
    Between {
        /// As written.
        low: (String, Quantity),
        /// As written.
        high: (String, Quantity),
    },
    /// One of these.
    OneOf(Vec<Scalar>),
}

const EXAMPLE: &str = "100/s .. 3000/s";

impl Decode for RangeForm {
    fn kind() -> Kind {
        let between = Kind::Form(Form { what: "a range", example: EXAMPLE, unit: "", pattern: ".+\\.\\..+" });
        Kind::Either(vec![between, Kind::List(Box::new(Kind::Scalar))])
    }

    fn decode(node: &Node, cx: &mut Cx<'_>) -> Option<RangeForm> {
        match &node.value {
            Value::Text(text) => cx.read_text(node, between(text)),
            Value::List(items) if items.is_empty() => {
                say_empty(node.place, cx);
                None
            }
            Value::List(items) => {
                items.iter().map(|item| Scalar::decode(item, cx)).collect::<Option<_>>().map(RangeForm::OneOf)
            }
            _ => {
                cx.wrong_type_with_example(node, &Self::kind());
                None
            }
        }
    }
}

fn say_empty(place: Place, cx: &mut Cx<'_>) {
    cx.say(&catalogue::NO_ITEMS, place, "no value makes sense").help(format!("write for example `\"{EXAMPLE}\"`"));
}

fn between(text: &str) -> Result<RangeForm, ParseError> {
    let hint = format!("write for example `{EXAMPLE}`, or a list of values");
    let Some((low, high)) = text.split_once("..") else {
        return Err(ParseError::new(0..text.len(), "a range has `..` between its bounds").hint(hint));
    };
    let high_start = low.len() + 2 + (high.len() - high.trim_start().len());
    let low_start = low.len() - low.trim_start().len();
    let (low, high) = (low.trim(), high.trim());
    let (low_range, high_range) = (low_start..low_start + low.len(), high_start..high_start + high.len());
    for (bound, range) in [(low, &low_range), (high, &high_range)] {
        if bound.is_empty() {
            return Err(ParseError::new(0..text.len(), "a bound is missing").hint(hint));
        }
        if Quantity::of_text(bound) == Quantity::Other {
            let message = format!("`{bound}` is not a number, a length of time, a rate or a share");
            return Err(ParseError::new(range.clone(), message).hint(hint));
        }
    }
    let (low_value, high_value) = (Quantity::of_text(low), Quantity::of_text(high));
    match low_value.compare(&high_value) {
        Some(Ordering::Less) => {
            Ok(RangeForm::Between { low: (low.to_owned(), low_value), high: (high.to_owned(), high_value) })
        }
        Some(_) => Err(ParseError::new(0..text.len(), "the first bound must be below the second")
            .hint(format!("write `{high} .. {low}`"))),
        None => Err(ParseError::new(
            high_range,
            format!("`{low}` is {}, and `{high}` is {}", low_value.noun(), high_value.noun()),
        )
        .hint("both bounds are of one kind")),
    }
}
