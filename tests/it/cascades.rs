//! Cascades.
