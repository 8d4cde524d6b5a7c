//! Floor 3: foreign files become scenarios.
