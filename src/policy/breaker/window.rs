//! The last results of a breaker: a ring of two bits each, with running sums.

/// The last `size` results: whether each failed and whether each was slow.
#[derive(Clone, Debug)]
pub struct ResultWindow {
    /// Failed and slow bits of 64 results each.
    ring: Box<[(u64, u64)]>,
    size: u32,
    /// Where the next result goes.
    next: u32,
    calls: u32,
    failed: u32,
    slow: u32,
}

impl ResultWindow {
    /// An empty window for `size` results; a size of 0 is taken as 1.
    pub fn new(size: u32) -> ResultWindow {
        let size = size.max(1);
        let ring = vec![(0, 0); size.div_ceil(64) as usize].into_boxed_slice();
        ResultWindow { ring, size, next: 0, calls: 0, failed: 0, slow: 0 }
    }

    /// Empties it, and makes it hold `size` results. Keeps its memory where that suffices.
    pub fn reset(&mut self, size: u32) {
        let size = size.max(1);
        if size.div_ceil(64) as usize > self.ring.len() {
            *self = ResultWindow::new(size);
            return;
        }
        self.ring.fill((0, 0));
        *self = ResultWindow { ring: std::mem::take(&mut self.ring), size, next: 0, calls: 0, failed: 0, slow: 0 };
    }

    /// Adds a result; the oldest one leaves when the window is full.
    #[inline]
    pub fn record(&mut self, failed: bool, slow: bool) {
        let bit = self.next % 64;
        let (failed_bits, slow_bits) = &mut self.ring[(self.next / 64) as usize];
        // A window that is not yet full holds zeros in the places to come.
        let left = ((*failed_bits >> bit & 1) as u32, (*slow_bits >> bit & 1) as u32);
        *failed_bits = *failed_bits & !(1 << bit) | u64::from(failed) << bit;
        *slow_bits = *slow_bits & !(1 << bit) | u64::from(slow) << bit;
        self.failed = self.failed + u32::from(failed) - left.0;
        self.slow = self.slow + u32::from(slow) - left.1;
        self.calls = (self.calls + 1).min(self.size);
        self.next = if self.next + 1 == self.size { 0 } else { self.next + 1 };
    }

    /// Results in the window.
    pub fn calls(&self) -> u32 {
        self.calls
    }

    /// Failed ones among them.
    pub fn failed(&self) -> u32 {
        self.failed
    }

    /// Percentage of failures and percentage of slow calls; `None` below `minimum` results. In 32-bit floats, because
    /// a threshold is met or missed by their rounding in the library whose rule this is.
    #[inline]
    pub fn rates(&self, minimum: u32) -> Option<(f32, f32)> {
        let rate = |n: u32| n as f32 * 100.0 / self.calls as f32;
        (self.calls >= minimum.max(1)).then(|| (rate(self.failed), rate(self.slow)))
    }
}
