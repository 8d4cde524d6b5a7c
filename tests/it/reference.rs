//! Runs of small scenarios, and what tests look at in them.

use std::ops::{ControlFlow, Range};

use brownout::base::time::Span;
use brownout::measure::{Results, ServiceResult, WorkloadResult, simulate};
use brownout::model::Model;
use brownout::scenario::{LoadOptions, load};

/// A scenario that has run.
pub(crate) struct Run {
    pub(crate) model: Model,
    pub(crate) results: Results,
}

impl Run {
    pub(crate) fn of(text: &str) -> Run {
        let model = Run::model(text);
        let results = simulate(&model, &mut |_| ControlFlow::Continue(()));
        Run { model, results }
    }

    /// What would be run.
    pub(crate) fn model(text: &str) -> Model {
        let loaded = load("case.toml", text.as_bytes(), &LoadOptions::default());
        let Some(model) = loaded.model else { panic!("{}", loaded.diagnostics.render(false)) };
        model
    }

    /// The only workload.
    pub(crate) fn users(&self) -> &WorkloadResult {
        &self.results.workloads[0]
    }

    /// The time that totals count, in seconds.
    pub(crate) fn secs(&self) -> f64 {
        self.model.duration.saturating_sub(self.model.warmup).as_secs_f64()
    }

    pub(crate) fn service(&self, name: &str) -> &ServiceResult {
        let index = self.model.services.iter().position(|service| service.name == name);
        &self.results.services[index.unwrap()]
    }

    /// Good answers in a window of seconds.
    pub(crate) fn good(&self, window: Range<usize>) -> u64 {
        assert_eq!(self.results.series.interval, Span::from_secs(1), "windows are in seconds");
        self.results.series.workloads[0].good[window].iter().sum()
    }
}
