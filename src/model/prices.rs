//! What computing costs.

use crate::base::units::Share;

/// Prices, in one currency. What has none costs nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Prices {
    /// Of what: shown behind amounts.
    pub currency: String,
    /// Of a core that works for an hour.
    pub core_hour: f64,
    /// Of a replica that is there for an hour.
    pub replica_hour: f64,
    /// Of a gigabyte (10⁹ bytes) on the network.
    pub gigabyte: f64,
    /// Of one that goes from one zone to another.
    pub gigabyte_across: f64,
    /// How busy replicas should be at most, for those that would be needed.
    pub utilisation: Share,
}
