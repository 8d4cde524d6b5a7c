//! What replications say together: first how often they ended how, then what their figures were. Where some runs collapse
//! and others do not, a mean over all of them describes no run that there is: it gets no interval, and means are told of
//! the runs that ended alike.

use crate::insight::statistics::{Estimate, ShareEstimate};
use crate::model::Verdict;

use super::replicate::Replications;

/// How often runs ended so.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Ending {
    /// `None` where nobody wanted to know.
    pub verdict: Option<Verdict>,
    /// In so many of all.
    pub share: ShareEstimate,
}

/// A figure over several runs.
#[derive(Clone, PartialEq, Debug)]
pub struct Averaged {
    /// Over all runs that have a sample; `None` where none has. Where runs ended differently it has no interval.
    pub all: Option<Estimate>,
    /// How many runs have a sample.
    pub samples: u32,
    /// Over the runs that ended alike, parallel to the endings; empty where all did.
    pub by_ending: Vec<Option<Estimate>>,
}

impl Replications {
    /// How often runs ended how, from good to bad; only those endings that there are.
    pub fn endings(&self) -> Vec<Ending> {
        let of = self.runs.len() as u32;
        let mut endings: Vec<Option<Verdict>> = self.runs.iter().map(|run| run.verdict).collect();
        endings.sort_unstable();
        endings.dedup();
        let count = |verdict| self.runs.iter().filter(|run| run.verdict == verdict).count() as u32;
        let ending = |verdict| Ending { verdict, share: ShareEstimate::of(count(verdict), of) };
        endings.into_iter().map(ending).collect()
    }

    /// In how many runs the verdict is `worst` or better: what is called a success of a scenario that may fail.
    pub fn at_most(&self, worst: Verdict) -> ShareEstimate {
        let is_so = |verdict: Option<Verdict>| verdict.is_some_and(|verdict| verdict <= worst);
        let count = self.runs.iter().filter(|run| is_so(run.verdict)).count() as u32;
        ShareEstimate::of(count, self.runs.len() as u32)
    }

    /// The measure at `place` over all runs.
    pub fn averaged(&self, place: usize) -> Averaged {
        let values: Vec<f64> = self.values(place).flatten().collect();
        let endings = self.endings();
        let estimate = |values: &[f64]| (!values.is_empty()).then(|| Estimate::of(values));
        let all = estimate(&values);
        let samples = values.len() as u32;
        if endings.len() <= 1 {
            return Averaged { all, samples, by_ending: Vec::new() };
        }
        let with = |ending: &Ending| {
            let runs = self.runs.iter().zip(self.values(place)).filter(|(run, _)| run.verdict == ending.verdict);
            estimate(&runs.filter_map(|(_, value)| value).collect::<Vec<f64>>())
        };
        let by_ending = endings.iter().map(with).collect();
        let all = all.map(|all| Estimate { half_width: None, ..all });
        Averaged { all, samples, by_ending }
    }

    /// In how many runs expectation `place` of `model` held; what has no sample does not.
    pub fn held(&self, model: &crate::model::Model, place: usize) -> ShareEstimate {
        let expectation = &model.expectations[place];
        let bound = expectation.bound.value();
        let holds = |value: Option<f64>| value.is_some_and(|value| expectation.comparison.holds(value, bound));
        let held = self.runs.iter().filter(|run| holds(run.measured.get(place).copied().flatten()));
        ShareEstimate::of(held.count() as u32, self.runs.len() as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::super::replicate::made_up as runs;
    use super::*;

    #[test]
    fn a_mean_over_mixed_endings_has_no_interval() {
        use Verdict::{Metastable, Recovered};
        let same = runs(&[(Recovered, 0.9), (Recovered, 0.8), (Recovered, 0.7)]).averaged(0);
        assert!(same.all.unwrap().half_width.is_some() && same.by_ending.is_empty());

        let mixed = runs(&[(Recovered, 0.9), (Metastable, 0.1), (Recovered, 0.8), (Metastable, 0.2), (Recovered, 0.7)]);
        let averaged = mixed.averaged(0);
        assert_eq!(averaged.all.unwrap().half_width, None);
        let within: Vec<f64> = averaged.by_ending.iter().map(|it| it.unwrap().mean).collect();
        assert!((within[0] - 0.8).abs() < 1e-12 && (within[1] - 0.15).abs() < 1e-12);
        assert!(averaged.by_ending.iter().all(|it| it.unwrap().half_width.is_some()));
        let endings = mixed.endings();
        assert_eq!((endings[0].verdict, endings[0].share.count), (Some(Recovered), 3));
        assert_eq!((endings[1].verdict, endings[1].share.count), (Some(Metastable), 2));
        assert_eq!(mixed.at_most(Recovered).count, 3);
    }
}
