//! The second run of a model, of which nothing is measured: it records what the first one should have.

use std::ops::ControlFlow;

use super::wanted::Ending;
use super::{Tracer, Traces};
use crate::base::time::{Span, Time};
use crate::kernel::wheel::Wheel;
use crate::kernel::{Deed, Engine, Observer, Spent, Watch};
use crate::measure::Results;
use crate::model::Model;
use crate::policy::Outcome;

/// Records those among the slowest, the fastest and the first that failed of all requests that the run of `model` with these
/// `results` did not record, by running it a second time: the same happens again. Nothing happens where nothing is missing
/// or the run was interrupted; where `progress` ends the second one, the traces stay as they are.
pub fn record_missing(model: &Model, results: &mut Results, progress: &mut dyn FnMut(Time) -> ControlFlow<()>) {
    let Some(traces) = results.traces.as_ref().filter(|it| it.is_missing_some() && !results.interrupted) else {
        return;
    };
    let Some(tracer) = Tracer::new(model, &model.edges(), traces.missing.clone()) else { return };
    let mut engine = Engine::<Wheel, Recording>::new(model, Recording { tracer, end: model.end() });
    let end = engine.run(progress);
    if !end.interrupted {
        let medians: Vec<Option<Span>> = results.workloads.iter().map(|it| it.latency.quantile(0.5)).collect();
        results.traces = Some(Box::new(engine.into_observer().tracer.finish(end.at, &medians)));
    }
}

impl Traces {
    fn is_missing_some(&self) -> bool {
        self.missing.iter().any(|starts| !starts.is_empty())
    }
}

struct Recording {
    tracer: Box<Tracer>,
    end: Time,
}

impl Observer for Recording {
    #[inline]
    fn watches(&mut self, frame: u32, now: Time, deed: Deed) -> Watch {
        if self.tracer.watches(frame, now, deed) { Watch::Deeds } else { Watch::Nothing }
    }

    #[inline]
    fn spends(&mut self, frame: u32, now: Time, on: Spent) {
        self.tracer.spends(frame, now, on);
    }

    #[inline]
    fn deed(&mut self, frame: u32, now: Time, deed: Deed) {
        self.tracer.deed(frame, now, deed);
    }

    #[inline]
    fn finished(&mut self, workload: u32, now: Time, arrived: Time, outcome: Outcome) {
        self.tracer.user_ended(workload, now, arrived, Ending::of(outcome));
    }

    fn request_remains(&mut self, workload: u32, arrived: Time) {
        self.tracer.user_ended(workload, self.end, arrived, Ending::Open);
    }
}
