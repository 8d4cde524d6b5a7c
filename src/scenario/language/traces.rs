//! The keys of traces.

use crate::scenario::declare::keys;
use crate::scenario::decode::Count;

keys! {
    /// Which requests are traced: what happened to them where and when, to look at with `brownout trace`. Recorded are, of
    /// each workload, as many of the first requests as `sample` says, then every second, fourth and so on, as the sample
    /// becomes thinner, but none of the warm-up; it depends on its number alone, counted from there, whether a request is
    /// recorded. Which ones are the slowest, and which fail, is known too late for that: `brownout run` runs the scenario
    /// once more, measuring nothing, and records those. Of what is recorded so much is kept; `traces = "none"` records
    /// nothing:
    TracesKeys is "a choice of traces" at "traces" {
        /// Of each workload so many at most, spread evenly by count over the run.
        sample: Count<0, 10000> = "100";
        /// So many of the slowest of each workload.
        slowest: Count<0, 10000> = "10";
        /// So many of each workload that failed, the first ones.
        failed: Count<0, 10000> = "10";
        /// Whether these are those of all requests. `false` saves the second run: then they are those among the
        /// recorded, which are the first 256 and at least every 256th.
        exact: bool = "true";
    }
    later { }
}
