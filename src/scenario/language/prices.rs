//! The keys of prices.

use crate::base::units::Share;
use crate::scenario::declare::keys;

keys! {
    /// What computing costs: the summary then says what a million requests cost, and how many replicas would be enough.
    PricesKeys is "a price list" at "prices" {
        /// In which currency prices are.
        currency: String = "USD";
        /// Price of a core that works for an hour.
        core_hour: f64 = "0";
        /// Price of a replica that is there for an hour, busy or not.
        replica_hour: f64 = "0";
        /// Price of a gigabyte on the network (10^9 bytes); only clients with a `transport` have any.
        gigabyte: f64 = "0";
        /// Price of a gigabyte that goes from one zone to another; that of any other `gigabyte` if absent.
        gigabyte_across: f64;
        /// How busy cores (or threads, where cores are unlimited) should be at most.
        utilisation: Share = "70%";
    }
    later { }
}
