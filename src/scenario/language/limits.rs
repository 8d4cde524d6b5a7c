//! The language of limits: what a replica takes on, and what a client sends.

use crate::base::time::Span;
use crate::base::units::{Rate, Share};
use crate::scenario::declare::keys;
use crate::scenario::decode::{
    BulkheadPreset, Count, HealthPreset, LimitPreset, List, NotZero, PositiveNumber, RateLimitPreset, SlowStartPreset,
};

keys! {
    /// What is taken on at all. With `rate` a token bucket, which time fills and every request empties; with `max` alone
    /// a fixed number of requests at a time; with `preset` a number at a time that learns from how long requests take, or
    /// Envoy's admission control. What is beyond is turned away at once, in front of the queue. In a service each
    /// replica has a limit of its own, which starts afresh with its process; in a client each replica of a caller has one
    /// for each service that it calls (the users of a workload share one), and what is beyond is not sent, and ends
    /// `limited`.
    LimitKeys is "a limit" at "service.NAME.limit" {
        /// A limit that learns, with the defaults of its library; the other keys change them. Netflix concurrency-limits:
        /// "aimd", "vegas", "gradient2"; Envoy: "envoy" (adaptive concurrency), "envoy-admission" (admission control).
        [since "0.2"] preset: LimitPreset;
        /// Token bucket: how fast tokens come, which is what is taken on in the long run.
        rate: Rate;
        /// Token bucket: the most tokens that can be saved, which is what is taken on at once; 10 if absent. It starts
        /// full.
        burst: Count<1>;
        /// The most requests at a time, waiting or in service: all of the limit without `preset`; with "aimd" and
        /// "gradient2" 200, with "vegas" and "envoy" 1000 if absent.
        [since "0.2"] max: Count<1, 1_000_000>;
        /// The fewest at a time: with "aimd" and "gradient2" 20, with "envoy" 3 if absent.
        [since "0.2"] min: Count<1, 1_000_000>;
        /// What "aimd", "vegas" and "gradient2" start with; 20 if absent.
        [since "0.2"] initial: Count<1, 1_000_000>;
        /// What is left of an "aimd" limit after a request that was rejected, cancelled by its deadline, or took longer than
        /// `timeout`; 90% if absent.
        [since "0.2"] backoff: Share;
        /// With "aimd": a request that takes longer counts as dropped; 5 s if absent.
        [since "0.2"] timeout: NotZero<Span>;
        /// With "vegas" and "gradient2": how much of a new limit counts at once; 100% and 20% if absent.
        [since "0.2"] smoothing: Share;
        /// With "vegas": a queue of less than so many times the logarithm of the limit is short; 3 if absent.
        [since "0.2"] alpha: Count<1, 1000>;
        /// With "vegas": a queue of more than so many times the logarithm of the limit is long; 6 if absent.
        [since "0.2"] beta: Count<1, 1000>;
        /// With "gradient2": requests that may wait; 4 if absent.
        [since "0.2"] queue: Count<0, 1_000_000>;
        /// With "gradient2": over how many samples requests take how long in the long run; 600 if absent.
        [since "0.2"] long_window: Count<1, 1_000_000>;
        /// With "gradient2": how many times longer than in the long run requests may take; 1.5 if absent.
        [since "0.2"] tolerance: PositiveNumber;
        /// Over how long a limit looks at once. With "aimd", "vegas" and "gradient2" the window whose mean counts
        /// (Netflix' WindowedLimit), where "0s" is each request by itself: 0 s, 0 s and 1 s if absent. With "envoy" 100 ms,
        /// with "envoy-admission" 30 s.
        [since "0.2"] window: Span;
        /// With "envoy": how much longer than without a queue requests may take; 25% if absent.
        [since "0.2"] buffer: Share;
        /// With "envoy": how long after it was measured the time without a queue is measured again, with `min` requests at
        /// a time; 60 s if absent.
        [since "0.2"] min_rtt_interval: NotZero<Span>;
        /// With "envoy": by up to which part of that it is later, by chance; 15% if absent.
        [since "0.2"] min_rtt_jitter: Share;
        /// With "envoy": which of the times of a window counts; 50%, the median, if absent.
        [since "0.2"] percentile: Share;
        /// With "envoy": with how many requests it is measured; 50 if absent.
        [since "0.2"] min_rtt_requests: Count<1, 1_000_000>;
        /// With "envoy-admission": the share of requests that must succeed; 95% if absent.
        [since "0.2"] success: Share;
        /// With "envoy-admission": 1 reacts in proportion, more turns away sooner; 1 if absent.
        [since "0.2"] aggression: PositiveNumber;
        /// With "envoy-admission": the most that is turned away; 80% if absent.
        [since "0.2"] max_rejection: Share;
        /// With "envoy-admission": with fewer requests a second nobody is turned away; none if absent.
        [since "0.2"] min_rate: Rate;
        /// Of a number at a time: what classes of priorities get for sure, such as
        /// `[{ priority = 7, share = "60%" }, { priority = 0, share = "10%" }]`. While all places are taken, a request still
        /// comes in if its class has less than its share of them.
        [since "0.2"] shares: List<ShareKeys>;
    }
    later { "kind" "target" }
}

