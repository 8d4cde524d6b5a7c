//! How a run went over time, as far as several runs are laid over each other: rates of workloads, and how crowded services
//! were. Single precision: it is drawn, not counted.

use crate::base::time::Span;
use crate::insight::statistics::percentile;
use crate::measure::{Results, Series};

/// Beyond so many services none of them is kept: nobody could look at that many pictures.
const SERVICES_MAX: usize = 24;

/// A value for each point of the series; what has no sample is no number.
pub type Line = Vec<f32>;

/// See the module.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Course {
    /// Width of a point.
    pub interval: Span,
    /// Parallel to the model's workloads.
    pub workloads: Vec<WorkloadCourse>,
    /// Parallel to the model's services; empty where there are too many.
    pub services: Vec<ServiceCourse>,
}

/// A workload over time.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct WorkloadCourse {
    /// Requests started, per second.
    pub offered: Line,
    /// Requests answered well and in time, per second.
    pub good: Line,
    /// Attempts sent, per second.
    pub attempts: Line,
    /// 99th percentile of the latency of good answers, in seconds.
    pub p99: Line,
}

/// A service over time.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct ServiceCourse {
    /// Attempts that arrived, per second.
    pub arrivals: Line,
    /// Mean number of requests in it.
    pub in_system: Line,
}

impl Course {
    /// That of a run.
    pub fn of(results: &Results) -> Course {
        let series = &results.series;
        let rate = |counts: &[u64]| -> Line {
            counts
                .iter()
                .enumerate()
                .map(|(point, count)| (*count as f64 / width(series, results, point)) as f32)
                .collect()
        };
        let workload = |it: &crate::measure::WorkloadSeries| WorkloadCourse {
            offered: rate(&it.offered),
            good: rate(&it.good),
            attempts: rate(&it.attempts),
            p99: it.p99.iter().map(|p99| p99.map_or(f32::NAN, |p99| p99.as_secs_f64() as f32)).collect(),
        };
        let service = |it: &crate::measure::ServiceSeries| ServiceCourse {
            arrivals: rate(&it.arrivals),
            in_system: it.in_system.iter().map(|level| *level as f32).collect(),
        };
        let services = if series.services.len() > SERVICES_MAX { &[] } else { series.services.as_slice() };
        Course {
            interval: series.interval,
            workloads: series.workloads.iter().map(workload).collect(),
            services: services.iter().map(service).collect(),
        }
    }
}

/// Seconds of a point: the last one may be cut short.
fn width(series: &Series, results: &Results, point: usize) -> f64 {
    let interval = series.interval.as_nanos();
    let from = interval.saturating_mul(point as u64);
    let until = from.saturating_add(interval).min(results.ended.as_nanos());
    (until.saturating_sub(from).max(1)) as f64 / 1e9
}

/// Percentiles over runs, for each point of the series; no number where no run has a sample.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Band {
    /// A tenth of the runs is below.
    pub p10: Vec<f64>,
    /// Half of the runs are below.
    pub p50: Vec<f64>,
    /// A tenth of the runs is above.
    pub p90: Vec<f64>,
}

impl Band {
    /// Over the lines of several runs.
    pub fn of<'l>(lines: impl Iterator<Item = &'l Line>) -> Band {
        let lines: Vec<&Line> = lines.collect();
        let points = lines.iter().map(|line| line.len()).max().unwrap_or(0);
        let mut band = Band::default();
        for point in 0..points {
            let values = lines.iter().filter_map(|line| line.get(point).copied()).filter(|value| value.is_finite());
            let mut values: Vec<f64> = values.map(f64::from).collect();
            values.sort_by(f64::total_cmp);
            let at = |share| percentile(&values, share).unwrap_or(f64::NAN);
            band.p10.push(at(0.1));
            band.p50.push(at(0.5));
            band.p90.push(at(0.9));
        }
        band
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_band_holds_the_middle_of_the_runs() {
        let lines: Vec<Line> = (0..11).map(|run| vec![run as f32, f32::NAN, 1.0]).collect();
        let band = Band::of(lines.iter());
        assert_eq!((band.p10[0], band.p50[0], band.p90[0]), (1.0, 5.0, 9.0));
        assert!(band.p50[1].is_nan());
        assert_eq!(band.p90[2], 1.0);
    }
}
