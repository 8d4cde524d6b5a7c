//! brownout: a deterministic discrete-event simulator of distributed call graphs.

pub mod base;
pub mod cli;
pub mod import;
pub mod kernel;
pub mod measure;
pub mod mechanism;
pub mod model;
pub mod policy;
pub mod report;
pub mod scenario;
