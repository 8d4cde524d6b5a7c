//! The standard normal distribution: its quantile, its distribution function and its density.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// The `p`-quantile for 0 < p < 1, to about 16 digits: Wichura's algorithm AS 241 (PPND16), Applied
/// Statistics 37 (1988), 477–484.
pub(super) fn quantile(p: f64) -> f64 {
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180625 - q * q;
        return q * ratio(r, &CENTRE);
    }
    let tail = if q < 0.0 { p } else { 1.0 - p };
    let r = libm::sqrt(-libm::log(tail));
    let z = if r <= 5.0 { ratio(r - 1.6, &TAIL) } else { ratio(r - 5.0, &FAR_TAIL) };
    if q < 0.0 { -z } else { z }
}

/// The chance of a value of at most `z`.
pub(super) fn below(z: f64) -> f64 {
    0.5 * libm::erfc(-z * FRAC_1_SQRT_2)
}

/// The density at `z`.
pub(super) fn density(z: f64) -> f64 {
    libm::exp(-0.5 * z * z) / libm::sqrt(2.0 * PI)
}

/// Coefficients of a ratio of polynomials of degree 7, highest power first.
struct Ratio {
    above: [f64; 8],
    below: [f64; 8],
}

fn ratio(r: f64, ratio: &Ratio) -> f64 {
    let horner = |coefficients: &[f64; 8]| coefficients.iter().fold(0.0, |sum, c| sum * r + c);
    horner(&ratio.above) / horner(&ratio.below)
}

#[expect(clippy::excessive_precision, reason = "the digits as published")]
const CENTRE: Ratio = Ratio {
    above: [
        2509.0809287301226727,
        33430.575583588128105,
        67265.770927008700853,
        45921.953931549871457,
        13731.693765509461125,
        1971.5909503065514427,
        133.14166789178437745,
        3.387132872796366608,
    ],
    below: [
        5226.495278852854561,
        28729.085735721942674,
        39307.89580009271061,
        21213.794301586595867,
        5394.1960214247511077,
        687.1870074920579083,
        42.313330701600911252,
        1.0,
    ],
};

#[expect(clippy::excessive_precision, reason = "the digits as published")]
const TAIL: Ratio = Ratio {
    above: [
        7.7454501427834140764e-4,
        0.0227238449892691845833,
        0.24178072517745061177,
        1.27045825245236838258,
        3.64784832476320460504,
        5.7694972214606914055,
        4.6303378461565452959,
        1.42343711074968357734,
    ],
    below: [
        1.05075007164441684324e-9,
        5.475938084995344946e-4,
        0.0151986665636164571966,
        0.14810397642748007459,
        0.68976733498510000455,
        1.6763848301838038494,
        2.05319162663775882187,
        1.0,
    ],
};

#[expect(clippy::excessive_precision, reason = "the digits as published")]
const FAR_TAIL: Ratio = Ratio {
    above: [
        2.01033439929228813265e-7,
        2.71155556874348757815e-5,
        0.0012426609473880784386,
        0.026532189526576123093,
        0.29656057182850489123,
        1.7848265399172913358,
        5.4637849111641143699,
        6.6579046435011037772,
    ],
    below: [
        2.04426310338993978564e-15,
        1.4215117583164458887e-7,
        1.8463183175100546818e-5,
        7.868691311456132591e-4,
        0.0148753612908506148525,
        0.13692988092273580531,
        0.59983220655588793769,
        1.0,
    ],
};

#[cfg(test)]
mod tests {
    use super::{below, quantile};

    /// Reference values to 16 digits, by inverting the distribution function in 50-digit arithmetic.
    #[test]
    fn quantiles_are_right_to_fifteen_digits() {
        for (p, z) in [
            (0.5, 0.0),
            (0.6, 0.253_347_103_135_799_8),
            (0.92, 1.405_071_560_309_632_8),
            (0.975, 1.959_963_984_540_054_2),
            (0.999, 3.090_232_306_167_813_5),
            (1e-5, -4.264_890_793_922_825),
            (1e-10, -6.361_340_902_404_056),
            (1e-16, -8.222_082_216_130_435),
        ] {
            let found = quantile(p);
            assert!((found - z).abs() <= 1e-15 * z.abs(), "{p}: {found}, not {z}");
        }
    }

    #[test]
    fn quantile_and_distribution_function_are_inverse() {
        for n in 1..1000 {
            let p = f64::from(n) / 1000.0;
            assert!((below(quantile(p)) - p).abs() < 1e-15, "{p}");
            assert_eq!(quantile(1.0 - (1.0 - p)), -quantile(1.0 - p), "{p}");
        }
    }
}
