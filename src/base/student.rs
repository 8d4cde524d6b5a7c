//! Student's t distribution: how far a mean of few values may be off.

/// The t that lies inside of 95% of the distribution with so many degrees of freedom (at least 1): 12.7 for one, 2.26
/// for nine, 1.96 in the limit.
pub fn student_95(degrees: usize) -> f64 {
    const SHARE: f64 = 0.95;
    let (mut low, mut high) = (1.9, 13.0);
    while high - low > 1e-10 {
        let middle = (low + high) / 2.0;
        if within(middle, degrees.max(1)) < SHARE { low = middle } else { high = middle }
    }
    (low + high) / 2.0
}

/// The share of the distribution between -t and t, a finite sum for whole degrees of freedom (Abramowitz and Stegun,
/// Handbook of Mathematical Functions, 26.7.3 and 26.7.4).
fn within(t: f64, degrees: usize) -> f64 {
    let nu = degrees as f64;
    let length = (nu + t * t).sqrt();
    let (sin, cos) = (t / length, nu.sqrt() / length);
    let is_odd = degrees % 2 == 1;
    let mut term = if is_odd { cos } else { 1.0 };
    let mut sum = 0.0;
    // Powers of the cosine up to the one below the degrees of freedom.
    let mut power = usize::from(is_odd);
    while power + 2 <= degrees {
        sum += term;
        let n = power as f64;
        term *= cos * cos * (n + 1.0) / (n + 2.0);
        power += 2;
    }
    if is_odd { (libm::atan2(t, nu.sqrt()) + sin * sum) * std::f64::consts::FRAC_2_PI } else { sin * sum }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quantiles_are_those_of_the_tables() {
        for (degrees, t) in [
            (1, 12.7062),
            (2, 4.3027),
            (3, 3.1824),
            (4, 2.7764),
            (5, 2.5706),
            (9, 2.2622),
            (10, 2.2281),
            (19, 2.0930),
            (30, 2.0423),
            (120, 1.9799),
            (100_000, 1.95997),
        ] {
            let got = student_95(degrees);
            assert!((got - t).abs() < 1e-4, "{degrees} degrees of freedom: {got} instead of {t}");
        }
    }
}
