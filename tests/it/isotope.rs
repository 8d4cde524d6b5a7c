//! Isotope.
