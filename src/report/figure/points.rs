//! From the points of a series to the points of a line: as many as a figure can show.

use crate::base::time::Time;
use crate::measure::Results;
use crate::report::facts::{point_bounds, point_width};

/// More points than this on a line are thinned out.
const POINTS_MAX: usize = 500;

/// When the points of a figure start and end; each stands for one or several points of the series.
pub(super) struct Points<'a> {
    results: &'a Results,
    /// Points of the series in a point of the figure.
    pub(super) group: usize,
}

impl<'a> Points<'a> {
    pub(super) fn new(results: &'a Results) -> Points<'a> {
        Points { results, group: results.series.points.div_ceil(POINTS_MAX).max(1) }
    }

    /// Start and end of every point.
    pub(super) fn bounds(&self) -> Vec<(Time, Time)> {
        let ends = |group: &[usize]| {
            let from = point_bounds(self.results, group[0]).0;
            (from, point_bounds(self.results, group[group.len() - 1]).1)
        };
        let points: Vec<usize> = (0..self.results.series.points).collect();
        points.chunks(self.group).map(ends).collect()
    }

    /// Counts as rates per second.
    pub(super) fn rates(&self, counts: &[u64]) -> Vec<Option<f64>> {
        let rate = |(point, count): (usize, &u64)| {
            let width = point_width(self.results, point).as_secs_f64();
            // A point that the end of the run cut to a sliver has no rate to speak of.
            (width >= 0.5 * self.results.series.interval.as_secs_f64()).then(|| *count as f64 / width)
        };
        self.means(&counts.iter().enumerate().map(rate).collect::<Vec<_>>())
    }

    /// Means of levels.
    pub(super) fn levels(&self, levels: &[f64]) -> Vec<Option<f64>> {
        self.means(&levels.iter().map(|level| Some(*level)).collect::<Vec<_>>())
    }

    /// Shares of counts in other counts.
    pub(super) fn shares(&self, parts: &[u64], wholes: &[u64]) -> Vec<Option<f64>> {
        let share = |(parts, wholes): (&[u64], &[u64])| {
            let (part, whole): (u64, u64) = (parts.iter().sum(), wholes.iter().sum());
            (whole > 0).then(|| part as f64 / whole as f64)
        };
        parts.chunks(self.group).zip(wholes.chunks(self.group)).map(share).collect()
    }

    /// Means of levels that are not known everywhere.
    pub(super) fn known(&self, levels: &[Option<f64>]) -> Vec<Option<f64>> {
        self.means(levels)
    }

    /// The highest of what there is.
    pub(super) fn maxima(&self, values: &[Option<f64>]) -> Vec<Option<f64>> {
        self.grouped(values, |found| found.iter().copied().fold(0.0, f64::max))
    }

    fn means(&self, values: &[Option<f64>]) -> Vec<Option<f64>> {
        self.grouped(values, |found| found.iter().sum::<f64>() / found.len() as f64)
    }

    fn grouped(&self, values: &[Option<f64>], sum_up: impl Fn(&[f64]) -> f64) -> Vec<Option<f64>> {
        let group = |values: &[Option<f64>]| {
            let found: Vec<f64> = values.iter().flatten().copied().filter(|value| value.is_finite()).collect();
            (!found.is_empty()).then(|| sum_up(&found))
        };
        values.chunks(self.group).map(group).collect()
    }
}
