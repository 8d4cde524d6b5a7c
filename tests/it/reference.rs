//! Reference results: rows of data files that runs are held against, and the runs themselves. A row belongs to a
//! case; a case is measured by one function, and every row of a required case must find its metric there.

use std::ops::{ControlFlow, Range};
use std::path::Path;

use brownout::base::time::Span;
use brownout::measure::{Results, ServiceResult, WorkloadResult, simulate};
use brownout::model::Model;
use brownout::scenario::{LoadOptions, load};

/// A result that a run is held against.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) case: String,
    /// What is run; rows of one case with the same parameters are measured together.
    pub(crate) params: String,
    pub(crate) metric: String,
    pub(crate) expected: f64,
    pub(crate) tolerance: Tolerance,
}

/// How far a measured value may be off.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Tolerance {
    Exact,
    /// As a share of the expected value.
    Relative(f64),
    /// In the unit of the value.
    Absolute(f64),
}

impl Tolerance {
    /// In the unit of the value.
    fn around(self, expected: f64) -> f64 {
        match self {
            Tolerance::Exact => 0.0,
            Tolerance::Relative(share) => share * expected.abs(),
            Tolerance::Absolute(width) => width,
        }
    }
}

/// What the runs of a case measured: values by metric. A metric may have several values, each of which must hold.
pub(crate) type Measured = Vec<(&'static str, f64)>;

/// The records of a CSV file in the folder of test data whose comments start with `#`.
pub(crate) fn records(file: &str) -> Vec<csv::StringRecord> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(file);
    let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).from_path(path).unwrap();
    reader.records().map(Result::unwrap).collect()
}

/// The rows of one case, grouped by what is run.
pub(crate) fn groups(rows: &[Row], case: &str) -> Vec<Vec<Row>> {
    let mut groups: Vec<Vec<Row>> = Vec::new();
    for row in rows.iter().filter(|row| row.case == case) {
        match groups.iter_mut().find(|group| group[0].params == row.params) {
            Some(group) => group.push(row.clone()),
            None => groups.push(vec![row.clone()]),
        }
    }
    groups
}

/// Measures every group of a case and holds its rows against what was measured.
pub(crate) fn check(rows: &[Row], case: &str, measure: impl Fn(&str) -> Measured) {
    let groups = groups(rows, case);
    assert!(!groups.is_empty(), "the data file has no rows of {case}");
    let mut faults = Vec::new();
    for group in groups {
        let measured = measure(&group[0].params);
        group.iter().for_each(|row| row.compare(&measured, &mut faults));
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

impl Row {
    fn compare(&self, measured: &Measured, faults: &mut Vec<String>) {
        let Row { case, params, metric, expected, tolerance } = self;
        let values: Vec<f64> = measured.iter().filter(|(name, _)| name == metric).map(|(_, value)| *value).collect();
        if values.is_empty() {
            faults.push(format!("{case} {metric}: not measured, for {params}"));
        }
        for got in values {
            // NaN is no value: it fails, too.
            if (got - expected).abs() <= tolerance.around(*expected) {
                continue;
            }
            let off = (got / expected - 1.0) * 100.0;
            faults.push(format!(
                "{case} {metric}: expected {expected}, got {got} ({off:+.2}%), tolerance {tolerance:?}, for {params}"
            ));
        }
    }
}

/// Asserts that the file's rows, by case, are those required, and that every case is measured exactly once.
pub(crate) fn assert_covered(rows: &[Row], required: &[(&str, usize)], measured: &[&str]) {
    let mut found: Vec<(&str, usize)> = Vec::new();
    for row in rows {
        match found.last_mut() {
            Some((case, count)) if *case == row.case => *count += 1,
            _ => found.push((&row.case, 1)),
        }
    }
    assert_eq!(found, required, "the data file holds other rows than required");
    let mut measured = measured.to_vec();
    measured.sort_unstable();
    let mut cases: Vec<&str> = required.iter().map(|(case, _)| *case).collect();
    cases.sort_unstable();
    assert_eq!(measured, cases, "every required case is measured by exactly one test");
}

/// A scenario that has run.
pub(crate) struct Run {
    pub(crate) model: Model,
    pub(crate) results: Results,
}

impl Run {
    pub(crate) fn of(text: &str) -> Run {
        let loaded = load("case.toml", text.as_bytes(), &LoadOptions::default());
        let Some(model) = loaded.model else { panic!("{}", loaded.diagnostics.render(false)) };
        let results = simulate(&model, &mut |_| ControlFlow::Continue(()));
        Run { model, results }
    }

    /// The only workload.
    pub(crate) fn users(&self) -> &WorkloadResult {
        &self.results.workloads[0]
    }

    pub(crate) fn service(&self, name: &str) -> &ServiceResult {
        let index = self.model.services.iter().position(|service| service.name == name);
        &self.results.services[index.unwrap()]
    }

    /// The time that totals count, in seconds.
    pub(crate) fn secs(&self) -> f64 {
        (self.model.duration.saturating_sub(self.model.warmup)).as_secs_f64()
    }

    /// Mean latency of the users' good answers.
    pub(crate) fn mean_latency(&self) -> f64 {
        secs(self.users().latency.mean())
    }

    pub(crate) fn latency(&self, quantile: f64) -> f64 {
        secs(self.users().latency.quantile(quantile))
    }

    /// Of the users' requests, those that did not end well.
    pub(crate) fn failed(&self) -> u64 {
        self.users().outcomes[1..].iter().sum()
    }

    /// Good answers in a window of seconds.
    pub(crate) fn good(&self, window: Range<usize>) -> u64 {
        self.sum(&self.results.series.workloads[0].good, window)
    }

    /// Requests started in a window of seconds.
    pub(crate) fn offered(&self, window: Range<usize>) -> u64 {
        self.sum(&self.results.series.workloads[0].offered, window)
    }

    /// Attempts sent by the users in a window of seconds.
    pub(crate) fn attempts(&self, window: Range<usize>) -> u64 {
        self.sum(&self.results.series.workloads[0].attempts, window)
    }

    fn sum(&self, points: &[u64], window: Range<usize>) -> u64 {
        assert_eq!(self.results.series.interval, Span::from_secs(1), "windows are in seconds");
        points[window].iter().sum()
    }
}

/// A measured length in seconds; NaN, which fails every comparison, without a sample.
pub(crate) fn secs(span: Option<Span>) -> f64 {
    span.map_or(f64::NAN, Span::as_secs_f64)
}

/// A length in seconds as text.
pub(crate) fn span(secs: f64) -> String {
    Span::from_secs_f64(secs).to_string()
}
