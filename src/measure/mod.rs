//! Floor 5: measuring. Observers of the kernel turn what happens into [`Results`]: totals by cohort of
//! arrival, time series by time of the event.

mod confidence;
mod histogram;
mod latency;
mod level;
mod meter;
mod meters;
mod recorder;
mod resources;
mod results;
mod window;

use std::ops::ControlFlow;

pub use confidence::{
    Confidence, EdgeConfidence, NoConfidence, ServiceConfidence, Transient, WorkloadConfidence, confidence, transient,
};
pub use latency::Latency;
pub use results::{
    CacheResult, CacheSeries, EdgeResult, EdgeSeries, OUTCOMES, PoolResult, PoolSeries, Results, Series, ServiceResult,
    ServiceSeries, WorkloadResult, WorkloadSeries,
};

use crate::base::time::Time;
use crate::kernel::wheel::Wheel;
use crate::model::Model;

/// Runs `model` and measures it. `progress` is told the simulated time at every point of the series (and now and
/// then when time stands still); `Break` ends the run early, with what there is.
pub fn simulate(model: &Model, progress: &mut dyn FnMut(Time) -> ControlFlow<()>) -> Results {
    meter::measure::<Wheel>(model, progress)
}
