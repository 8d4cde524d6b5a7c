//! Samplers against `rand_distr`, against their own moments, and against their own bits.

use brownout::base::distribution::{Distribution, NAMES};
use brownout::base::random::{Draws, Key};
use brownout::base::time::Span;
use rand::SeedableRng;
use rand::distr::Distribution as _;
use rand_xoshiro::Xoshiro256PlusPlus;

/// Samples of each side.
const SAMPLES: u64 = 500_000;

type Oracle = fn(&mut Xoshiro256PlusPlus) -> f64;

/// Text, whether its fourth moment is small enough to judge a variance by samples, and the same in milliseconds by
/// `rand_distr`.
const CASES: &[(&str, bool, Oracle)] = &[
    ("exp(5ms)", true, |rng| exponential(5.0, rng)),
    ("uniform(1ms, 3ms)", true, |rng| rand::distr::Uniform::new(1.0, 3.0).unwrap().sample(rng)),
    ("normal(mean=5ms, sd=1ms)", true, |rng| normal(5.0, 1.0, rng)),
    ("normal(mean=2ms, sd=4ms)", true, |rng| normal(2.0, 4.0, rng)),
    ("normal(mean=0s, sd=4ms)", true, |rng| normal(0.0, 4.0, rng)),
    ("lognormal(mean=5ms, cv=0.5)", true, |rng| lognormal_by_mean(5.0, 0.5, rng)),
    ("lognormal(mean=100ms, cv=2)", false, |rng| lognormal_by_mean(100.0, 2.0, rng)),
    ("lognormal(p50=5ms, p99=40ms)", false, |rng| {
        // The 99th percentile of the standard normal distribution, from tables.
        let sigma = libm::log(8.0) / 2.326_347_874_040_841;
        rand_distr::LogNormal::new(libm::log(5.0), sigma).unwrap().sample(rng)
    }),
    ("gamma(mean=5ms, cv=0.5)", true, |rng| gamma(4.0, 5.0 / 4.0, rng)),
    ("gamma(mean=5ms, cv=1)", true, |rng| gamma(1.0, 5.0, rng)),
    ("gamma(mean=5ms, cv=2)", true, |rng| gamma(0.25, 20.0, rng)),
    ("erlang(1, 5ms)", true, |rng| exponential(5.0, rng)),
    ("erlang(3, 6ms)", true, |rng| (0..3).map(|_| exponential(2.0, rng)).sum()),
    ("erlang(100, 5ms)", true, |rng| gamma(100.0, 0.05, rng)),
    // Γ(1 + 1/0.5) = 2, Γ(1 + 1/1) = 1, Γ(1 + 1/2) = √π/2.
    ("weibull(mean=5ms, shape=0.5)", false, |rng| weibull(5.0 / 2.0, 0.5, rng)),
    ("weibull(mean=5ms, shape=1)", true, |rng| exponential(5.0, rng)),
    ("weibull(mean=5ms, shape=2)", true, |rng| weibull(10.0 / std::f64::consts::PI.sqrt(), 2.0, rng)),
    ("pareto(min=1ms, shape=6)", true, |rng| pareto(6.0, f64::INFINITY, rng)),
    ("pareto(min=1ms, shape=2.5)", false, |rng| pareto(2.5, f64::INFINITY, rng)),
    ("pareto(min=1ms, shape=0.8)", false, |rng| pareto(0.8, f64::INFINITY, rng)),
    ("pareto(min=1ms, shape=0.8, max=10ms)", true, |rng| pareto(0.8, 10.0, rng)),
    ("pareto(min=1ms, shape=1, max=10ms)", true, |rng| pareto(1.0, 10.0, rng)),
    ("pareto(min=1ms, shape=2, max=10ms)", true, |rng| pareto(2.0, 10.0, rng)),
    ("hyperexp(90% 5ms, 10% 50ms)", true, |rng| {
        let mean = if chance(0.9, rng) { 5.0 } else { 50.0 };
        exponential(mean, rng)
    }),
    ("empirical(\"even.csv\")", true, |rng| rand::seq::IndexedRandom::choose(&EVEN[..], rng).unwrap().0),
    ("empirical(\"uneven.csv\")", true, |rng| {
        rand::seq::IndexedRandom::choose_weighted(&UNEVEN[..], rng, |(_, weight)| *weight).unwrap().0
    }),
    ("mix(30% exp(5ms), 70% empirical(\"uneven.csv\"))", true, |rng| {
        if chance(0.3, rng) {
            exponential(5.0, rng)
        } else {
            rand::seq::IndexedRandom::choose_weighted(&UNEVEN[..], rng, |(_, weight)| *weight).unwrap().0
        }
    }),
    ("mix(20% 50ms, 30% uniform(1ms, 2ms), 50% gamma(mean=5ms, cv=0.5))", true, |rng| {
        if chance(0.2, rng) {
            50.0
        } else if chance(0.375, rng) {
            rand::distr::Uniform::new(1.0, 2.0).unwrap().sample(rng)
        } else {
            gamma(4.0, 5.0 / 4.0, rng)
        }
    }),
];

