//! The one logarithm that a simulation takes for every event: −ln of a uniform draw, from a table.
//!
//! `libm::log` divides and costs four times as much. This one uses additions and multiplications of IEEE 754
//! only, so it gives the same bits everywhere: u = 2⁻ᵉ × m, −ln u = e ln 2 − ln c − ln(m/c) with c the middle of
//! one of 128 intervals, and a polynomial for the rest. Error below 10⁻¹⁵ absolute or 4×10⁻¹⁶ relative,
//! whichever is more (measured against `libm::log` in the tests).

const TABLE_BITS: u32 = 7;
const TABLE_SIZE: usize = 1 << TABLE_BITS;

/// Middle of each interval of [1, 2), its inverse, and its logarithm.
struct Row {
    middle: f64,
    inverse: f64,
    ln: f64,
}

static TABLE: [Row; TABLE_SIZE] = table();

const fn table() -> [Row; TABLE_SIZE] {
    let mut rows = [const { Row { middle: 0.0, inverse: 0.0, ln: 0.0 } }; TABLE_SIZE];
    let mut n = 0;
    while n < TABLE_SIZE {
        let middle = 1.0 + (n as f64 + 0.5) / TABLE_SIZE as f64;
        rows[n] = Row { middle, inverse: 1.0 / middle, ln: ln_series(middle) };
        n += 1;
    }
    rows
}

/// ln x for x in [1, 2] by 2 artanh((x−1)/(x+1)), summed from the smallest term.
const fn ln_series(x: f64) -> f64 {
    let y = (x - 1.0) / (x + 1.0);
    let square = y * y;
    let mut sum = 0.0;
    let mut n = 41;
    while n > 1 {
        sum = (sum + 1.0 / n as f64) * square;
        n -= 2;
    }
    2.0 * y * (sum + 1.0)
}

/// −ln u for the uniform number u = (2k + 1) × 2⁻⁵³ with k the upper 52 bits of `bits`; above 0, at most 36.8.
#[inline]
pub fn neg_ln_unit(bits: u64) -> f64 {
    let odd = ((bits >> 12) << 1) | 1;
    let shift = odd.leading_zeros();
    // m = odd × 2^shift ÷ 2⁶³ in [1, 2): 53 bits, exact.
    let digits = odd << shift;
    let exponent = shift - 10;
    let m = f64::from_bits((1023 << 52) | ((digits >> 11) & ((1 << 52) - 1)));
    let row = &TABLE[((digits >> (63 - TABLE_BITS)) & (TABLE_SIZE as u64 - 1)) as usize];
    let r = (m - row.middle) * row.inverse;
    // ln(1 + r) for |r| < 2⁻⁸: Taylor, next term below 2⁻⁵⁹.
    let ln = r * (1.0 + r * (-1.0 / 2.0 + r * (1.0 / 3.0 + r * (-1.0 / 4.0 + r * (1.0 / 5.0 + r * (-1.0 / 6.0))))));
    f64::from(exponent) * std::f64::consts::LN_2 - row.ln - ln
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::Key;

    fn check(bits: u64) {
        let uniform = ((bits >> 12) as f64 + 0.5) / (1u64 << 52) as f64;
        let (got, expected) = (neg_ln_unit(bits), -libm::log(uniform));
        let error = (got - expected).abs();
        assert!(error <= 1e-15_f64.max(4e-16 * expected), "{uniform}: {got} and not {expected}");
        assert!(got > 0.0, "{uniform} gives {got}");
    }

    #[test]
    fn it_is_the_logarithm() {
        let mut draws = Key::root(1, "logarithm").draws();
        for _ in 0..1_000_000 {
            check(draws.next_u64());
        }
    }

    #[test]
    fn it_holds_at_the_ends() {
        for n in 0..4096 {
            check(n << 12);
            check(u64::MAX - (n << 12));
        }
    }
}
