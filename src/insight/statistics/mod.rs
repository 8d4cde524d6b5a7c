//! Statistics over runs: plain numbers in, plain numbers out. Means with Student's t, shares with Wilson's interval,
//! differences of pairs and of samples
//! that have none, percentiles, and a `sequential` test that ends as soon as it is sure.

mod estimate;
mod paired;
mod percentile;
mod sequential;
mod share;
mod unpaired;

pub use estimate::Estimate;
pub use paired::{Paired, holm, mcnemar};
pub use percentile::percentile;
pub use sequential::{Sequential, Side};
pub use share::ShareEstimate;
pub use unpaired::{Sample, apart, fisher, unpaired};
