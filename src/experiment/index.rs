//! The index of the proof: which case is which scenario with which settings, and what must come out. It is a data file
//! beside the scenarios, `scenarios/proof/index.toml`; both are embedded.

use serde::Deserialize;

use super::expression::Expression;

/// Every case.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cases {
    /// In the order of the file.
    #[serde(rename = "case")]
    pub cases: Vec<Case>,
}

/// Results that belong together.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What it is called: `Q01`, `C1-280`.
    pub name: String,
    /// What it shows, as a phrase.
    pub shows: String,
    /// What is simulated for it.
    #[serde(rename = "run")]
    pub runs: Vec<ProofRun>,
}

/// A scenario with settings.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProofRun {
    /// The name of its file in `scenarios/proof`, without `.toml`.
    pub file: String,
    /// What is set, as `--set` takes it.
    #[serde(default)]
    pub set: Vec<String>,
    /// Variants that are laid over the file.
    #[serde(default)]
    pub variants: Vec<String>,
    /// What makes it differ from the other runs of the case, as a phrase.
    #[serde(default)]
    pub label: String,
    /// How often it runs, each time with another seed.
    #[serde(default = "once")]
    pub replications: u32,
    /// What must come out.
    pub rows: Vec<Row>,
}

/// A result.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// What the collection of reference results calls it.
    pub name: String,
    /// What is measured: a metric of expectations such as `goodput(users)`, or arithmetic with several; see
    /// [`validate`](super::validate).
    #[serde(deserialize_with = "expression")]
    pub metric: Expression,
    /// In what it is measured.
    #[serde(default)]
    pub unit: Unit,
    /// Which replications count, where runs of one kind end in more than one way: those in which this is 1 in the same
    /// time, such as `holds(goodput(users) >= 50%)`. All of them without it.
    #[serde(default, deserialize_with = "some_expression")]
    pub among: Option<Expression>,
    /// Start of the time in which it is measured; the end of the warm-up without it.
    pub after: Option<String>,
    /// End of the time in which it is measured; the end of the run without it.
    pub until: Option<String>,
    /// What must come out, in `unit`; a share is a part of 1.
    pub expected: f64,
    /// How far off it may be.
    #[serde(deserialize_with = "tolerance")]
    pub tolerance: Tolerance,
    /// The formula or the publication that the expected value comes from.
    pub source: String,
}

/// How far a measured value may be off.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Tolerance {
    /// Not at all.
    Exact,
    /// As a part of the expected value.
    Relative(f64),
    /// In the unit of the value.
    Absolute(f64),
}

impl Tolerance {
    /// In the unit of the value.
    pub fn around(self, expected: f64) -> f64 {
        match self {
            Tolerance::Exact => 0.0,
            Tolerance::Relative(share) => share * expected.abs(),
            Tolerance::Absolute(width) => width,
        }
    }
}

/// The unit of a measured value.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
pub enum Unit {
    /// Seconds.
    #[serde(rename = "s")]
    Seconds,
    /// A number per second.
    #[serde(rename = "/s")]
    PerSecond,
    /// A part of a whole.
    #[serde(rename = "share")]
    Share,
    /// A plain number.
    #[default]
    #[serde(rename = "")]
    Number,
}

fn once() -> u32 {
    1
}

fn expression<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Expression, D::Error> {
    String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
}

fn some_expression<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Expression>, D::Error> {
    expression(from).map(Some)
}

/// `exact`, `2%` of the expected value, or a number in its unit.
fn tolerance<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Tolerance, D::Error> {
    let text = String::deserialize(from)?;
    let wrong = || serde::de::Error::custom(format!("`{text}` is no tolerance: write `exact`, `2%` or `0.02`"));
    match (text.as_str(), text.strip_suffix('%')) {
        ("exact", _) => Ok(Tolerance::Exact),
        (_, Some(percent)) => percent.parse().map(|it: f64| Tolerance::Relative(it / 100.0)).map_err(|_| wrong()),
        (number, None) => number.parse().map(Tolerance::Absolute).map_err(|_| wrong()),
    }
}

macro_rules! files {
    ($($name:literal)*) => {
        &[$(($name, include_str!(concat!("../../scenarios/proof/", $name, ".toml")))),*]
    };
}

/// The scenarios of the proof, by name.
static FILES: &[(&str, &str)] = files!(
    "batch"
    "breakdowns"
    "client-throttling"
    "contention"
    "expiry"
    "fan-out"
    "hedging"
    "herd"
    "jackson"
    "layers"
    "look-aside"
    "lru"
    "modulated"
    "optimistic"
    "outage"
    "patience"
    "pause"
    "priority"
    "probe"
    "repairman"
    "retrial"
    "retry-throttling"
    "servers"
    "sharing"
    "slow-dependency"
    "stampede"
    "station"
    "tandem"
    "three-stations"
    "token-bucket"
);

/// The text of the scenario `name` of the proof.
pub fn proof_file(name: &str) -> Option<&'static str> {
    FILES.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// The names of the scenarios of the proof, sorted.
pub fn proof_files() -> impl Iterator<Item = &'static str> {
    FILES.iter().map(|(name, _)| *name)
}

/// Every case of the proof.
///
/// # Panics
///
/// Never: a test reads the embedded file, too.
pub fn proof() -> Cases {
    toml::from_str(include_str!("../../scenarios/proof/index.toml")).expect("the embedded index is right")
}

impl Cases {
    /// The names of all cases.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.cases.iter().map(|case| case.name.as_str())
    }

    /// Only the cases with these names, in the order of the file.
    pub fn only(mut self, names: &[String]) -> Cases {
        self.cases.retain(|case| names.contains(&case.name));
        self
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn the_index_can_be_read_and_names_each_case_and_file_once() {
        let index: Cases = toml::from_str(include_str!("../../scenarios/proof/index.toml")).unwrap();
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        for case in &index.cases {
            *seen.entry(&case.name).or_default() += 1;
            for run in &case.runs {
                assert!(proof_file(&run.file).is_some(), "{}: there is no `{}`", case.name, run.file);
            }
        }
        assert!(seen.values().all(|count| *count == 1), "{seen:?}");
        for (name, _) in FILES {
            let used = index.cases.iter().flat_map(|case| &case.runs).any(|run| run.file == *name);
            assert!(used, "no case uses `{name}`");
        }
    }
}
