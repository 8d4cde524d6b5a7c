//! What the loader has to say: diagnostics with codes and places, and their look.

pub(crate) mod catalogue;
mod diagnostic;
mod notice;
mod render;
mod source;

pub(crate) use catalogue::Code;
pub use diagnostic::Diagnostics;
pub(crate) use diagnostic::{Diagnostic, Findings};
pub(crate) use notice::site;
pub use notice::{Notice, Site};
pub(crate) use source::{Insertion, Place, SourceId, Sources};
