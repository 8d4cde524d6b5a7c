//! Floor 0: what a text means, how good the randomness is, whether the samplers are right.

mod keys;
mod randomness;
mod samplers;
mod text;
