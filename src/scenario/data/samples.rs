//! Measured lengths of time: the samples of an empirical distribution.

use super::instant;
use super::rows::{Rows, column_name};
use crate::base::call::{Bound, Call};
use crate::base::distribution::Distribution;
use crate::base::time::Span;
use crate::base::units::ParseError;
use crate::scenario::decode::Cx;
use crate::scenario::files::{DATA_BYTES_MAX, of_place, resolved};
use crate::scenario::say::{Place, SourceId, catalogue};
use crate::scenario::tree::Node;

const USAGE: &str = "empirical(\"latencies.csv\", unit=1ms)";

/// `empirical("file.csv", unit=1ms, column="latency", weight="count")` as written.
#[derive(Clone, Debug)]
pub(crate) struct SamplesForm {
    /// All but the path, as written.
    named: String,
    path: String,
    unit: Option<Span>,
    column: Option<String>,
    weight: Option<String>,
}

impl SamplesForm {
    /// Reads the arguments.
    pub(crate) fn of_call(call: &Call<'_>) -> Result<SamplesForm, ParseError> {
        let bound = call.bind(&["file"], &["unit", "column", "weight"], USAGE)?;
        let file = bound.need("file")?;
        let named = call.args.iter().filter_map(|arg| Some(format!(", {}={}", arg.key.as_ref()?.0, arg.value)));
        Ok(SamplesForm {
            named: named.collect(),
            path: file.quoted()?.to_owned(),
            unit: unit(&bound)?,
            column: column_name(&bound, "column")?,
            weight: column_name(&bound, "weight")?,
        })
    }
}

/// The length of time that a plain number in a file counts.
pub(super) fn unit(bound: &Bound<'_, '_>) -> Result<Option<Span>, ParseError> {
    let Some(arg) = bound.get("unit") else { return Ok(None) };
    let unit = arg.parse::<Span>()?;
    if unit.is_zero() {
        return Err(ParseError::new(arg.value_range.clone(), "the unit must be longer than zero")
            .hint("write what a 1 in the file means, such as `unit=1ms`"));
    }
    Ok(Some(unit))
}

/// The distribution of the samples, for the value at `node`.
pub(crate) fn samples(form: &SamplesForm, node: &Node, cx: &mut Cx<'_>) -> Option<Distribution> {
    let path_place = cx.place_of(node, &form.path);
    let path = resolved(of_place(path_place, cx.sources), &form.path);
    let file = cx.data(&path, path_place)?;
    let rows = Rows::read(
        file,
        |field| instant::decimal(field, Some(Span::from_secs(1))).is_some() || field.parse::<Span>().is_ok(),
        cx,
    )?;
    let value = rows.column(form.column.as_ref(), node, cx);
    let (value, weight) = (value?, rows.column(form.weight.as_ref(), node, cx)?);
    let value = match value {
        Some(column) => column,
        None if rows.width() <= 1 => 0,
        None => {
            cx.say(&catalogue::BAD_DATA, path_place, format!("the file has {}", rows.columns()))
                .help("name the one with the lengths of time: `column=\"..\"`");
            return None;
        }
    };
    let hint = "write lengths of time such as `12.5ms`, or plain numbers and `unit=1ms` in the scenario";
    let spans = rows.map(value, |text| span(text, form.unit), hint, cx)?;
    let weights = match weight {
        None => vec![1.0; spans.len()],
        Some(column) => rows.map(column, weight_of, "weights are numbers that are not negative", cx)?,
    };
    if weights.iter().all(|weight| *weight == 0.0) {
        cx.say(&catalogue::BAD_DATA, path_place, "all weights are zero");
        return None;
    }
    let text = format!("empirical('{path}'{})", form.named);
    Distribution::empirical(text, spans.into_iter().zip(weights).collect())
}

fn span(text: &str, unit: Option<Span>) -> Result<Span, String> {
    let nanos = match instant::decimal(text, unit) {
        Some(nanos) => nanos?,
        None => text.parse::<Span>().map(|span| span.as_nanos().into()).map_err(|fault| fault.message)?,
    };
    u64::try_from(nanos)
        .map(Span::from_nanos)
        .map_err(|_| if nanos < 0 { format!("`{text}` is negative") } else { format!("`{text}` is too long") })
}

fn weight_of(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(weight) if weight.is_finite() && weight >= 0.0 => Ok(weight),
        _ => Err(format!("`{text}` is not a weight")),
    }
}

impl Cx<'_> {
    /// The text of the data file at `path`, which is named at `place`.
    pub(super) fn data(&mut self, path: &str, place: Place) -> Option<SourceId> {
        self.shelf.text(self.files, path, place, DATA_BYTES_MAX, self.sources, self.findings)
    }
}
