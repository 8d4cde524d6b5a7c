//! Shared resources: pools of permits that are held across steps, and caches.

use crate::base::time::Span;
use crate::base::units::Share;

use super::service::Limit;

/// Permits that are held across steps and remote calls: connections, locks, semaphores.
#[derive(Clone, Debug, PartialEq)]
pub struct SharedPool {
    /// As in the file.
    pub name: String,
    /// Permits of one instance; at least 1.
    pub size: u32,
    /// How many may wait for one.
    pub queue: Limit,
    /// How long one waits; `None` is for ever.
    pub acquire_timeout: Option<Span>,
    /// How many instances there are.
    pub scope: Scope,
    /// Nobody waits: all go on, and at the end of the steps fails whoever finds that another has finished his since
    /// (optimistic concurrency). The size and the queue do not count.
    pub is_optimistic: bool,
}

/// Whose a resource is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scope {
    /// Each replica that uses it has one.
    Replica,
    /// All replicas have the same.
    Shared,
    /// Each key of requests has one, the same for all replicas. Only pools.
    Key,
}

/// What is remembered, so that it need not be fetched again.
#[derive(Clone, Debug, PartialEq)]
pub struct Cache {
    /// As in the file.
    pub name: String,
    /// How it decides.
    pub store: CacheStore,
}

/// How a cache decides what it has.
#[derive(Clone, Debug, PartialEq)]
pub enum CacheStore {
    /// By chance, each time anew.
    Ratio(Share),
    /// Really: it holds keys and forgets the one that was used longest ago.
    Lru {
        /// How many keys it holds.
        capacity: Limit,
        /// How long it keeps one.
        ttl: Option<Ttl>,
        /// Whose it is; never [`Scope::Key`].
        scope: Scope,
        /// Whose answers it takes.
        fill: CacheFill,
        /// Whether those who miss a key that is being fetched wait for it, and share what becomes of it.
        coalesce: bool,
        /// What it holds at the start.
        start: CacheStart,
        /// How many keys there are to hold.
        keys: u32,
    },
}

/// How long a cache keeps a key.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Ttl {
    /// From when it was filled.
    pub length: Span,
    /// Whether a hit starts the time anew.
    pub is_sliding: bool,
    /// After that it is still answered for as long, while it is fetched in the background.
    pub stale: Span,
    /// Who finds a key before it expires fetches it by chance, the likelier the nearer that is (XFetch): its β. Zero is
    /// never.
    pub early: f64,
}

/// Whose answers a cache takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CacheFill {
    /// Only of those for whom somebody still waits.
    InTime,
    /// Anybody's.
    Late,
}

/// What a cache holds at the start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CacheStart {
    /// Nothing.
    Cold,
    /// As many keys as it can, the hottest ones, of all ages.
    Warm,
}