fn chance(share: f64, rng: &mut Xoshiro256PlusPlus) -> bool {
    rand::distr::Bernoulli::new(share).unwrap().sample(rng)
}

fn exponential(mean: f64, rng: &mut Xoshiro256PlusPlus) -> f64 {
    rand_distr::Exp::new(1.0 / mean).unwrap().sample(rng)
}

fn normal(mean: f64, sd: f64, rng: &mut Xoshiro256PlusPlus) -> f64 {
    rand_distr::Normal::new(mean, sd).unwrap().sample(rng).max(0.0)
}

fn lognormal_by_mean(mean: f64, cv: f64, rng: &mut Xoshiro256PlusPlus) -> f64 {
    rand_distr::LogNormal::from_mean_cv(mean, cv).unwrap().sample(rng)
}

fn gamma(shape: f64, scale: f64, rng: &mut Xoshiro256PlusPlus) -> f64 {
    rand_distr::Gamma::new(shape, scale).unwrap().sample(rng)
}

fn weibull(scale: f64, shape: f64, rng: &mut Xoshiro256PlusPlus) -> f64 {
    rand_distr::Weibull::new(scale, shape).unwrap().sample(rng)
}

/// From 1 on; what lies beyond `max` is drawn again.
fn pareto(shape: f64, max: f64, rng: &mut Xoshiro256PlusPlus) -> f64 {
    let pareto = rand_distr::Pareto::new(1.0, shape).unwrap();
    std::iter::repeat_with(|| pareto.sample(rng)).find(|x| *x <= max).unwrap()
}

/// Draws of neighbouring keys, as requests have them.
fn draws(name: &str) -> impl Iterator<Item = Draws> {
    let parent = Key::root(1, name);
    (0..).map(move |place| parent.child(place).draws())
}

/// What `even.csv` and `uneven.csv` hold: values in milliseconds and their weights, in no order, some of them twice.
const EVEN: [(f64, f64); 7] = [(3.0, 2.0), (1.0, 2.0), (20.0, 2.0), (1.5, 2.0), (1.0, 2.0), (4.0, 2.0), (2.5, 2.0)];
const UNEVEN: [(f64, f64); 5] = [(30.0, 0.5), (2.0, 7.0), (5.0, 0.0), (1.0, 2.0), (2.0, 0.7)];

fn parsed(text: &str) -> Distribution {
    let found = Distribution::parse_with(text, &mut |call| {
        let samples = match call.args[0].quoted()? {
            "even.csv" => EVEN.to_vec(),
            "uneven.csv" => UNEVEN.to_vec(),
            name => panic!("{name} is no file of these tests"),
        };
        let samples = samples.into_iter().map(|(ms, weight)| (Span::from_nanos_f64(ms * 1e6), weight)).collect();
        Ok(Distribution::empirical(format!("empirical({})", call.args[0].value), samples).expect("weights above zero"))
    });
    found.unwrap_or_else(|fault| panic!("{text}: {fault}"))
}

/// Samples in milliseconds.
fn samples(text: &str) -> Vec<f64> {
    let distribution = parsed(text);
    draws(text).take(SAMPLES as usize).map(|draws| distribution.sample(draws).as_nanos() as f64 / 1e6).collect()
}

/// The largest distance between the two empirical distribution functions.
pub(super) fn kolmogorov_smirnov(mut a: Vec<f64>, mut b: Vec<f64>) -> f64 {
    a.sort_by(f64::total_cmp);
    b.sort_by(f64::total_cmp);
    let (mut i, mut j, mut distance) = (0, 0, 0.0f64);
    while i < a.len() && j < b.len() {
        let x = a[i].min(b[j]);
        i += a[i..].iter().take_while(|y| **y <= x).count();
        j += b[j..].iter().take_while(|y| **y <= x).count();
        distance = distance.max((i as f64 / a.len() as f64 - j as f64 / b.len() as f64).abs());
    }
    distance
}

