//! The keys of a sweep.

use crate::base::vary::Vary;
use crate::scenario::declare::keys;
use crate::scenario::decode::{Count, List};

keys! {
    /// What `brownout sweep` runs unless its arguments say otherwise: every combination of the values, so and so often. It
    /// changes nothing for any other command.
    SweepKeys is "a sweep" at "sweep" {
        /// What varies, each as a path (or the name of a parameter) and its values: a list, `"load=100/s,200/s,400/s"`, or
        /// evenly spaced from one end to the other, `"load=100/s..500/s:5"`. The first varies slowest. What stands in
        /// parentheses, brackets or quotes is one value: `"think=exp(1s),uniform(1s, 2s)"`.
        vary: List<Vary>, required;
        /// How often each combination runs, with seeds of its own; run number k of every combination has the same.
        replications: Count<1, 1_000_000> = "10";
    }
    later { }
}
