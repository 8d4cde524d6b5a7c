//! A hedge after a quantile of recent latencies, as in J. Dean and L. A. Barroso, The tail at scale, CACM 56(2), 2013:
//! who waits longer than 95 of 100 others sends a second request, which makes about 5% more of them.
//!
//! Latencies are those of calls, from their first attempt to the first good answer: a hedge can shorten only what was
//! longer than the delay before, so that it hardly moves the quantile that it is sent after.

use crate::base::time::Span;
use crate::base::units::Share;

use super::Hedge;

/// Answers that are remembered.
const WINDOW: usize = 1_000;
/// The quantile is worked out anew after so many answers, and is not known before there are as many.
const EVERY: usize = 100;

/// See the module.
#[derive(Clone, Debug)]
pub struct RecentQuantile {
    share: Share,
    /// The last answers, in a ring once it is full.
    latencies: Vec<Span>,
    next: usize,
    /// To sort in.
    scratch: Vec<Span>,
    quantile: Option<Span>,
}

impl RecentQuantile {
    /// One that has seen no answer yet.
    pub fn new(share: Share) -> RecentQuantile {
        RecentQuantile { share, latencies: Vec::new(), next: 0, scratch: Vec::new(), quantile: None }
    }

    /// The least latency that at least the share of what is remembered does not exceed.
    fn work_out(&mut self) -> Span {
        self.scratch.clone_from(&self.latencies);
        let rank = libm::ceil(self.share.as_f64() * self.scratch.len() as f64) as usize;
        let place = rank.clamp(1, self.scratch.len()) - 1;
        *self.scratch.select_nth_unstable(place).1
    }
}

impl Hedge for RecentQuantile {
    fn delay(&self) -> Option<Span> {
        self.quantile
    }

    fn answered(&mut self, latency: Span) {
        if self.latencies.len() < WINDOW {
            self.latencies.push(latency);
        } else {
            self.latencies[self.next] = latency;
        }
        self.next = (self.next + 1) % WINDOW;
        if self.next.is_multiple_of(EVERY) {
            self.quantile = Some(self.work_out());
        }
    }
}
