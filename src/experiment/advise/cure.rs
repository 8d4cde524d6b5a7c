//! A cure: keys with other values, as an overlay of the scenario's file. What is tried is the file with that overlay below
//! it, so that what is printed can be pasted as it is.

/// How a cure changes a file, and what it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cure {
    /// Its kind: `lifo`.
    pub kind: String,
    /// Where: the name of a service, a client, a cache, ..
    pub place: String,
    /// In words.
    pub what: String,
    /// Paths of keys and their values, as TOML.
    pub lines: Vec<(String, String)>,
    /// What everybody tries first, whether or not it helps; and what it is that it does not change.
    pub belief: Option<&'static str>,
    /// What has to be true so that it may be done; empty where nothing has.
    pub proviso: &'static str,
}

impl Cure {
    pub(super) fn new(kind: &str, place: &str, what: impl Into<String>) -> Cure {
        Cure {
            kind: kind.to_owned(),
            place: place.to_owned(),
            what: what.into(),
            lines: Vec::new(),
            belief: None,
            proviso: "",
        }
    }

    /// Sets the key at `path`; `value` is TOML.
    pub(super) fn set(mut self, path: impl Into<String>, value: impl Into<String>) -> Cure {
        self.lines.push((path.into(), value.into()));
        self
    }

    /// Says that everybody believes in it, and what it does not change.
    pub(super) fn believed(mut self, why_not: &'static str) -> Cure {
        self.belief = Some(why_not);
        self
    }

    /// Says what has to be true so that it may be done.
    pub(super) fn only_if(mut self, proviso: &'static str) -> Cure {
        self.proviso = proviso;
        self
    }

    /// Both at once; `None` where they change the same key.
    pub(super) fn with(&self, other: &Cure) -> Option<Cure> {
        let clash = |(a, _): &(String, String)| other.lines.iter().any(|(b, _)| is_in(a, b) || is_in(b, a));
        if self.lines.iter().any(clash) {
            return None;
        }
        Some(Cure {
            kind: format!("{} + {}", self.kind, other.kind),
            place: if self.place == other.place {
                self.place.clone()
            } else {
                format!("{} + {}", self.place, other.place)
            },
            what: format!("{}; {}", self.what, other.what),
            lines: self.lines.iter().chain(&other.lines).cloned().collect(),
            belief: None,
            proviso: if self.proviso.is_empty() { other.proviso } else { self.proviso },
        })
    }

    /// As a variant of the file, called `name`.
    pub fn overlay(&self, name: &str) -> String {
        let lines = self.lines.iter().map(|(path, value)| format!("{path} = {value}\n"));
        format!("[variant.{name}]\n{}", lines.collect::<String>())
    }
}

/// Whether the key at the path `inner` is that at `outer`, or one in it.
pub(super) fn is_in(inner: &str, outer: &str) -> bool {
    inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_cures_go_together_unless_they_change_the_same_key() {
        let lifo = Cure::new("lifo", "api", "newest first").set("service.api.discipline", "\"lifo\"");
        let fifo = Cure::new("fifo", "api", "oldest first").set("service.api.discipline", "\"fifo\"");
        let retry = Cure::new("no-retries", "app", "no retries").set("client.app.retry", "\"none\"");
        let jitter = Cure::new("jitter", "app", "jitter").set("client.app.retry.jitter", "\"full\"");
        assert_eq!(lifo.with(&fifo), None);
        assert_eq!(retry.with(&jitter), None, "a table and a key of it");
        let both = lifo.with(&retry).unwrap();
        assert_eq!((both.kind.as_str(), both.place.as_str()), ("lifo + no-retries", "api + app"));
        assert_eq!(
            both.overlay("advised"),
            "[variant.advised]\nservice.api.discipline = \"lifo\"\nclient.app.retry = \"none\"\n"
        );
    }
}