#[test]
fn samples_are_distributed_as_those_of_rand_distr() {
    // Kolmogorov's c(α) √((n+m)/nm) with α = 10⁻⁶: c = √(−ln(α/2)/2) = 2.69, at n = m.
    let critical = 2.69 * (2.0 / SAMPLES as f64).sqrt();
    for (text, _, oracle) in CASES {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(2);
        // Ours are whole nanoseconds: the oracle's are rounded alike, so that ties fall together.
        let theirs = (0..SAMPLES).map(|_| (oracle(&mut rng) * 1e6).round() / 1e6).collect();
        let distance = kolmogorov_smirnov(samples(text), theirs);
        assert!(distance < critical, "{text}: distance {distance:.5}, critical {critical:.5}");
    }
}

#[test]
fn samples_have_the_moments_that_are_stated() {
    let n = SAMPLES as f64;
    for (text, judge_variance, _) in CASES {
        let distribution = parsed(text);
        let (mean, variance) = (distribution.mean_nanos() / 1e6, distribution.variance_nanos2() / 1e12);
        let found = samples(text);
        let found_mean = found.iter().sum::<f64>() / n;
        if variance.is_finite() {
            // Five standard errors.
            assert!(
                (found_mean - mean).abs() < 5.0 * (variance / n).sqrt(),
                "{text}: mean {found_mean}, stated {mean}"
            );
        }
        let squares: Vec<f64> = found.iter().map(|x| (x - mean) * (x - mean)).collect();
        if *judge_variance {
            let found_variance = squares.iter().sum::<f64>() / n;
            let spread = squares.iter().map(|x| (x - variance) * (x - variance)).sum::<f64>() / n;
            // Five standard errors, estimated from the same samples.
            let tolerance = 5.0 * (spread / n).sqrt();
            assert!(
                (found_variance - variance).abs() < tolerance,
                "{text}: variance {found_variance}, stated {variance}"
            );
            let scv = variance / (mean * mean);
            assert!((distribution.scv() - scv).abs() < 1e-9 * scv, "{text}");
        }
    }
}

/// Where the samples are too wild to judge, the closed forms of textbooks do.
#[test]
fn moments_are_those_of_textbooks() {
    for (text, mean_ms, scv) in [
        ("5ms", 5.0, 0.0),
        ("exp(5ms)", 5.0, 1.0),
        ("uniform(1ms, 3ms)", 2.0, 1.0 / 12.0),
        ("lognormal(mean=100ms, cv=2)", 100.0, 4.0),
        ("gamma(mean=5ms, cv=2)", 5.0, 4.0),
        ("erlang(4, 5ms)", 5.0, 0.25),
        ("weibull(mean=5ms, shape=0.5)", 5.0, 5.0),
        ("pareto(min=1ms, shape=2.5)", 2.5 / 1.5, 0.8),
        ("pareto(min=1ms, shape=2)", 2.0, f64::INFINITY),
        ("pareto(min=1ms, shape=1)", f64::INFINITY, f64::NAN),
        ("hyperexp(90% 5ms, 10% 50ms)", 9.5, (2.0 * (0.9 * 25.0 + 0.1 * 2500.0) - 9.5 * 9.5) / (9.5 * 9.5)),
        ("mix(90% 50ms, 10% 550ms)", 100.0, 2.25),
        ("mix(100% 5ms, 0% pareto(min=1ms, shape=1))", 5.0, 0.0),
        // The half-normal distribution: mean σ √(2/π) over half the chance.
        ("empirical(\"even.csv\")", 33.0 / 7.0, (435.5 / 7.0) / (33.0 / 7.0 * 33.0 / 7.0) - 1.0),
        ("empirical(\"uneven.csv\")", 32.4 / 10.2, (482.8 / 10.2) / (32.4 / 10.2 * 32.4 / 10.2) - 1.0),
        ("normal(mean=0s, sd=2ms)", 2.0 / (2.0 * std::f64::consts::PI).sqrt(), std::f64::consts::PI - 1.0),
    ] {
        let distribution = parsed(text);
        let near = |found: f64, expected: f64| {
            found == expected
                || (found.is_nan() && expected.is_nan())
                || (found - expected).abs() < 1e-12 * expected.abs()
        };
        assert!(near(distribution.mean_nanos() / 1e6, mean_ms), "{text}: mean {}", distribution.mean_nanos());
        assert!(near(distribution.scv(), scv), "{text}: scv {}", distribution.scv());
    }
}

