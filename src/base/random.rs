//! Randomness with a contract: every draw is named after what it is for.
//!
//! Two kinds. A draw that belongs to a request is *keyed* ([`Key`], [`Draws`]): it is a pure function
//! of the request's key and of the place in its program, so that the same request draws the same work
//! whatever happened in between (common random numbers). A draw that belongs to no request comes in
//! sequence from a named [`Stream`].

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

const GAMMA_DRAW: u64 = 0x9E37_79B9_7F4A_7C15;
const GAMMA_CHILD: u64 = 0xD6E8_FEB8_6659_FD93;

/// Stafford's variant 13 of the 64-bit finaliser, as in SplitMix64.
#[inline]
const fn mix_draw(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// MurmurHash3's 64-bit finaliser: another one than [`mix_draw`], so that the children of a key and
/// its draws never fall on the same sequence.
#[inline]
const fn mix_child(mut z: u64) -> u64 {
    z = (z ^ (z >> 33)).wrapping_mul(0xFF51_AFD7_ED55_8CCD);
    z = (z ^ (z >> 33)).wrapping_mul(0xC4CE_B9FE_1A85_EC53);
    z ^ (z >> 33)
}

/// The name of a sequence of draws, as a number.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Key(u64);

impl Key {
    /// The key of `name` under the scenario's `seed`.
    pub fn root(seed: u64, name: &str) -> Key {
        Key(mix_child(seed.wrapping_mul(GAMMA_CHILD) ^ salt(name)))
    }

    /// The key of the `place`-th thing that `self` starts.
    #[inline]
    pub const fn child(self, place: u64) -> Key {
        Key(mix_child(self.0.wrapping_add(GAMMA_CHILD).wrapping_add(place.wrapping_mul(GAMMA_CHILD))))
    }

    /// The key as a number that no other key has.
    #[inline]
    pub const fn to_bits(self) -> u64 {
        self.0
    }

    /// The draws of this key, from the first on.
    #[inline]
    pub const fn draws(self) -> Draws {
        Draws { state: self.0 }
    }

    /// The first draw of this key as a number in the open interval (0, 1).
    #[inline]
    pub const fn uniform(self) -> f64 {
        self.draws().uniform()
    }
}

/// A stable 64-bit hash of a name (FNV-1a, finalised): the salt of a stream or of a place.
pub const fn salt(name: &str) -> u64 {
    let bytes = name.as_bytes();
    let mut hash = 0xCBF2_9CE4_8422_2325u64;
    let mut i = 0;
    while i < bytes.len() {
        hash = (hash ^ bytes[i] as u64).wrapping_mul(0x0000_0100_0000_01B3);
        i += 1;
    }
    mix_draw(hash)
}

/// The draws of one [`Key`] (SplitMix64). Copy it to draw the same again.
#[derive(Clone, Copy, Debug)]
pub struct Draws {
    state: u64,
}

impl Draws {
    /// The draws that follow the next `count` ones.
    #[inline]
    pub const fn skip(self, count: u64) -> Draws {
        Draws { state: self.state.wrapping_add(GAMMA_DRAW.wrapping_mul(count)) }
    }

    /// The next 64 bits.
    #[inline]
    pub const fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GAMMA_DRAW);
        mix_draw(self.state)
    }

    /// The next number in the open interval (0, 1), an odd multiple of 2⁻⁵³.
    #[inline]
    pub const fn uniform(mut self) -> f64 {
        self.next_uniform()
    }

    /// The next number in the open interval (0, 1), advancing.
    #[inline]
    pub const fn next_uniform(&mut self) -> f64 {
        unit(self.next_u64())
    }
}

#[inline]
const fn unit(bits: u64) -> f64 {
    // 52 bits and a half: exact, never 0 and never 1.
    ((bits >> 12) as f64 + 0.5) * (1.0 / (1u64 << 52) as f64)
}

/// A named sequence of draws that belong to no request: xoshiro256++.
#[derive(Clone, Debug)]
pub struct Stream(Xoshiro256PlusPlus);

impl Stream {
    /// The stream of `name` under the scenario's `seed`.
    pub fn new(seed: u64, name: &str) -> Stream {
        Stream(Xoshiro256PlusPlus::seed_from_u64(Key::root(seed, name).0))
    }

    /// The next 64 bits.
    #[inline]
    pub fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// The next number in the open interval (0, 1).
    #[inline]
    pub fn uniform(&mut self) -> f64 {
        unit(self.next_u64())
    }

    /// A number in `0..n`, uniform (Lemire's multiplication, whose bias is below n ÷ 2⁶⁴). `n` must not be zero.
    #[inline]
    pub fn below(&mut self, n: u32) -> u32 {
        debug_assert!(n > 0, "an empty range has no number");
        ((u128::from(self.next_u64()) * u128::from(n)) >> 64) as u32
    }
}
