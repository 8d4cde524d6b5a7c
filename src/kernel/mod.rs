//! Floor 4: the engine.
