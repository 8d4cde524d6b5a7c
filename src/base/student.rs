//! Student's t distribution: how far a mean of few values may be off.

/// The t that lies inside of 95% of the distribution with so many degrees of freedom (at least 1): 12.7 for one, 2.26
/// for nine, 1.96 in the limit.
pub fn student_95(degrees: usize) -> f64 {
    between(1.9, 13.0, 0.95, degrees)
}

/// The t with `confidence` (above 0 and below 1) of the distribution between -t and t.
pub fn student(confidence: f64, degrees: usize) -> f64 {
    let mut high = 16.0;
    // No wider than numbers are sure of themselves.
    while student_share(high, degrees) < confidence && high < 1e9 {
        high *= 2.0;
    }
    between(0.0, high, confidence, degrees)
}

fn between(mut low: f64, mut high: f64, confidence: f64, degrees: usize) -> f64 {
    while high - low > 1e-10 {
        let middle = low.midpoint(high);
        // The ends may become neighbours.
        if middle <= low || middle >= high {
            break;
        }
        if student_share(middle, degrees) < confidence { low = middle } else { high = middle }
    }
    low.midpoint(high)
}

/// From so many degrees of freedom on the distribution is that of this many: 1.95999 instead of the 1.95996 of the normal
/// distribution is the width of 95% then.
const DEGREES_MAX: usize = 100_000;

/// The share of the distribution between -t and t, a finite sum for whole degrees of freedom (Abramowitz and Stegun,
/// Handbook of Mathematical Functions, 26.7.3 and 26.7.4).
pub fn student_share(t: f64, degrees: usize) -> f64 {
    let degrees = degrees.clamp(1, DEGREES_MAX);
    let nu = degrees as f64;
    let length = (nu + t * t).sqrt();
    let (sin, cos) = (t / length, nu.sqrt() / length);
    let is_odd = degrees % 2 == 1;
    let mut term = if is_odd { cos } else { 1.0 };
    let mut sum = 0.0;
    // Powers of the cosine up to the one below the degrees of freedom. Terms fall: what is left out at the end is nothing.
    let mut power = usize::from(is_odd);
    while power + 2 <= degrees && term > 1e-18 * sum {
        sum += term;
        let n = power as f64;
        term *= cos * cos * (n + 1.0) / (n + 2.0);
        power += 2;
    }
    let share = if is_odd { (libm::atan2(t, nu.sqrt()) + sin * sum) * std::f64::consts::FRAC_2_PI } else { sin * sum };
    share.clamp(0.0, 1.0)
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
            assert!((student(0.95, degrees) - got).abs() < 1e-9);
        }
        for (confidence, degrees, t) in [(0.99, 1, 63.6567), (0.99, 9, 3.2498), (0.9, 4, 2.1318), (0.995, 30, 3.0298)] {
            let got = student(confidence, degrees);
            assert!((got - t).abs() < 1e-4, "{confidence} with {degrees}: {got} instead of {t}");
        }
    }
}
