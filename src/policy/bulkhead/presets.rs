//! Bulkheads under the names of the libraries that they are of, and their trace.

use crate::base::time::{Span, Time};
use crate::policy::registry::{Assignment, Kind, Preset};
use crate::policy::settings::{Misfit, Parameter, Settings, read_renamed, renamed};
use crate::policy::trace::{Datum, Row, Trace};

use super::{Bulkhead, BulkheadSettings, Entry, PoolSettings, SemaphoreSettings, ThreadPoolSettings};

/// Every bulkhead that has a name.
pub const PRESETS: &[Preset] = &[
    Preset {
        kind: Kind::Bulkhead,
        name: "envoy",
        about: "The limits of a connection pool: 1024 requests go, 1024 more wait, the next one fails at once.",
        rules: &[
            "A request goes while fewer than the limit do; there is no queue for those beyond both limits: they get 503 with \
             `x-envoy-overloaded`, and are never retried.",
            "Who waits does so as long as its caller has patience; the time for one try starts behind the pool.",
            "This is a pool of HTTP/1.1, where a request has a connection for itself. Of HTTP/2, where it has not, only \
             `requests` is a limit, and nobody waits: write it with a `max` above it.",
            "With `requests` below `max` nobody waits: there is a connection, but who takes it finds too many requests.",
            "`max_retries` is the limit of `retry = { preset = \"envoy\" }`.",
            "Every proxy counts for itself.",
        ],
        source: "envoyproxy/envoy: upstream/resource_manager_impl.h, docs circuit_breaking; envoyproxy/data-plane-api, \
                 cluster.proto",
        trace_input: TRACE_INPUT,
        parameters: PoolSettings::parameters,
        trace: |set| traced(PoolSettings::default(), &[], set, BulkheadSettings::Pool),
    },
    Preset {
        kind: Kind::Bulkhead,
        name: "hystrix",
        about: "A pool of ten threads for each group of commands, without a queue.",
        rules: &[
            "The queue is a SynchronousQueue: a call that finds no thread fails at once.",
            "The pool does not grow beyond its core unless allowMaximumSizeToDivergeFromCoreSize is set.",
            "A queue holds five at most, whatever its size, until queueSizeRejectionThreshold is raised too.",
            "The fallbacks of a command have ten permits and no queue: see `fallback_limit` of a client.",
        ],
        source: "Netflix/Hystrix, HystrixThreadPoolProperties, HystrixThreadPool.isQueueSpaceAvailable",
        trace_input: TRACE_INPUT,
        parameters: || renamed(&hystrix_pool(), HYSTRIX_POOL),
        trace: |set| traced(hystrix_pool(), HYSTRIX_POOL, set, BulkheadSettings::Threads),
    },
    Preset {
        kind: Kind::Bulkhead,
        name: "hystrix-semaphore",
        about: "Ten calls at a time in the caller's own threads; nobody waits.",
        rules: &[
            "A timeout does not free the caller's thread: with semaphores Hystrix cannot walk away from a call.",
            "The fallbacks of a command have ten permits and no queue: see `fallback_limit` of a client.",
        ],
        source: "Netflix/Hystrix, HystrixCommandProperties",
        trace_input: TRACE_INPUT,
        parameters: || renamed(&hystrix_semaphore(), HYSTRIX_SEMAPHORE),
        trace: |set| traced(hystrix_semaphore(), HYSTRIX_SEMAPHORE, set, BulkheadSettings::Semaphore),
    },
    Preset {
        kind: Kind::Bulkhead,
        name: "istio",
        about: "Envoy's connection pool as Istio sets it up: without limits, until a DestinationRule sets some.",
        rules: &[
            "`tcp.maxConnections`, `http.http1MaxPendingRequests` and `http.http2MaxRequests` are 2^32-1 each unless they are set.",
            "The rest is Envoy's.",
        ],
        source: "istio/api: networking/v1beta1/destination_rule.proto (ConnectionPoolSettings)",
        trace_input: TRACE_INPUT,
        parameters: || renamed(&istio_pool(), ISTIO_POOL),
        trace: |set| traced(istio_pool(), ISTIO_POOL, set, BulkheadSettings::Pool),
    },
    Preset {
        kind: Kind::Bulkhead,
        name: "resilience4j",
        about: "25 calls at a time in the caller's own threads; nobody waits unless told to.",
        rules: &["Who waits does so in a row: the semaphore is fair."],
        source: "resilience4j/resilience4j@af9e7c97, SemaphoreBulkhead, BulkheadConfig",
        trace_input: TRACE_INPUT,
        parameters: SemaphoreSettings::parameters,
        trace: |set| traced(SemaphoreSettings::default(), &[], set, BulkheadSettings::Semaphore),
    },
    Preset {
        kind: Kind::Bulkhead,
        name: "resilience4j-threads",
        about: "A pool of as many threads as there are processors, and a queue of a hundred; here for four processors.",
        rules: &[
            "First the core is filled, then the queue, and only then there are more threads, as Java's ThreadPoolExecutor has it.",
            "A call that finds the queue full gets a new thread, and so starts before those that wait in it.",
        ],
        source: "resilience4j/resilience4j@af9e7c97, FixedThreadPoolBulkhead, ThreadPoolBulkheadConfig",
        trace_input: TRACE_INPUT,
        parameters: ThreadPoolSettings::parameters,
        trace: |set| traced(ThreadPoolSettings::default(), &[], set, BulkheadSettings::Threads),
    },
];

