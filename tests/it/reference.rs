//! Runs of small scenarios, and what tests look at in them.

use std::ops::{ControlFlow, Range};

use brownout::base::time::Span;
use brownout::insight::{self, Insight};
use brownout::measure::{Results, ServiceResult, WorkloadResult, simulate};
use brownout::model::{Model, Verdict};
use brownout::report::Input;
use brownout::report::story::{self, Story};
use brownout::scenario::{LoadOptions, load};

/// A scenario that has run.
pub(crate) struct Run {
    pub(crate) model: Model,
    pub(crate) results: Results,
}

/// A scenario that has run beside its twin.
pub(crate) struct Told {
    pub(crate) model: Model,
    pub(crate) results: Results,
    pub(crate) twin: Option<Results>,
    pub(crate) insight: Insight,
}

impl Told {
    /// The scenario `name` with the text `text`.
    pub(crate) fn of(name: &str, text: &str, options: &LoadOptions) -> Told {
        let loaded = load(name, text.as_bytes(), options);
        let Some(model) = loaded.model else { panic!("{}", loaded.diagnostics.render(false)) };
        let simulated = |model: &Model| simulate(model, &mut |_| ControlFlow::Continue(()));
        let mut results = simulated(&model);
        let twin = insight::twin(&model).map(|twin| simulated(&twin));
        let insight = insight::explain(&model, &results, twin.as_ref()).expect("a whole run has a story");
        insight::answer(&model, &mut results, twin.as_ref(), Some(&insight));
        Told { model, results, twin, insight }
    }

    pub(crate) fn verdict(&self) -> Verdict {
        self.insight.judgement.verdict
    }

    /// The short story, as a terminal shows it.
    pub(crate) fn text(&self, whole: bool) -> String {
        story::story(&self.story(), whole, false, 100)
    }

    pub(crate) fn story(&self) -> Story {
        let (twin, insight) = (self.twin.as_ref(), Some(&self.insight));
        let input = Input { model: &self.model, results: &self.results, hash: "", version: "", twin, insight };
        Story::of(&input).unwrap()
    }
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
