//! When something began to differ: a change point by cumulative sums.
//!
//! What is looked at is the difference between a run and its twin, bin by bin. Until something goes wrong it is zero to
//! the last bit, because both draw the same numbers; afterwards it is noise until it is more. The sum of what exceeds a
//! drift is kept, never below zero; where it exceeds a height, something has changed, and the change began where the
//! sum last left zero (Page, "Continuous inspection schemes", Biometrika 1954). With a drift of one standard deviation and
//! a height of eight, chance gives an alarm once in e¹⁶ bins.

/// How much is noise, and how much is a change.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Scale {
    /// What may exceed in each bin.
    pub(super) drift: f64,
    /// What may exceed in all.
    pub(super) height: f64,
}

/// Standard deviations of the height.
const HEIGHT_SIGMAS: f64 = 8.0;
/// Bins with a difference that matters before it is a change.
const HEIGHT_BINS: f64 = 3.0;

impl Scale {
    /// For a difference whose standard deviation is `sigma` and of which `matters` is enough to be told.
    pub(super) fn new(sigma: f64, matters: f64) -> Scale {
        let drift = sigma.max(matters / 2.0);
        Scale { drift, height: (HEIGHT_SIGMAS * sigma).max(HEIGHT_BINS * matters / 2.0) }
    }
}

/// The bin in which `difference` began to be more than chance, at `from` or later.
pub(super) fn onset(difference: &[f64], from: usize, scale: Scale) -> Option<usize> {
    let (mut sum, mut began) = (0.0, from);
    for (bin, value) in difference.iter().enumerate().skip(from) {
        if sum <= 0.0 {
            (sum, began) = (0.0, bin);
        }
        sum += value - scale.drift;
        if sum > scale.height {
            return Some(first_sign(difference, from, began, scale));
        }
    }
    None
}

/// The rise to what is more than chance may have begun earlier.
fn first_sign(difference: &[f64], from: usize, began: usize, scale: Scale) -> usize {
    let rises = |bin: usize| difference[bin] > scale.drift / 10.0;
    (from..began).rev().take_while(|bin| rises(*bin)).last().unwrap_or(began)
}

/// Mean and standard deviation.
pub(super) fn moments(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (mut count, mut mean, mut squares) = (0.0, 0.0, 0.0);
    for value in values {
        count += 1.0;
        let off = value - mean;
        mean += off / count;
        squares += off * (value - mean);
    }
    (mean, if count > 1.0 { (squares / (count - 1.0)).sqrt() } else { 0.0 })
}

/// The slope of a line through values at 0, 1, 2, .. and how many of its standard errors it is away from zero.
pub(super) fn slope(values: &[f64]) -> Option<(f64, f64)> {
    let n = values.len() as f64;
    if values.len() < 4 {
        return None;
    }
    let (middle, mean) = ((n - 1.0) / 2.0, values.iter().sum::<f64>() / n);
    let at = |place: usize| place as f64 - middle;
    let spread: f64 = (0..values.len()).map(|place| at(place) * at(place)).sum();
    let slope = values.iter().enumerate().map(|(place, value)| at(place) * (value - mean)).sum::<f64>() / spread;
    let off = |(place, value): (usize, &f64)| value - mean - slope * at(place);
    let rest: f64 = values.iter().enumerate().map(|it| off(it) * off(it)).sum();
    let error = (rest / (n - 2.0) / spread).sqrt();
    let sigmas = if error > 0.0 { slope / error } else { slope.signum() * f64::INFINITY };
    Some((slope, if slope == 0.0 { 0.0 } else { sigmas }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_begins_where_it_begins() {
        let mut difference = vec![0.0; 100];
        difference[60..].iter_mut().for_each(|value| *value = 5.0);
        assert_eq!(onset(&difference, 10, Scale::new(1.0, 1.0)), Some(60));
        assert_eq!(onset(&difference, 70, Scale::new(1.0, 1.0)), Some(70));
        assert_eq!(onset(&difference, 10, Scale::new(6.0, 1.0)), None, "it is less than chance");
    }

    #[test]
    fn a_slow_rise_begins_before_it_matters() {
        let difference: Vec<f64> = (0..100).map(|bin| f64::from((bin - 40).max(0)) * 0.2).collect();
        let found = onset(&difference, 0, Scale::new(1.0, 2.0)).unwrap();
        assert!((41..=42).contains(&found), "{found}");
    }

    #[test]
    fn a_line_has_its_slope() {
        let values: Vec<f64> =
            (0..20).map(|n| 3.0 - 0.5 * f64::from(n) + if n % 2 == 0 { 0.1 } else { -0.1 }).collect();
        let (found, sigmas) = slope(&values).unwrap();
        assert!((found + 0.5).abs() < 0.01 && sigmas < -50.0, "{found} {sigmas}");
        assert_eq!(slope(&[1.0; 10]), Some((0.0, 0.0)));
        assert_eq!(slope(&[1.0; 3]), None);
    }
}
