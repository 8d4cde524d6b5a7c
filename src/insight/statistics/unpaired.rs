//! Two samples that have no pairs, such as the runs of a scenario and those of an earlier version with other seeds: how
//! likely a difference as large as theirs is by chance.

use crate::base::student::student_share;

/// What is known of the mean of a sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// How many values it has.
    pub count: usize,
    /// Their mean.
    pub mean: f64,
    /// Standard error of the mean.
    pub error: f64,
}

impl Sample {
    /// Whether all values are the same; what is below a billionth of them comes from the arithmetic.
    pub fn is_constant(&self) -> bool {
        self.error <= 1e-9 * self.mean.abs()
    }
}

/// How likely a difference as large as that of these means is by chance where there is none, two-sided: Student's t, each
/// sample with its own variance, with the degrees of freedom of the smaller sample. Whatever the variances are, that is at
/// least as much as the truth (Mickey and Brown, "Bounds on the distribution functions of the Behrens-Fisher statistic",
/// 1966); Welch's degrees of freedom say far too little where one sample has two or three values. `None` where either has a
/// single value.
///
/// Of two samples that are both constant it says how likely it is that all values of one are above all of the other, as
/// [`apart`] does: two values that are rare may be all that few runs have seen.
pub fn unpaired(one: Sample, other: Sample) -> Option<f64> {
    if one.count < 2 || other.count < 2 {
        return None;
    }
    let moved = (one.mean - other.mean).abs();
    if moved <= 1e-9 * one.mean.abs().max(other.mean.abs()) {
        return Some(1.0);
    }
    if one.is_constant() && other.is_constant() {
        return Some(apart(one.count, other.count));
    }
    let error = (one.error * one.error + other.error * other.error).sqrt();
    Some((1.0 - student_share(moved / error, one.count.min(other.count) - 1)).max(0.0))
}

/// How likely it is by chance that all values of one sample are above all of the other, or below: of all ways to deal so
/// many values out two are so, whatever their distribution.
pub fn apart(one: usize, other: usize) -> f64 {
    (2.0 * libm::exp(-ways(one + other, one))).min(1.0)
}

/// How likely two shares as far apart as `one` and `other`, each so many of so many, are by chance where there is no
/// difference (Fisher's exact test, two-sided: everything that is no likelier than what was found).
pub fn fisher(one: (u32, u32), other: (u32, u32)) -> f64 {
    let [(a, n), (b, m)] = [one, other].map(|(count, of)| (count as usize, of as usize));
    let all = a + b;
    let likely = |a: usize| libm::exp(ways(n, a) + ways(m, all - a) - ways(n + m, all));
    let found = likely(a);
    let sum: f64 = (all.saturating_sub(m)..=all.min(n)).map(likely).filter(|it| *it <= found * (1.0 + 1e-7)).sum();
    sum.min(1.0)
}

/// The logarithm of how many ways there are to choose `some` of `all`.
fn ways(all: usize, some: usize) -> f64 {
    let factorial = |n: usize| libm::lgamma(n as f64 + 1.0);
    factorial(all) - factorial(some) - factorial(all - some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_those_of_fisher() {
        // The lady who tasted tea, two-sided: 34 of 70 ways. One of twelve against nine of twelve: 5 412 of 1 961 256 ways
        // are as unlikely, or more so.
        assert!((fisher((3, 4), (1, 4)) - 34.0 / 70.0).abs() < 1e-12);
        assert!((fisher((1, 12), (9, 12)) - 5_412.0 / 1_961_256.0).abs() < 1e-12);
        assert!((fisher((5, 5), (5, 5)) - 1.0).abs() < 1e-12);
        // Zero of three against 18 of 20: 10 of 1771 ways.
        assert!((fisher((0, 3), (18, 20)) - 10.0 / 1771.0).abs() < 1e-12);
    }

    #[test]
    fn means_are_those_of_student() {
        // 15 and 15 values, means 20.8 and 23.0, variances 7.9 and 3.8: t = 2.491, and with 14 degrees of freedom
        // p = 0.02591.
        let sample = |mean: f64, variance: f64| Sample { count: 15, mean, error: (variance / 15.0_f64).sqrt() };
        let p = unpaired(sample(20.8, 7.9), sample(23.0, 3.8)).unwrap();
        assert!((p - 0.02591).abs() < 1e-5, "{p}");
        assert_eq!(unpaired(Sample { count: 1, mean: 1.0, error: 0.0 }, sample(1.0, 1.0)), None);
    }

    #[test]
    fn constants_are_as_sure_as_there_are_runs() {
        let constant = |mean: f64, count: usize| Sample { count, mean, error: 0.0 };
        assert_eq!(unpaired(constant(0.0, 20), constant(0.0, 20)), Some(1.0));
        // Of 70 ways to deal eight values out in two hands of four, two have all that are large in one.
        assert!((unpaired(constant(0.0, 4), constant(1.0, 4)).unwrap() - 2.0 / 70.0).abs() < 1e-12);
        assert!(apart(20, 20) < 1e-10);
        assert_eq!(apart(1, 1), 1.0);
    }
}
