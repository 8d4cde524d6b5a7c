//! Keys against their exact chances, against `rand_distr`, and against their own bits.

use brownout::base::keys::{COUNT_MAX, KeyDistribution, NAMES};
use brownout::base::random::Key;
use rand::SeedableRng;
use rand::distr::Distribution as _;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::samplers::kolmogorov_smirnov;

/// Samples of each case.
const SAMPLES: u64 = 300_000;
/// A bucket holds as many keys as are expected this often, so that χ² is what its table says.
const EXPECTED_MIN: f64 = 25.0;

fn parsed(text: &str) -> KeyDistribution {
    text.parse().unwrap_or_else(|fault| panic!("{text}: {fault}"))
}

/// Keys of neighbouring requests.
fn samples(text: &str) -> impl Iterator<Item = u32> {
    let (keys, parent) = (parsed(text), Key::root(1, text));
    (0..SAMPLES).map(move |place| keys.sample(parent.child(place).draws()))
}

/// The bounds outside which χ² falls with a chance of 10⁻⁶ on either side: Wilson and Hilferty, The distribution of
/// chi-square, PNAS 17 (1931).
fn chi_square_bounds(freedom: f64) -> [f64; 2] {
    [-4.753, 4.753].map(|z| {
        let root = 1.0 - 2.0 / (9.0 * freedom) + z * (2.0 / (9.0 * freedom)).sqrt();
        freedom * root * root * root
    })
}

/// χ² of the counts of keys against chances in proportion to `weights`, and its degrees of freedom.
fn chi_square(counts: &[u64], weights: &[f64]) -> (f64, f64) {
    let (samples, total) = (counts.iter().sum::<u64>() as f64, weights.iter().sum::<f64>());
    // Neighbouring keys share a bucket until it is large enough; what is left over goes to the last one.
    let mut buckets: Vec<(f64, f64)> = vec![(0.0, 0.0)];
    for (count, weight) in counts.iter().zip(weights) {
        if buckets[buckets.len() - 1].1 >= EXPECTED_MIN {
            buckets.push((0.0, 0.0));
        }
        let last = buckets.last_mut().unwrap();
        *last = (last.0 + *count as f64, last.1 + weight / total * samples);
    }
    if buckets.len() > 1 && buckets[buckets.len() - 1].1 < EXPECTED_MIN {
        let rest = buckets.pop().unwrap();
        let last = buckets.last_mut().unwrap();
        *last = (last.0 + rest.0, last.1 + rest.1);
    }
    let sum = buckets.iter().map(|(found, expected)| (found - expected) * (found - expected) / expected).sum();
    (sum, buckets.len() as f64 - 1.0)
}

#[test]
fn keys_have_their_exact_chances() {
    for (text, exponent, count) in [
        ("uniform(2)", 0.0, 2),
        ("uniform(1000)", 0.0, 1000),
        ("zipf(0, 1000)", 0.0, 1000),
        ("zipf(0.001, 1000)", 0.001, 1000),
        ("zipf(0.3, 3)", 0.3, 3),
        ("zipf(0.5, 20000)", 0.5, 20_000),
        ("zipf(0.99, 20000)", 0.99, 20_000),
        ("zipf(0.99999999999, 20000)", 0.99999999999, 20_000),
        ("zipf(1.0, 2)", 1.0, 2),
        ("zipf(1.0, 20000)", 1.0, 20_000),
        ("zipf(1.00000000001, 20000)", 1.00000000001, 20_000),
        ("zipf(1.2, 1000000)", 1.2, 1_000_000),
        ("zipf(2, 50)", 2.0, 50),
        ("zipf(3.7, 100000)", 3.7, 100_000),
        ("zipf(10, 4)", 10.0, 4),
    ] {
        let weights: Vec<f64> = (1..=count).map(|rank| libm::pow(f64::from(rank), -exponent)).collect();
        let mut counts = vec![0; weights.len()];
        samples(text).for_each(|key| counts[key as usize] += 1);
        let (found, freedom) = chi_square(&counts, &weights);
        let [low, high] = chi_square_bounds(freedom);
        assert!((low..=high).contains(&found), "{text}: χ² = {found:.1} at {freedom}: not in {low:.1}..{high:.1}");
    }
}