#[test]
fn a_lognormal_passes_through_its_percentiles() {
    let found = samples("lognormal(p50=5ms, p99.9=40ms)");
    for (limit, share) in [(5.0, 0.5), (40.0, 0.999)] {
        let below = found.iter().filter(|x| **x <= limit).count() as f64 / SAMPLES as f64;
        // Five standard errors of a share.
        let tolerance = 5.0 * (share * (1.0 - share) / SAMPLES as f64).sqrt();
        assert!((below - share).abs() < tolerance, "{below} of the samples are at most {limit} ms");
    }
}

#[test]
fn bounds_are_kept() {
    let within = |text: &str, low: f64, high: f64| {
        assert!(samples(text).iter().all(|x| (low..=high).contains(x)), "{text}");
    };
    within("uniform(1ms, 3ms)", 1.0, 3.0);
    within("pareto(min=1ms, shape=0.8, max=10ms)", 1.0, 10.0);
    within("pareto(min=1ms, shape=2)", 1.0, f64::INFINITY);
}

/// What makes common random numbers sharp: who is unlucky under one distribution is so under every other.
#[test]
fn one_draw_has_one_rank_under_all_inverted_distributions() {
    let inverted = [
        "exp(5ms)",
        "exp(500ms)",
        "uniform(100ms, 300ms)",
        "normal(mean=5s, sd=100ms)",
        "lognormal(p50=50ms, p99=40s)",
        "weibull(mean=500ms, shape=0.7)",
        "pareto(min=100ms, shape=2.5)",
        "pareto(min=100ms, shape=2.5, max=10s)",
        "empirical(\"even.csv\")",
        "empirical(\"uneven.csv\")",
    ];
    let mut ordered: Vec<Draws> = draws("ranks").take(1000).collect();
    ordered.sort_by(|a, b| b.uniform().total_cmp(&a.uniform()));
    for text in inverted {
        let distribution = parsed(text);
        let samples: Vec<_> = ordered.iter().map(|draws| distribution.sample(*draws)).collect();
        assert!(samples.is_sorted(), "{text}");
    }
}

/// The same bits on every platform: three samples of each kind, in nanoseconds.
#[test]
fn samples_keep_their_bits() {
    let golden = |text: &str| {
        let distribution = parsed(text);
        let draws: Vec<Draws> = draws("golden").take(3).collect();
        let [a, b, c] = [0, 1, 2].map(|n| distribution.sample(draws[n]).as_nanos());
        format!("{text}: {a} {b} {c}")
    };
    // In seconds and hours, so that more of a float's bits are seen.
    let texts = [
        "exp(5h)",
        "uniform(1h, 3h)",
        "normal(mean=5h, sd=1h)",
        "lognormal(p50=5h, p99=40h)",
        "lognormal(mean=5h, cv=0.5)",
        "gamma(mean=5h, cv=0.5)",
        "gamma(mean=5h, cv=2)",
        "erlang(3, 5h)",
        "weibull(mean=5h, shape=1.5)",
        "pareto(min=1h, shape=2.5)",
        "pareto(min=1h, shape=2.5, max=10h)",
        "hyperexp(50% 5h, 50% 50h)",
        "mix(50% exp(5h), 50% 50h)",
        "empirical(\"even.csv\")",
        "empirical(\"uneven.csv\")",
    ];
    for (name, _) in NAMES {
        assert!(texts.iter().any(|text| text.starts_with(&format!("{name}("))), "{name} has no golden samples");
    }
    insta::assert_snapshot!(texts.map(golden).join("\n"), @r#"
    exp(5h): 40018013037805 14126147742215 1635516885190
    uniform(1h, 3h): 10020530657162 7515235235661 4225365567852
    normal(mean=5h, sd=1h): 22449012199924 18395885238046 13102665618107
    lognormal(p50=5h, p99=40h): 54328191241282 19859221159519 5335505788679
    lognormal(mean=5h, cv=0.5): 28863719666723 16958120480770 8467091827992
    gamma(mean=5h, cv=0.5): 29604235211799 17465833375833 7334689367139
    gamma(mean=5h, cv=2): 35960096269202 2727059405295 378221700
    erlang(3, 5h): 31420116351002 17101830088651 6029770580500
    weibull(mean=5h, shape=1.5): 33964817339368 16964514365189 4029912567600
    pareto(min=1h, shape=2.5): 8760237566815 4927581204336 3733248122839
    pareto(min=1h, shape=2.5, max=10h): 8670593741768 4920171456375 3732799048982
    hyperexp(50% 5h, 50% 50h): 10587941420729 5485601472690 11572234066657
    mix(50% exp(5h), 50% 50h): 10587941420729 5485601472690 180000000000000
    empirical("even.csv"): 20000000 2500000 1000000
    empirical("uneven.csv"): 2000000 2000000 1000000
    "#);
}
