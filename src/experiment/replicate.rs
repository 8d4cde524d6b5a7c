//! Replications: the same run with other seeds, and what their mean is worth.

use rayon::prelude::*;

use crate::base::student::student_95;

/// Calls `run` with `count` seeds from `seed` on, in parallel; returns what it returned in the order of the seeds.
///
/// Neighbouring seeds are independent: every draw comes from a hash of its seed and its purpose. So replication `k` is
/// the run with the seed `seed + k`, and anybody can look at it alone.
pub fn replicate<T: Send>(seed: u64, count: u32, run: impl Fn(u64) -> T + Sync) -> Vec<T> {
    (0..count).into_par_iter().with_max_len(1).map(|n| run(seed.wrapping_add(u64::from(n)))).collect()
}

/// A mean over replications.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The mean.
    pub mean: f64,
    /// The mean is off by at most so much, with a confidence of 95%: Student's t. `None` for a single replication.
    pub half_width: Option<f64>,
    /// Standard deviation of the mean. `None` for a single replication.
    pub standard_error: Option<f64>,
}

impl Estimate {
    /// The mean of independent values, of which there is at least one.
    pub fn of(values: &[f64]) -> Estimate {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
        let standard_error = (values.len() > 1).then(|| (squares / (count - 1.0) / count).sqrt());
        let half_width = standard_error.map(|error| error * student_95(values.len() - 1));
        Estimate { mean, half_width, standard_error }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_is_that_of_a_textbook() {
        let estimate = Estimate::of(&[1.0, 2.0, 3.0, 4.0, 5.0]);
        assert_eq!(estimate.mean, 3.0);
        assert!((estimate.standard_error.unwrap() - 0.5_f64.sqrt()).abs() < 1e-12);
        assert!((estimate.half_width.unwrap() - 1.9632).abs() < 1e-4);
        assert_eq!(Estimate::of(&[7.0]), Estimate { mean: 7.0, half_width: None, standard_error: None });
    }

    #[test]
    fn seeds_are_counted_from_the_first_and_keep_their_order() {
        assert_eq!(replicate(5, 4, |seed| seed * 10), [50, 60, 70, 80]);
        assert_eq!(replicate(u64::MAX, 2, |seed| seed), [u64::MAX, 0]);
    }
}
