//! Random steps become those of an endpoint, whatever the numbers are.

use super::*;

/// Makes steps for the endpoints of one service.
pub(super) struct Kitchen {
    /// The first endpoint further on.
    pub(super) first: usize,
    /// All endpoints.
    pub(super) endpoints: usize,
    /// All clients.
    pub(super) clients: usize,
    pub(super) pools: usize,
    pub(super) caches: usize,
}

impl Kitchen {
    pub(super) fn list(&self, steps: &[StepRecipe], in_branch: bool) -> Vec<Step> {
        steps.iter().filter_map(|step| self.step(step, in_branch)).collect()
    }

    fn further_on(&self, to: u32) -> Option<EndpointId> {
        let count = self.endpoints - self.first;
        (count > 0).then(|| EndpointId::new(self.first + to as usize % count))
    }

    fn client(&self, client: u32) -> ClientId {
        ClientId::new(client as usize % self.clients)
    }

    /// What stands in for the answer of a call: often nothing.
    fn fallback(&self, kind: u32) -> Option<Fallback> {
        match kind % 8 {
            0 => Some(Fallback::Steps(Vec::new())),
            1 => Some(Fallback::Steps(vec![Step::Work("100us".parse().expect("a constant")), Step::Fail])),
            2 => Some(Fallback::Steps(vec![Step::Sleep("1ms".parse().expect("a constant"))])),
            3 => Some(Fallback::LastGood(CacheId::new(kind as usize / 8 % self.caches))),
            _ => None,
        }
    }

    fn step(&self, step: &StepRecipe, in_branch: bool) -> Option<Step> {
        Some(match step {
            StepRecipe::Work(demand) => Step::Work(demand.clone()),
            StepRecipe::Sleep(length) => Step::Sleep(length.clone()),
            StepRecipe::Contended(demand) => Step::ContendedWork { work: demand.clone(), each: Span::from_micros(300) },
            StepRecipe::Call { to, client, optional, priority } => Step::Call {
                endpoint: self.further_on(*to)?,
                client: self.client(*client),
                optional: *optional,
                priority: *priority,
                read: None,
                fallback: self.fallback(*client / 16).map(Box::new),
            },
            StepRecipe::Hold { pool, steps } => {
                Step::Hold { pool: PoolId::new(*pool as usize % self.pools), steps: self.list(steps, in_branch) }
            }
            // Half of the lookups have keys of their own. None stands in the fetch of another: it might wait for itself. What
            // is fetched comes back, so that nothing is handed over there.
            StepRecipe::Cached { cache, miss } => {
                let miss: Vec<StepRecipe> =
                    miss.iter().filter(|step| !matches!(step, StepRecipe::Cached { .. })).cloned().collect();
                Step::Cached {
                    cache: CacheId::new(*cache as usize % self.caches),
                    key: (cache % 2 == 0).then(|| "zipf(1.0, 30)".parse().expect("keys")),
                    miss: self.list(&miss, true),
                }
            }
            // Never without a timeout, or a circle of calls might wait for itself for ever.
            StepRecipe::CallBack { to, client } => {
                let endpoint = EndpointId::new(*to as usize % self.endpoints);
                let client = ClientId::new(1 + *client as usize % (self.clients - 1));
                let call = Step::Call { endpoint, client, optional: false, priority: None, read: None, fallback: None };
                Step::Choose(vec![(share(95), Vec::new()), (share(5), vec![call])])
            }
            StepRecipe::Forward { .. } | StepRecipe::Reply if in_branch => return None,
            StepRecipe::Forward { to, client } => {
                Step::Forward { endpoint: self.further_on(*to)?, client: self.client(*client) }
            }
            StepRecipe::Parallel { branches, need } => {
                let need = match need % 3 {
                    0 => Need::All,
                    1 => Need::Any,
                    _ => Need::AtLeast(1 + need / 3 % branches.len() as u32),
                };
                let branches = branches.iter().map(|(optional, steps)| Branch {
                    steps: self.list(steps, true),
                    optional: *optional && need == Need::All,
                });
                Step::Parallel { branches: branches.collect(), need }
            }
            StepRecipe::Choose(arms) => {
                let total: u32 = arms.iter().map(|(weight, _)| weight).sum();
                let share = |weight: u32| Share::new(f64::from(weight) / f64::from(total)).expect("a share");
                Step::Choose(arms.iter().map(|(w, steps)| (share(*w), self.list(steps, in_branch))).collect())
            }
            StepRecipe::Repeat { times, steps } => Step::Repeat { times: *times, steps: self.list(steps, in_branch) },
            StepRecipe::Reply => Step::Reply,
            StepRecipe::Fail => Step::Fail,
        })
    }
}