/// A test that can fail: another exponent by a fiftieth, a tenth more keys, keys that start at 1.
#[test]
fn other_chances_are_told_apart() {
    let mut counts = vec![0; 1100];
    samples("zipf(1.0, 1000)").for_each(|key| counts[key as usize] += 1);
    let differs = |counts: &[u64], exponent: f64, ranks: u32| {
        let weights: Vec<f64> = (1..=ranks).map(|rank| libm::pow(f64::from(rank), -exponent)).collect();
        let (found, freedom) = chi_square(counts, &weights);
        found > chi_square_bounds(freedom)[1]
    };
    assert!(!differs(&counts[..1000], 1.0, 1000));
    assert!(differs(&counts[..1000], 1.02, 1000));
    assert!(differs(&counts[..1000], 0.98, 1000));
    assert!(differs(&counts, 1.0, 1100));
    assert!(differs(&counts[1..1001], 1.0, 1000));
}

#[test]
fn keys_are_distributed_as_those_of_rand_distr() {
    // Kolmogorov's c(α) √((n+m)/nm) with α = 10⁻⁶, at n = m; ties make it stricter than that.
    let critical = 2.69 * (2.0 / SAMPLES as f64).sqrt();
    for (exponent, count) in [(0.0, 7), (0.7, COUNT_MAX), (1.0, 20_000), (1.0, COUNT_MAX), (1.2, COUNT_MAX), (4.0, 100)]
    {
        let text = format!("zipf({exponent}, {count})");
        let zipf = rand_distr::Zipf::new(f64::from(count), exponent).unwrap();
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(2);
        let theirs = (0..SAMPLES).map(|_| zipf.sample(&mut rng) - 1.0).collect();
        let distance = kolmogorov_smirnov(samples(&text).map(f64::from).collect(), theirs);
        assert!(distance < critical, "{text}: distance {distance:.5}, critical {critical:.5}");
    }
}

#[test]
fn all_keys_are_below_their_number() {
    for text in ["zipf(0, 1)", "zipf(1, 1)", "zipf(10, 1)", "uniform(1)", "zipf(10, 2)", "zipf(0.1, 3)"] {
        let count = parsed(text).count();
        assert!(samples(text).all(|key| key < count), "{text}");
    }
    assert!(samples("uniform(100000000)").any(|key| key > 99_999_000));
    assert!(samples("zipf(0, 100000000)").any(|key| key > 99_999_000));
    assert!(samples("zipf(10, 100000000)").all(|key| key < 100));
}

/// Whoever asks for a hot key among few asks for a hot one among many.
#[test]
fn one_draw_has_one_rank_where_keys_are_alike() {
    let mut draws: Vec<_> = (0..1000).map(|place| Key::root(1, "ranks").child(place).draws()).collect();
    draws.sort_by(|a, b| b.uniform().total_cmp(&a.uniform()));
    for text in ["uniform(7)", "uniform(20000)", "zipf(0, 20000)"] {
        let keys = parsed(text);
        assert!(draws.iter().map(|draws| keys.sample(*draws)).is_sorted(), "{text}");
    }
}

/// The same bits on every platform.
#[test]
fn keys_keep_their_bits() {
    let golden = |text: &str| {
        let keys: Vec<String> = samples(text).take(8).map(|key| key.to_string()).collect();
        format!("{text}: {}", keys.join(" "))
    };
    let texts = ["uniform(100000000)", "zipf(0.8, 100000000)", "zipf(1.0, 20000)", "zipf(1.2, 100000000)"];
    for (name, _) in NAMES {
        assert!(texts.iter().any(|text| text.starts_with(&format!("{name}("))), "{name} has no golden samples");
    }
    insta::assert_snapshot!(texts.map(golden).join("\n"), @r"
    uniform(100000000): 7791234 63829003 61975011 15609541 78401079 38301584 50842073 71629040
    zipf(0.8, 100000000): 6815049 46687 445 52306014 26480492 11371264 65508026 15585
    zipf(1.0, 20000): 52 929 13927 12843 4 464 9 43
    zipf(1.2, 100000000): 189 15 1676 0 40 53574231 4 15202
    ");
}
