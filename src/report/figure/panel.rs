//! What a panel shows, as data: lines over a common axis, or one row of areas for each thing. How it
//! looks is decided in `draw`.

use plotters::style::RGBColor;

use super::palette::Stroke;
use super::scale::{Scale, Unit};

/// One panel of a figure.
#[derive(Debug)]
pub(super) struct Panel {
    /// The name of the figure that shows it alone.
    pub(super) name: &'static str,
    /// In bold.
    pub(super) title: &'static str,
    /// After the title: what is measured, and what was left out.
    pub(super) note: String,
    /// What the colours of the areas mean.
    pub(super) key: Vec<(RGBColor, &'static str)>,
    pub(super) body: Body,
}

/// What a panel is made of.
#[derive(Debug)]
pub(super) enum Body {
    Lines(Lines),
    Rows(Vec<Row>),
}

/// Lines over a common axis, each named at its end.
#[derive(Debug)]
pub(super) struct Lines {
    pub(super) scale: Scale,
    pub(super) unit: Unit,
    pub(super) lines: Vec<Line>,
    /// Levels to compare with.
    pub(super) marks: Vec<(f64, String)>,
    /// Colour under the last line.
    pub(super) fill: Option<RGBColor>,
    /// What stands in a long gap of all lines.
    pub(super) silence: &'static str,
}

/// One line; a gap where there is no sample.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) name: String,
    pub(super) values: Vec<Option<f64>>,
    pub(super) stroke: Stroke,
}

/// One thing over time, as shares of one.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) name: String,
    /// In small letters below the name.
    pub(super) note: String,
    /// What a share of one is.
    pub(super) whole: String,
    /// Each drawn from the ground over the one before it.
    pub(super) layers: Vec<(RGBColor, Vec<Option<f64>>)>,
}

impl Lines {
    /// The smallest and the largest value of all lines.
    pub(super) fn extent(lines: &[Line]) -> (f64, f64) {
        let values = lines.iter().flat_map(|line| line.values.iter().flatten()).filter(|value| value.is_finite());
        values.fold((f64::MAX, 0.0), |(min, max), value| (min.min(*value), max.max(*value)))
    }
}
