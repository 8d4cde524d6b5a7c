//! Floor 3: TOML text becomes a model, or all its diagnostics.
