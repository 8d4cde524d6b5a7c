//! Scenarios that come with the program: the lessons of `scenarios/`, and templates to start from. They are
//! embedded as text, so that they are there wherever the program is.
//!
//! A lesson may name files beside it; those are embedded too and found by their file name.

use super::say::{Findings, Sources};
use super::tree::{Table, parse_file};

/// A scenario that comes with the program.
#[derive(Clone, Copy, Debug)]
pub struct Lesson {
    /// What it is called on the command line: the name of its file without `.toml`.
    pub name: &'static str,
    /// The whole file.
    pub text: &'static str,
}

macro_rules! embedded {
    ($folder:literal: $($name:literal)*) => {
        &[$(Lesson { name: $name, text: include_str!(concat!($folder, "/", $name, ".toml")) }),*]
    };
}

/// The lessons, by name.
pub static LESSONS: &[Lesson] = embedded!("../../scenarios":
    "adaptive-concurrency"
    "breaker-lockstep"
    "cache-stampede"
    "consumer-lag-death"
    "coordinated-omission"
    "death-spiral"
    "exactly-once-cost"
    "forty-node-meltdown"
    "grpc-sticky-connections"
    "hedging-tail"
    "hot-partition"
    "mesh-tax"
    "n-plus-one"
    "outlier-small-cluster"
    "poison-message"
    "queue-bloat"
    "queue-decouples"
    "reconnect-storm"
    "redelivery-storm"
    "rest-vs-grpc"
    "rest-vs-grpc-vs-queue"
    "retry-amplification"
    "retry-storm"
    "slow-reader"
    "thundering-herd"
    "two-zones"
);

/// Small scenarios to start from, the one to take when in doubt first.
pub static TEMPLATES: &[Lesson] = embedded!("templates": "chain" "fanout" "queue" "closed");

/// What lessons name beside themselves, by file name.
static COMPANIONS: &[(&str, &[u8])] = &[];

/// The lesson called `name`.
pub fn lesson(name: &str) -> Option<&'static Lesson> {
    LESSONS.iter().find(|lesson| lesson.name == name)
}

/// The file of `scenarios/` called `name`, be it a lesson or what a lesson names.
pub fn file(name: &str) -> Option<&'static [u8]> {
    let lesson = name.strip_suffix(".toml").and_then(lesson).map(|lesson| lesson.text.as_bytes());
    let companion = || COMPANIONS.iter().find(|(known, _)| *known == name).map(|(_, bytes)| *bytes);
    lesson.or_else(companion)
}

impl Lesson {
    /// What it teaches: the first sentence of its opening comment.
    pub fn about(&self) -> String {
        let is_for_editors = |line: &&str| line.starts_with("#:") || line.is_empty();
        let comment = self.text.lines().skip_while(is_for_editors).map_while(|line| line.strip_prefix('#'));
        let paragraph: Vec<&str> = comment.map(str::trim).take_while(|line| !line.is_empty()).collect();
        first_sentence(&paragraph.join(" ")).to_owned()
    }

    /// What pictures and tables call it.
    pub fn title(&self) -> String {
        let root = self.root();
        let title = root.get("title").and_then(|entry| entry.node.text());
        title.unwrap_or(self.name).to_owned()
    }

    /// The names of its variants, in the order of the file.
    pub fn variants(&self) -> Vec<String> {
        let root = self.root();
        let variants = root.get("variant").and_then(|entry| entry.node.table());
        variants.map(|variants| variants.keys().map(str::to_owned).collect()).unwrap_or_default()
    }

    fn root(&self) -> Table {
        let mut sources = Sources::default();
        let id = sources.add(self.name, self.text);
        parse_file(&sources, id, &mut Findings::default()).root
    }
}

/// Up to the first full stop, question or exclamation mark behind which another sentence starts.
fn first_sentence(text: &str) -> &str {
    let is_end = |at: usize| {
        let rest = &text[at..];
        rest.starts_with(' ') && rest.trim_start().starts_with(char::is_uppercase)
    };
    let mut ends = text.match_indices(['.', '!', '?']).map(|(at, mark)| at + mark.len());
    &text[..ends.find(|end| is_end(*end)).unwrap_or(text.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lesson_says_what_it_teaches_in_its_first_sentence() {
        let about = |text| Lesson { name: "name", text }.about();
        assert_eq!(about("# One line"), "One line");
        assert_eq!(about("#:schema schema.json\n\n# At 1.5 s it\n# melts. Then it\n# stays.\n"), "At 1.5 s it melts.");
        assert_eq!(about("# Caches, e.g. of prices, melt\n#\n# Another paragraph.\n"), "Caches, e.g. of prices, melt");
        assert_eq!(about("title = \"no comment\"\n# later\n"), "");
    }

    #[test]
    fn a_lesson_knows_its_title_and_its_variants() {
        let text = "title = \"A title\"\n[variant.z]\nseed = 1\n[variant.a.client.x]\n[service.s]\n[variant.m]\n";
        let lesson = Lesson { name: "name", text };
        assert_eq!(
            (lesson.title().as_str(), lesson.variants()),
            ("A title", ["z", "a", "m"].map(str::to_owned).to_vec())
        );
        let plain = Lesson { name: "name", text: "" };
        assert_eq!((plain.title().as_str(), plain.variants().len()), ("name", 0));
    }
}
