//! Statistics over runs: plain numbers in, plain numbers out. Means with Student's t, shares with Wilson's interval,
//! differences of pairs, percentiles.

mod estimate;
mod paired;
mod percentile;
mod share;

pub use estimate::Estimate;
pub use paired::{Paired, holm, mcnemar};
pub use percentile::percentile;
pub use share::ShareEstimate;
