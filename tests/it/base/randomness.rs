//! Keyed draws are as good across neighbouring keys as along one key, and keep their bits.

use std::collections::BTreeSet;

use brownout::base::random::{Draws, Key, Stream};

/// How the draws under test are laid out: the `n`-th number of a layout.
type Layout = (&'static str, fn(u64) -> u64);

fn root() -> Key {
    Key::root(1, "workload/shoppers")
}

fn first(key: Key) -> u64 {
    key.draws().next_u64()
}

fn nth(key: Key, n: u64) -> u64 {
    key.draws().skip(n).next_u64()
}

/// Neighbours in every way in which keys of a simulation are neighbours.
const LAYOUTS: &[Layout] = &[
    ("children of one key", |n| first(root().child(n))),
    ("draws of one key", |n| nth(root(), n)),
    ("four draws of each child", |n| nth(root().child(n / 4), n % 4)),
    ("second draws of children", |n| nth(root().child(n), 1)),
    ("four grandchildren of each child", |n| first(root().child(n / 4).child(n % 4))),
    ("one great-grandchild of each child", |n| first(root().child(n).child(0).child(0))),
    ("a child and its own child", |n| {
        if n.is_multiple_of(2) { first(root().child(n / 2)) } else { first(root().child(n / 2).child(0)) }
    }),
    ("neighbouring seeds", |n| first(Key::root(n, "workload/shoppers"))),
    ("places that are hashes", |n| first(root().child(brownout::base::random::salt("step") ^ n))),
    ("places far apart", |n| first(root().child(n << 40))),
];

fn unit(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1u64 << 53) as f64
}

/// χ² of equally likely buckets.
fn chi_square(counts: &[u32]) -> f64 {
    let total: u32 = counts.iter().sum();
    let expected = f64::from(total) / counts.len() as f64;
    counts.iter().map(|count| (f64::from(*count) - expected) * (f64::from(*count) - expected) / expected).sum()
}

/// With many buckets χ² is nearly normal about its degrees of freedom d with variance 2d. Six standard deviations: a
/// fair generator fails one of the few hundred tests here once in 10⁵ choices of seeds, and one that is too
/// even fails like one that is not even enough.
#[track_caller]
fn assert_even(counts: &[u32], what: &str) {
    let freedom = counts.len() as f64 - 1.0;
    let found = chi_square(counts);
    assert!(
        (found - freedom).abs() < 6.0 * (2.0 * freedom).sqrt(),
        "{what}: χ² = {found:.0} at {freedom} degrees of freedom"
    );
}

#[test]
fn every_byte_is_even() {
    for (name, layout) in LAYOUTS {
        let mut counts = [[0u32; 256]; 8];
        for n in 0..1 << 18 {
            for (byte, counts) in layout(n).to_le_bytes().into_iter().zip(&mut counts) {
                counts[usize::from(byte)] += 1;
            }
        }
        for (byte, counts) in counts.iter().enumerate() {
            assert_even(counts, &format!("{name}, byte {byte}"));
        }
    }
}

#[test]
fn neighbours_are_not_correlated() {
    let n = 1 << 18;
    for (name, layout) in LAYOUTS {
        let units: Vec<f64> = (0..n).map(|n| unit(layout(n)) - 0.5).collect();
        for lag in 1..=16 {
            let products: f64 = units.iter().zip(&units[lag..]).map(|(a, b)| a * b).sum();
            // A product of two such has variance 1/144.
            let z = products * 12.0 / ((units.len() - lag) as f64).sqrt();
            assert!(z.abs() < 5.5, "{name}, lag {lag}: {z:.1} standard errors");
        }
    }
}

