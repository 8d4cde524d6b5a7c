//! Other ways to call, for calls that are known already: gRPC, or a queue. Each is tried alone against the scenario as it
//! stands.

use super::cures;
use super::rank::Ruler;
use super::scene::Scene;
use super::trial::{Arm, Trial};
use super::{NoAdvice, Patient, Tried, free_name};
use crate::experiment::replicate::Watch;
use crate::insight::Insight;
use crate::model::{Edge, Model};
use crate::scenario::{Locator, variants};

/// The kinds of cures that are another way to call.
const KINDS: [&str; 2] = ["grpc", "queue-instead-of-call"];

impl Patient<'_> {
    /// What other ways to make each of `calls` do, parallel to them; and how many runs that took.
    pub(in crate::experiment) fn other_ways(
        &self,
        model: &Model,
        locator: &Locator,
        insight: &Insight,
        calls: &[Edge],
        watch: Watch<'_>,
    ) -> Result<(Vec<Vec<Tried>>, u32), NoAdvice> {
        let variant = free_name(&variants(self.name, self.bytes, self.files));
        let mut arms = Vec::new();
        let mut of_call: Vec<usize> = Vec::new();
        for (n, call) in calls.iter().enumerate() {
            let scene = Scene::of_call(model, locator, call);
            for cure in cures::catalogue(&scene).into_iter().filter(|cure| KINDS.contains(&cure.kind.as_str())) {
                if let Ok(cured) = self.cured(&cure, &variant) {
                    arms.push((cure, Arm::new(cured)));
                    of_call.push(n);
                }
            }
        }
        let mut all: Vec<Vec<Tried>> = vec![Vec::new(); calls.len()];
        if arms.is_empty() {
            return Ok((all, 0));
        }
        let mut trial = Trial::new(watch);
        let mut base = Arm::new(model.clone());
        trial.extend(std::slice::from_mut(&mut base), 0..self.replications).ok_or(NoAdvice::Interrupted)?;
        trial.run(&mut arms, 0..self.replications, &|_, _| true).ok_or(NoAdvice::Interrupted)?;
        let ruler = Ruler::new(model, insight, &base.runs);
        let others = arms.len();
        let base_figures = ruler.figures(&base, &base, others);
        for (n, (cure, arm)) in of_call.into_iter().zip(arms) {
            let figures = ruler.figures(&base, &arm, others);
            let effect = ruler.effect(&base_figures, &figures);
            all[n].push(Tried { cure, is_pair: false, figures, effect });
        }
        Ok((all, trial.done()))
    }
}
