//! The limits of Envoy's connection pools (its "circuit breakers"), and Istio's: so many requests go, so many more wait for
//! one of them to end, and whoever finds both full fails at once.

use crate::policy::settings::settings;

use super::ThreadPoolSettings;

settings! {
    /// The limits of a connection pool; the default is Envoy's.
    pub struct PoolSettings {
        /// Requests under way at a time, each on a connection of its own as in HTTP/1.1; at least 1.
        max: u32 = 1024, "max_connections";
        /// Requests that may wait for one of them.
        queue: u32 = 1024, "max_pending_requests";
        /// Requests under way at a time over all connections: one that finds a connection but not this fails at once.
        requests: u32 = 1024, "max_requests";
    }
}

impl PoolSettings {
    /// The same as threads of which none is ever beyond the core.
    pub(super) fn as_threads(&self) -> ThreadPoolSettings {
        let (max, queue) = (self.max, self.queue);
        // With fewer requests than connections nobody ever waits: there is always a connection, and never a request.
        match self.requests < max {
            true => ThreadPoolSettings {
                core: self.requests,
                max: self.requests,
                queue: 0,
                ..ThreadPoolSettings::default()
            },
            false => ThreadPoolSettings { core: max, max, queue, ..ThreadPoolSettings::default() },
        }
    }
}
