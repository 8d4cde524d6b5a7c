//! Hedges with gRPC's retry throttling (gRFC A6): the tokens that stop retries stop hedges, too. Every attempt that fails in
//! a way that another one may heal takes a token, every call that is answered well brings a part of one; while at most half
//! are left, a call sends its first attempt and no other.

use super::{AnyHedge, Hedge};
use crate::base::time::Span;
use crate::policy::retry::{RetryThrottle, RetryThrottleSettings};

/// See the module.
pub struct ThrottledHedge {
    hedge: Box<AnyHedge>,
    throttle: RetryThrottle,
}

impl ThrottledHedge {
    /// `hedge` with a full store of tokens.
    pub fn new(hedge: AnyHedge, settings: RetryThrottleSettings) -> ThrottledHedge {
        ThrottledHedge { hedge: Box::new(hedge), throttle: RetryThrottle::new(settings) }
    }

    /// What is in store.
    pub fn tokens(&self) -> f64 {
        self.throttle.tokens()
    }
}

impl Hedge for ThrottledHedge {
    fn delay(&self) -> Option<Span> {
        self.hedge.delay()
    }

    fn answered(&mut self, latency: Span) {
        self.throttle.succeeded();
        self.hedge.answered(latency);
    }

    fn failed(&mut self) {
        self.throttle.failed();
    }

    fn permits(&self) -> bool {
        self.throttle.permits()
    }
}
