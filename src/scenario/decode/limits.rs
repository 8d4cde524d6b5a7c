//! What zones mean for a client.

use crate::model::ZoneAware;

use super::words::Words;

impl Words for ZoneAware {
    const WHAT: &'static str = "what zones mean";
    const WORDS: &'static [(&'static str, Self)] =
        &[("off", ZoneAware::Off), ("prefer", ZoneAware::Prefer), ("envoy", ZoneAware::Envoy)];
    const LATER: &'static [&'static str] = &[];
}
