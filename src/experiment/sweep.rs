//! A sweep: every combination of the values of what varies, each several times. A row is one run, and depends on nothing
//! but its combination and its number: so a sweep that was cut short goes on where it stopped, and rows of several
//! processes or machines fit into one table.

use crate::base::vary::Vary;
use crate::model::Verdict;

use super::replicate::Ran;

/// The most runs of a sweep.
pub const RUNS_MAX: u64 = 10_000_000;

/// Every combination of the values, the first thing varying slowest: for each combination the place of its value in each
/// list.
pub fn combinations(vary: &[Vary]) -> Vec<Vec<usize>> {
    let mut all = vec![Vec::new()];
    for it in vary {
        let longer = |so_far: &Vec<usize>| -> Vec<Vec<usize>> {
            (0..it.values.len()).map(|value| so_far.iter().copied().chain([value]).collect()).collect()
        };
        all = all.iter().flat_map(longer).collect();
    }
    all
}

/// A row of the table: a run as text, so that what was written and read again is what was written first.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SweepRow {
    /// Which combination.
    pub combination: u32,
    /// Which of its runs.
    pub run: u32,
    /// The seed of the run.
    pub seed: u64,
    /// How it ended; empty where nobody wanted to know.
    pub verdict: String,
    /// Figures: their names and values; those without a sample are empty.
    pub figures: Vec<(String, String)>,
}

impl SweepRow {
    /// Of a run.
    pub fn of(combination: u32, ran: Ran) -> SweepRow {
        let text = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
        let names = ran.measures.into_iter().map(|measure| measure.name);
        SweepRow {
            combination,
            run: ran.replication.number,
            seed: ran.replication.seed,
            verdict: ran.replication.verdict.map_or("", Verdict::name).to_owned(),
            figures: names.zip(ran.replication.values.into_iter().map(text)).collect(),
        }
    }

    /// The figure called `name`.
    pub fn figure(&self, name: &str) -> Option<f64> {
        self.figures.iter().find(|(known, _)| known == name).and_then(|(_, value)| value.parse().ok())
    }

    /// Whether users noticed nothing any more at the end; `None` where nobody wanted to know.
    pub fn ended_well(&self) -> Option<bool> {
        let verdict = Verdict::ALL.into_iter().find(|verdict| verdict.name() == self.verdict)?;
        Some(verdict <= Verdict::Recovered)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_varies_slowest() {
        let vary = |text: &str| text.parse::<Vary>().unwrap();
        let all = combinations(&[vary("a=1,2"), vary("b=x,y,z")]);
        assert_eq!(all, [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2]]);
        assert_eq!(combinations(&[]), [Vec::<usize>::new()]);
    }
}
