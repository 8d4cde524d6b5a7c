//! Floor 3: what has state and a clock of its own, over opaque ids.
