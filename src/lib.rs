//! brownout: a deterministic discrete-event simulator of distributed call graphs.

pub mod base;
pub mod measure;
pub mod model;
pub mod policy;
