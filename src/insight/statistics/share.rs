//! A share of runs, and where the true one may lie: Wilson's interval, which stays between 0 and 1 and means something
//! when all or none of the runs are in (Wilson, "Probable inference", 1927).

use serde::Serialize;

/// 95% of the normal distribution lie between this and its negative.
const NORMAL_95: f64 = 1.959_963_984_540_054;

/// So many of so many, with the 95% interval of the share.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ShareEstimate {
    /// So many.
    pub count: u32,
    /// Of so many.
    pub of: u32,
    /// The lower end of the interval.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

impl ShareEstimate {
    /// `count` of `of`; without any run the share may be anything.
    pub fn of(count: u32, of: u32) -> ShareEstimate {
        if of == 0 {
            return ShareEstimate { count, of, low: 0.0, high: 1.0 };
        }
        let (n, share) = (f64::from(of), f64::from(count) / f64::from(of));
        let z2 = NORMAL_95 * NORMAL_95;
        let middle = (share + z2 / (2.0 * n)) / (1.0 + z2 / n);
        let half = NORMAL_95 / (1.0 + z2 / n) * (share * (1.0 - share) / n + z2 / (4.0 * n * n)).sqrt();
        // At the ends the formula is exact, its arithmetic is not.
        let low = if count == 0 { 0.0 } else { (middle - half).max(0.0) };
        let high = if count == of { 1.0 } else { (middle + half).min(1.0) };
        ShareEstimate { count, of, low, high }
    }

    /// The share itself; `None` without any run.
    pub fn share(&self) -> Option<f64> {
        (self.of > 0).then(|| f64::from(self.count) / f64::from(self.of))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_those_of_wilson() {
        // Newcombe, "Two-sided confidence intervals for the single proportion" (1998), table I, method 3.
        for (count, of, low, high) in
            [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)]
        {
            let it = ShareEstimate::of(count, of);
            assert!((it.low - low).abs() < 1e-4 && (it.high - high).abs() < 1e-4, "{it:?}");
        }
        assert_eq!(ShareEstimate::of(20, 20).high, 1.0);
        assert_eq!(ShareEstimate::of(0, 0).share(), None);
    }
}