keys! {
    /// A class of priorities and its share of a limit.
    ShareKeys is "a share of a limit" at "service.NAME.limit.shares" {
        /// The lowest priority of the class, which goes up to the next class. What is below all classes belongs to the lowest.
        [since "0.2"] priority: Count<0, 9>, required;
        /// The part of the limit that it gets for sure; at least one place.
        [since "0.2"] share: Share, required;
    }
    later { }
}

keys! {
    /// When calls may go. With `limit` and `period` as in resilience4j: so many in each cycle, and what is left over is
    /// lost; a call that finds none takes one of a later cycle beforehand and waits for it; one that would wait longer than
    /// `timeout` sleeps for all of it, and ends `limited`. With `rate` a leaky bucket: calls go one after another, evenly, and
    /// one that would wait longer than `timeout` ends `limited` at once. Each replica of a caller has one for each service
    /// that it calls; the users of a workload share one.
    RateLimitKeys is "a rate limit" at "client.NAME.rate_limit" {
        /// Start from the defaults of a library; the other keys change them.
        [since "0.2"] preset: RateLimitPreset;
        /// Calls in a cycle; 50 if absent.
        [since "0.2"] limit: Count<1, 1_000_000_000>;
        /// How long a cycle is; 1 s if absent, and 500 ns with the preset.
        [since "0.2"] period: NotZero<Span>;
        /// Leaky bucket: how fast calls go.
        [since "0.2"] rate: Rate;
        /// How long a call waits at most; the client's `timeout` starts after it.
        [since "0.2"] timeout: Span = "5s";
    }
    later { }
}

keys! {
    /// How many calls may be under way at a time: with `max` permits, for which one waits in a row, as in resilience4j's
    /// bulkhead and Hystrix' semaphores; with `core` threads of its own, as in resilience4j's thread-pool bulkhead and
    /// Hystrix' pools: first the core is filled, then the queue, then threads are added up to `max`; or, with the presets
    /// "envoy" and "istio", as the limits of a connection pool: `max` requests go, `queue` more wait. A call that finds no
    /// place ends `limited`; the client's `timeout` counts while it waits. Each replica of a caller has one for each service that
    /// it calls; the users of a workload share one.
    BulkheadKeys is "a bulkhead" at "client.NAME.bulkhead" {
        /// Start from the defaults of a library; the other keys change them.
        [since "0.2"] preset: BulkheadPreset;
        /// Calls at a time, 25 if absent; with `core`, threads at most, as many as stay if absent.
        [since "0.2"] max: Count<1, 1_000_000>;
        /// How long a call waits for a permit; not at all if absent. Not with `core`.
        [since "0.2"] max_wait: Span;
        /// Threads that stay.
        [since "0.2"] core: Count<0, 1_000_000>;
        /// With `core`: places in the queue, 100 if absent; of a connection pool, requests that wait for a connection.
        [since "0.2"] queue: Count<0, 1_000_000_000>;
        /// With `core`: how many may stand in the queue at most, however many places it has; all of them if absent, and 5
        /// with the preset "hystrix".
        [since "0.2"] queue_threshold: Count<0, 1_000_000_000>;
        /// Of a connection pool: requests under way at a time over all connections.
        [since "0.2"] requests: Count<1, 4_294_967_295>;
        /// With `core`: how long a thread beyond it stays without a call; 20 ms if absent.
        [since "0.2"] keep_alive: Span;
    }
    later { }
}

keys! {
    /// nginx's passive health check: a replica to which `max_fails` calls of this client could not connect, or which did
    /// not answer them in time, is left out for `fail_timeout`, in whole seconds; then it is tried again, and an answer makes
    /// it whole. While all are left out, calls end `refused`; one that stands alone never is. Each replica of a caller
    /// keeps its own count; the users of a workload share one.
    HealthKeys is "a passive health check" at "client.NAME.health" {
        /// Whose rules and defaults it follows; nginx's if absent.
        preset: HealthPreset;
        /// Failures after which a replica is left out.
        [since "0.2"] max_fails: Count<1, 1_000_000> = "1";
        /// For how long.
        [since "0.2"] fail_timeout: NotZero<Span> = "10s";
    }
    later { }
}

keys! {
    /// Envoy's slow start: a replica that has just come up gets a part of its weight from balancers that look at weights,
    /// which grows with its age: `max(min_weight, (age / window)^(1 / aggression))`.
    SlowStartKeys is "a slow start" at "service.NAME.slow_start" {
        /// Whose rules it follows; Envoy's if absent.
        preset: SlowStartPreset;
        /// After so long it has all of its weight.
        [since "0.2"] window: NotZero<Span>, required;
        /// 1 grows evenly, more grows faster at first.
        [since "0.2"] aggression: PositiveNumber = "1";
        /// It never has less than this part.
        [since "0.2"] min_weight: Share = "10%";
    }
    later { }
}
