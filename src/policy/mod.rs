//! Floor 1: policies. A policy decides and nothing else: it is *told* (a call started, an attempt ended,
//! a replica came or went) and *asked* (may this call go? again after which delay? which replica?).
//! It never schedules; the kernel alone turns answers into events. So the same code runs in the
//! kernel, under its test vectors and on its own.
//!
//! Every policy that has a name is in the [`registry`]; adding one takes one new file and one registry line.

pub mod balance;
pub mod breaker;
pub mod bulkhead;
pub mod hedge;
pub mod hikari;
pub mod limit;
pub mod order;
pub mod outlier;
pub mod queue;
pub mod rate;
pub mod registry;
pub mod retry;
pub mod settings;
pub mod throttle;
pub mod trace;

/// How an attempt ended, as its caller sees it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum Outcome {
    /// Answered well.
    Ok,
    /// Answered with an error: the handler failed, or something it needs did.
    Error,
    /// Not answered within the caller's timeout.
    Timeout,
    /// Turned away by a full queue or a limit.
    Rejected,
    /// Nobody there: the replica is down, or went down with the request in its hands.
    Refused,
    /// Not sent: the caller's circuit breaker is open.
    ShortCircuited,
    /// Given up because the propagated deadline had passed.
    Expired,
    /// Withdrawn by its caller, who was himself told to stop, or had the answer to another attempt.
    Cancelled,
    /// Not sent: the caller's throttle held it back.
    Throttled,
    /// Not sent: the caller's rate limit, bulkhead or limit let no more go.
    Limited,
}

/// Several outcomes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Outcomes(u16);

impl Outcomes {
    /// All of them.
    pub const ALL: Outcomes = Outcomes(u16::MAX);
    /// None of them.
    pub const NONE: Outcomes = Outcomes(0);
    /// The server has not taken the request on: gRPC's `UNAVAILABLE`, HTTP's 503, or no connection.
    pub const UNAVAILABLE: Outcomes = Outcomes::of(&[Outcome::Rejected, Outcome::Refused]);
    /// The handler has not run: it is safe to ask again whatever the request does.
    pub const NOT_PROCESSED: Outcomes = Outcomes::of(&[
        Outcome::Rejected,
        Outcome::Refused,
        Outcome::ShortCircuited,
        Outcome::Throttled,
        Outcome::Limited,
    ]);

    /// These.
    pub const fn of(outcomes: &[Outcome]) -> Outcomes {
        let (mut set, mut n) = (0, 0);
        while n < outcomes.len() {
            set |= 1 << outcomes[n] as u16;
            n += 1;
        }
        Outcomes(set)
    }

    /// Those that are in both.
    pub const fn and(self, other: Outcomes) -> Outcomes {
        Outcomes(self.0 & other.0)
    }

    /// Whether `outcome` is one of them.
    #[inline]
    pub const fn has(self, outcome: Outcome) -> bool {
        self.0 & (1 << outcome as u16) != 0
    }
}

impl Outcome {
    /// Every outcome, in the order of their numbers.
    pub const ALL: [Outcome; 10] = [
        Outcome::Ok,
        Outcome::Error,
        Outcome::Timeout,
        Outcome::Rejected,
        Outcome::Refused,
        Outcome::ShortCircuited,
        Outcome::Expired,
        Outcome::Cancelled,
        Outcome::Throttled,
        Outcome::Limited,
    ];

    /// Those for which an attempt can fail, with what they are called in HTTP and in gRPC, where they are statuses at all.
    pub const FAILURES: [(Outcome, &'static str, &'static str); 8] = [
        (Outcome::Error, "500 Internal Server Error", "INTERNAL"),
        (Outcome::Timeout, "no status: the client gives up", "DEADLINE_EXCEEDED"),
        (Outcome::Rejected, "503 Service Unavailable, or 429", "UNAVAILABLE, or RESOURCE_EXHAUSTED"),
        (Outcome::Refused, "no status: connection refused or reset; 503 of a proxy", "UNAVAILABLE"),
        (Outcome::Expired, "no status", "DEADLINE_EXCEEDED"),
        (Outcome::ShortCircuited, "never sent", "never sent"),
        (Outcome::Throttled, "never sent", "never sent"),
        (Outcome::Limited, "never sent", "never sent"),
    ];

    /// Whether the caller got what it asked for.
    #[inline]
    pub const fn is_ok(self) -> bool {
        matches!(self, Outcome::Ok)
    }

    /// Whether the attempt left its caller.
    #[inline]
    pub const fn is_sent(self) -> bool {
        !matches!(self, Outcome::ShortCircuited | Outcome::Throttled | Outcome::Limited)
    }

    /// Whether the callee took the request on, for all that a throttle can know: an error is an answer. One that was
    /// withdrawn counts, too: nobody has turned it away.
    #[inline]
    pub const fn is_accepted(self) -> bool {
        matches!(self, Outcome::Ok | Outcome::Error | Outcome::Cancelled)
    }

    /// The name in tables and data files.
    pub const fn name(self) -> &'static str {
        match self {
            Outcome::Ok => "ok",
            Outcome::Error => "error",
            Outcome::Timeout => "timeout",
            Outcome::Rejected => "rejected",
            Outcome::Refused => "refused",
            Outcome::ShortCircuited => "short_circuited",
            Outcome::Expired => "expired",
            Outcome::Cancelled => "cancelled",
            Outcome::Throttled => "throttled",
            Outcome::Limited => "limited",
        }
    }
}
