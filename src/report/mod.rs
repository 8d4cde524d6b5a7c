//! Floor 8: results become bytes. Pure functions; nothing is written here.