fn hystrix_pool() -> ThreadPoolSettings {
    ThreadPoolSettings { core: 10, max: 10, queue: 0, queue_threshold: Some(5), keep_alive: Span::from_secs(60) }
}

fn hystrix_semaphore() -> SemaphoreSettings {
    SemaphoreSettings { max: 10, max_wait: Span::ZERO }
}

fn istio_pool() -> PoolSettings {
    PoolSettings { max: u32::MAX, queue: u32::MAX, requests: u32::MAX }
}

/// What Istio calls our parameters.
const ISTIO_POOL: &[(&str, &str)] =
    &[("max", "tcp.maxConnections"), ("queue", "http.http1MaxPendingRequests"), ("requests", "http.http2MaxRequests")];

/// What Hystrix calls our parameters; an empty name is one that it has not, or in a unit that we have not.
const HYSTRIX_POOL: &[(&str, &str)] = &[
    ("core", "coreSize"),
    ("max", "maximumSize"),
    ("queue", "maxQueueSize"),
    ("queue_threshold", "queueSizeRejectionThreshold"),
    ("keep_alive", ""),
];
const HYSTRIX_SEMAPHORE: &[(&str, &str)] = &[("max", "execution.isolation.semaphore.maxConcurrentRequests")];

impl BulkheadSettings {
    /// The settings that the library `name` ships with.
    pub fn preset(name: &str) -> Option<BulkheadSettings> {
        match name {
            "envoy" => Some(BulkheadSettings::Pool(PoolSettings::default())),
            "istio" => Some(BulkheadSettings::Pool(istio_pool())),
            "hystrix" => Some(BulkheadSettings::Threads(hystrix_pool())),
            "hystrix-semaphore" => Some(BulkheadSettings::Semaphore(hystrix_semaphore())),
            "resilience4j" => Some(BulkheadSettings::Semaphore(SemaphoreSettings::default())),
            "resilience4j-threads" => Some(BulkheadSettings::Threads(ThreadPoolSettings::default())),
            _ => None,
        }
    }
}

const TRACE_INPUT: &str = r#"[
  { "t_ms": 0, "op": "enter", "times": 12 },
  { "t_ms": 5, "op": "leave", "times": 2 }
]
So many calls come, or so many that are in end. The answer is what became of each that came (`entered`, `new_thread`,
`waits`, `rejected`), and how many are in and wait then."#;

fn traced<S: Settings>(
    mut settings: S,
    theirs: &[(&'static str, &'static str)],
    set: &[Assignment<'_>],
    wrap: fn(S) -> BulkheadSettings,
) -> Result<Box<dyn Trace>, Misfit> {
    let parameters: Vec<Parameter> = if theirs.is_empty() { S::parameters() } else { renamed(&settings, theirs) };
    for (name, text) in set {
        read_renamed(&mut settings, &parameters, name, text)?;
    }
    Ok(Box::new(BulkheadTrace {
        bulkhead: Bulkhead::new(&wrap(settings)),
        now: Time::ZERO,
        calls: 0,
        inside: 0,
        waiting: Vec::new(),
    }))
}

struct BulkheadTrace {
    bulkhead: Bulkhead<u32>,
    now: Time,
    calls: u32,
    inside: u32,
    /// Who waits, and until when.
    waiting: Vec<(u32, Time)>,
}

impl BulkheadTrace {
    fn enter(&mut self) -> &'static str {
        self.calls += 1;
        match self.bulkhead.enter(self.now, self.calls, |_| true) {
            Entry::Entered { is_new } => {
                self.inside += 1;
                if is_new { "new_thread" } else { "entered" }
            }
            Entry::Waits(until) => {
                self.waiting.push((self.calls, until));
                "waits"
            }
            Entry::Rejected => "rejected",
        }
    }

    fn leave(&mut self) -> Result<(), String> {
        self.inside = self.inside.checked_sub(1).ok_or("nobody is in who could leave")?;
        if let Some(next) = self.bulkhead.leave(self.now, |_| true) {
            self.inside += 1;
            self.waiting.retain(|(call, _)| *call != next);
        }
        Ok(())
    }
}

impl Trace for BulkheadTrace {
    fn step(&mut self, step: &Datum) -> Result<Row, String> {
        self.now = step.time(Time::ZERO).unwrap_or(self.now).max(self.now);
        let (now, bulkhead) = (self.now, &mut self.bulkhead);
        let mut timed_out = 0u32;
        self.waiting.retain(|(call, until)| {
            let stays = *until > now;
            if !stays {
                bulkhead.withdraw(*call);
                timed_out += 1;
            }
            stays
        });
        let times = step.get("times").and_then(Datum::count).unwrap_or(1);
        let mut found = Vec::new();
        match step.get("op").and_then(Datum::text) {
            Some("enter") => found.extend((0..times).map(|_| Datum::from(self.enter()))),
            Some("leave") => (0..times).try_for_each(|_| self.leave())?,
            Some("observe") => {}
            _ => return Err("the `op` of a step is `enter`, `leave` or `observe`".to_owned()),
        }
        Ok(vec![
            ("inside", self.inside.into()),
            ("waiting", (self.waiting.len() as u32).into()),
            ("timed_out", timed_out.into()),
            ("calls", Datum::List(found)),
        ])
    }
}