#[test]
fn pairs_of_neighbours_fill_the_square() {
    for (name, layout) in LAYOUTS {
        // The high bits are what a sampler sees first, the low bits are where weak mixing shows.
        for (bits, shift) in [("high", 58), ("low", 0)] {
            let mut counts = vec![0u32; 64 * 64];
            for n in 0..1 << 18 {
                let place = |n| ((layout(n) >> shift) & 63) as usize;
                counts[place(2 * n) * 64 + place(2 * n + 1)] += 1;
            }
            assert_even(&counts, &format!("{name}, {bits} bits of pairs"));
        }
    }
}

/// One bit of a place or a seed turns each bit of the draw over half the time.
#[test]
fn each_bit_of_a_name_turns_half_the_bits_of_a_draw() {
    let trials = 4096u64;
    type Change = fn(u64, u64) -> u64;
    let changes: [(&str, Change); 3] = [
        ("place", |n, bit| first(root().child(n)) ^ first(root().child(n ^ 1 << bit))),
        ("seed", |n, bit| first(Key::root(n, "a")) ^ first(Key::root(n ^ 1 << bit, "a"))),
        ("place of the parent", |n, bit| first(root().child(n).child(7)) ^ first(root().child(n ^ 1 << bit).child(7))),
    ];
    for (what, change) in changes {
        for bit in 0..64 {
            let mut turned = [0u32; 64];
            for n in 0..trials {
                let change = change(n, bit);
                for (out, turned) in turned.iter_mut().enumerate() {
                    *turned += (change >> out & 1) as u32;
                }
            }
            // 2048 expected, standard deviation 32: six of them, over 12288 counts.
            let bad = turned.iter().position(|turned| !(1856..=2240).contains(turned));
            assert_eq!(bad, None, "bit {bit} of the {what}: {turned:?}");
        }
    }
}

/// Two sequences that fall on each other would have numbers in common.
#[test]
fn no_two_keys_share_draws() {
    let root = root();
    let mut seen = BTreeSet::new();
    for child in (0..1 << 14).map(|place| root.child(place)) {
        for key in [child, child.child(0), child.child(1)] {
            for n in 0..4 {
                assert!(seen.insert(nth(key, n)), "two of {} draws are the same", seen.len());
            }
        }
    }
}

#[test]
fn skipping_is_drawing() {
    let draws = root().draws();
    let mut drawn: Draws = draws;
    for n in 0..100 {
        assert_eq!(draws.skip(n).uniform(), drawn.next_uniform());
    }
}

#[test]
fn uniform_numbers_are_odd_multiples_inside_the_open_interval() {
    for n in 0..100_000 {
        let u = root().child(n).uniform();
        assert!(0.0 < u && u < 1.0);
        let multiple = (u * (1u64 << 53) as f64) as u64;
        assert_eq!((multiple as f64 / (1u64 << 53) as f64, multiple % 2), (u, 1));
    }
}

#[test]
fn streams_are_even_below_any_bound() {
    let mut stream = Stream::new(1, "balance");
    for bound in [2, 3, 7, 64, 1000] {
        let mut counts = vec![0u32; bound as usize];
        (0..bound * 1000).for_each(|_| counts[stream.below(bound) as usize] += 1);
        // With few buckets χ² is skewed: a bound at six standard deviations leaves a chance of at most 10⁻³ there,
        // and the seed is fixed.
        assert_even(&counts, &format!("below {bound}"));
    }
}

/// Part of the contract: a change here changes every result.
#[test]
fn keys_and_streams_keep_their_bits() {
    let root = Key::root(1, "service/orders/create/work");
    let mut draws = root.child(3).draws();
    let mut stream = Stream::new(1, "balance");
    let found =
        [first(root), first(root.child(0)), draws.next_u64(), draws.next_u64(), stream.next_u64(), stream.next_u64()];
    insta::assert_snapshot!(found.map(|bits| format!("{bits:016x}")).join("\n"), @r"
    ebe28d7047af24a8
    a851c7ff4cb0cb01
    042f5f3d056951af
    a9472e585aeb9bb0
    eb499186036908a1
    65c8bf67f361a420
    ");
}
