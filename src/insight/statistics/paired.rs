//! Differences of pairs: run `k` of one scenario and run `k` of another one draw the same numbers, so that most of what is
//! chance in one is chance in the other and falls away in their difference.

use crate::base::student::student_share;

use super::Estimate;
use super::estimate::variance;

/// The mean of differences, and what pairing was worth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Paired {
    /// How many pairs there are.
    pub pairs: usize,
    /// Of the second less the first.
    pub difference: Estimate,
    /// How likely a difference as large as this is by chance, where there is none: Student's t of the differences. `None`
    /// of a single pair.
    pub p: Option<f64>,
    /// (variance of the first + variance of the second) ÷ variance of the difference: by so much more runs would be needed
    /// without pairs. `None` of a single pair, and where nothing varies.
    pub gain: Option<f64>,
}

impl Paired {
    /// Of pairs; `None` without any.
    pub fn of(pairs: &[(f64, f64)]) -> Option<Paired> {
        if pairs.is_empty() {
            return None;
        }
        let differences: Vec<f64> = pairs.iter().map(|(first, second)| second - first).collect();
        let several = pairs.len() > 1;
        let is_constant = several && is_constant(&differences, pairs);
        let difference = if is_constant {
            Estimate { mean: differences[0], half_width: Some(0.0), standard_error: Some(0.0) }
        } else {
            Estimate::of(&differences)
        };
        let p = difference.standard_error.map(|error| match (difference.mean, error) {
            (0.0, _) => 1.0,
            (_, 0.0) => 0.0,
            (mean, error) => 1.0 - student_share((mean / error).abs(), pairs.len() - 1),
        });
        let gain = (several && !is_constant).then(|| {
            let [first, second]: [Vec<f64>; 2] =
                [pairs.iter().map(|it| it.0).collect(), pairs.iter().map(|it| it.1).collect()];
            (variance(&first) + variance(&second)) / variance(&differences)
        });
        Some(Paired { pairs: pairs.len(), difference, p, gain: gain.filter(|gain| gain.is_finite()) })
    }
}

/// Whether what differs between differences is below a billionth of what is compared: that comes from the arithmetic.
fn is_constant(differences: &[f64], pairs: &[(f64, f64)]) -> bool {
    let largest = pairs.iter().fold(0.0, |largest: f64, (first, second)| largest.max(first.abs()).max(second.abs()));
    differences.iter().all(|it| (it - differences[0]).abs() <= 1e-9 * largest)
}

/// How likely it is by chance that of all pairs that changed at least so many more changed in one direction than in the
/// other, where neither direction is likelier (McNemar's exact test, two-sided).
pub fn mcnemar(there: u32, back: u32) -> f64 {
    let (few, all) = (there.min(back), there + back);
    // The terms of the binomial distribution, each from the one before; none is too small to be a number, since the first
    // ones are added up as logarithms.
    let mut logarithm = -f64::from(all) * std::f64::consts::LN_2;
    let mut tail = 0.0;
    for k in 0..=few {
        tail += libm::exp(logarithm);
        logarithm += libm::log(f64::from(all - k) / f64::from(k + 1));
    }
    (2.0 * tail).min(1.0)
}

/// Probabilities of chance as they count when so many are looked at together (Holm, "A simple sequentially rejective
/// multiple test procedure", 1979), in the same order. Those below 5% are right together in 95% of all experiments.
pub fn holm(probabilities: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..probabilities.len()).collect();
    order.sort_by(|a, b| probabilities[*a].total_cmp(&probabilities[*b]));
    let mut adjusted = vec![1.0; probabilities.len()];
    let mut least: f64 = 0.0;
    for (rank, place) in order.iter().enumerate() {
        least = least.max(probabilities[*place] * (probabilities.len() - rank) as f64).min(1.0);
        adjusted[*place] = least;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_by_a_constant_is_known_for_sure() {
        // In binary none of these differences is the same as another.
        let paired = Paired::of(&[(0.1, 0.1 + 0.3), (0.2, 0.2 + 0.3), (0.4, 0.4 + 0.3)]).unwrap();
        assert!((paired.difference.mean - 0.3).abs() < 1e-12);
        assert_eq!((paired.difference.half_width, paired.p, paired.gain), (Some(0.0), Some(0.0), None));
        let nearly = Paired::of(&[(0.1, 0.4), (0.2, 0.5), (0.4, 0.7001)]).unwrap();
        assert!(nearly.difference.half_width.unwrap() > 0.0 && nearly.gain.is_some());
    }

    #[test]
    fn what_both_share_falls_away() {
        let pairs = [(10.0, 11.0), (20.0, 21.5), (30.0, 30.5), (40.0, 41.0)];
        let paired = Paired::of(&pairs).unwrap();
        assert_eq!(paired.difference.mean, 1.0);
        // Differences 1, 1.5, 0.5 and 1: a variance of 1/6, a standard error of sqrt(1/24), t = 4.899 with 3 degrees of
        // freedom, for which tables have p = 0.0163.
        assert!((paired.difference.standard_error.unwrap() - (1.0_f64 / 24.0).sqrt()).abs() < 1e-12);
        assert!((paired.p.unwrap() - 0.0163).abs() < 1e-4);
        assert!(paired.gain.unwrap() > 1000.0);
        assert_eq!(Paired::of(&[]), None);
        assert_eq!(Paired::of(&[(1.0, 1.0), (2.0, 2.0)]).unwrap().p, Some(1.0));
        assert_eq!(Paired::of(&[(1.0, 2.0), (2.0, 3.0)]).unwrap().p, Some(0.0));
    }

    #[test]
    fn changes_in_one_direction_are_no_chance() {
        // Of ten changes, none against: 2 / 2^10. Of 12, two against: 2 × (1 + 12 + 66) / 2^12.
        assert!((mcnemar(10, 0) - 2.0 / 1024.0).abs() < 1e-12);
        assert!((mcnemar(2, 10) - 158.0 / 4096.0).abs() < 1e-12);
        assert_eq!(mcnemar(5, 5), 1.0);
        assert_eq!(mcnemar(0, 0), 1.0);
        assert!(mcnemar(0, 3000) < 1e-200);
    }

    #[test]
    fn many_questions_make_each_answer_less_sure() {
        let found = holm(&[0.01, 0.04, 0.03, 0.005]);
        for (found, expected) in found.into_iter().zip([0.03, 0.06, 0.06, 0.02]) {
            assert!((found - expected).abs() < 1e-12, "{found} instead of {expected}");
        }
    }
}
