//! Floor 5: measuring. Observers of the kernel turn what happens into [`Results`]: totals by cohort of
//! arrival, time series by time of the event.

mod batches;
mod causes;
mod confidence;
mod histogram;
mod latency;
mod level;
mod message_causes;
mod messaging;
mod meter;
mod meters;
mod paths;
mod recorder;
mod resilience;
mod resources;
mod results;
mod spread;
mod stream;
mod sums;
mod traces;
mod transport;
mod window;

use std::ops::ControlFlow;

pub use batches::{Batches, NoConfidence, PerBatch, half_width, together};
pub use causes::{Causes, EdgeBin, Failures, ServiceBin, WorkloadBin};
pub use confidence::{
    CacheConfidence, Confidence, ConnectionConfidence, ConsumerConfidence, EdgeConfidence, FailureConfidence,
    GroupConfidence, MessageConfidence, MessageCpuConfidence, MessagingConfidence, PathConfidence, PoolConfidence,
    RequestTimeConfidence, ServiceConfidence, SessionConfidence, StreamConfidence, TopicConfidence, Transient,
    TransportConfidence, WorkloadConfidence, confidence, transient,
};
pub use latency::Latency;
pub use message_causes::{ConsumerBin, GroupBin, MessageCauses, TopicBin};
pub use messaging::{
    ConsumerResult, EffectResult, FATES, GroupResult, GroupSeries, HotPartition, MessagingResults, PartitionResult,
    TopicResult, TopicSeries,
};
pub use paths::{PARTS, PathResult};
pub use resilience::{EjectionResult, FallbackResult, ResilienceResults};
pub use results::{
    CacheResult, CacheSeries, ConnectionResult, ConnectionSeries, EdgeMessages, EdgeResult, EdgeSeries, LimitResult,
    OUTCOMES, PoolResult, PoolSeries, Results, Series, ServiceMessages, ServiceResult, ServiceSeries, SessionResult,
    SessionSeries, StreamMessages, TransportResults, WorkloadResult, WorkloadSeries,
};
pub use spread::SpreadResult;
pub use sums::{
    CacheSums, EdgeSums, FailureSeries, LengthSeries, MessageCpuSums, MessageSums, PathSums, PoolSums, ServiceSums,
    StreamSums, Sums,
};

pub use traces::{
    Chosen, Kept, Moment, Phase, SpanKind, SpanLink, SpanOutcome, Trace, TraceEvent, TraceSpan, Traces, record_missing,
};

use crate::base::time::Time;
use crate::kernel::wheel::Wheel;
use crate::model::Model;

/// What of a run is measured.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Detail {
    /// Everything.
    All,
    /// Everything but what the story is told from and single requests: [`Results::causes`] and [`Results::traces`] stay empty.
    Numbers,
    /// What its expectations ask, and counts. Latencies of the totals and of the series stay empty.
    Expectations,
}

/// Runs `model` and measures it. `progress` is told the simulated time at every point of the series (and now and
/// then when time stands still); `Break` ends the run early, with what there is.
pub fn simulate(model: &Model, progress: &mut dyn FnMut(Time) -> ControlFlow<()>) -> Results {
    measure(model, Detail::All, progress)
}

/// Runs `model` as [`simulate`] does and measures so much of it.
pub fn measure(model: &Model, detail: Detail, progress: &mut dyn FnMut(Time) -> ControlFlow<()>) -> Results {
    meter::measure::<Wheel>(model, detail, progress)
}
