//! Floor 5: measuring. Observers of the kernel turn what happens into [`Results`]: totals by cohort of
//! arrival, time series by time of the event.

mod latency;
mod results;

pub use latency::Latency;
pub use results::{
    EdgeResult, EdgeSeries, OUTCOMES, Results, Series, ServiceResult, ServiceSeries, WorkloadResult, WorkloadSeries,
};
