//! A mean of independent values, and how far it may be off: Student's t.

use serde::Serialize;

use crate::base::student::{student, student_95};

/// A mean over replications.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
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
        let standard_error = (values.len() > 1).then(|| (variance(values) / count).sqrt());
        let half_width = standard_error.map(|error| error * student_95(values.len() - 1));
        Estimate { mean, half_width, standard_error }
    }

    /// Half the width of the interval of a mean over `count` values with another confidence than 95%.
    pub fn half_width_at(&self, confidence: f64, count: usize) -> Option<f64> {
        self.standard_error.map(|error| error * student(confidence, count.saturating_sub(1)))
    }
}

/// The variance of a population of which these are samples: the squares are divided by one less than there are values, of
/// which there are at least two.
pub(super) fn variance(values: &[f64]) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
    squares / (values.len() as f64 - 1.0)
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
        // t of 99% with four degrees of freedom is 4.604.
        assert!((estimate.half_width_at(0.99, 5).unwrap() - 4.6041 * 0.5_f64.sqrt()).abs() < 1e-4);
        assert_eq!(Estimate::of(&[7.0]), Estimate { mean: 7.0, half_width: None, standard_error: None });
    }
}
