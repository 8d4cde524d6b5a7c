//! Zones: where processes and users stand, and what the network is like between two of them.

use crate::base::distribution::Distribution;
use crate::base::units::{Bandwidth, Share};

use super::id::ZoneId;

/// What a client makes of zones when it balances.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ZoneAware {
    /// Nothing.
    Off,
    /// Calls stay in the caller's zone while somebody is up there.
    Prefer,
    /// They stay there as far as its share of the replicas goes, as in Envoy.
    Envoy,
}

/// The network between two zones, or within one. What it leaves open is as the client says.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// As in the file.
    pub name: String,
    /// Its ends, in either order; no two links have the same. Twice the same zone is the network within it.
    pub between: [ZoneId; 2],
    /// Network time one way.
    pub latency: Option<Distribution>,
    /// How fast it takes bytes.
    pub bandwidth: Option<Bandwidth>,
    /// Chance that a message gets lost and is sent again; less than all.
    pub loss: Option<Share>,
}
