//! Steps: names resolved, sums and needs checked.

use super::client::{policy, retry};
use super::names::Names;
use super::workload::{is_whole, percent};
use super::{Atlas, CallSite, PublishSite, Resource, ResourceUse};
use crate::base::time::Span;
use crate::model::{Branch, ClientId, EndpointId, Fallback, Id, Need, Publish, PublishWait, Step};
use crate::scenario::decode::{
    ArmForm, BranchForm, ClientName, Cx, EndpointName, FallbackForm, Field, NeedForm, NotZero, StepForm, StepKind,
    Steps, Word,
};
use crate::scenario::language::{EndpointKeys, PublishKeys};
use crate::scenario::say::{Place, catalogue};

/// The kernel counts iterations in 31 bits.
pub(super) const REPEATS_MAX: u64 = 1 << 31;

pub(super) fn steps(
    endpoint: EndpointId,
    keys: &EndpointKeys,
    names: &Names<'_>,
    atlas: &mut Atlas,
    cx: &mut Cx<'_>,
) -> Vec<Step> {
    let Some(steps) = keys.steps.value() else { return Vec::new() };
    if steps.0.is_empty() {
        cx.say(&catalogue::NO_ITEMS, keys.steps.place(), "an endpoint needs at least one step")
            .help("for one that answers at once, write `steps = [{ work = \"0s\" }]`");
    }
    let stream = policy(&keys.stream).map(|_| keys.stream.key_place());
    Builder { endpoint, names, atlas, cx, repeats: 1, branch: false, fetch: false, standby: false, stream }.list(steps)
}

struct Builder<'b, 'c, 'k> {
    endpoint: EndpointId,
    names: &'b Names<'k>,
    atlas: &'b mut Atlas,
    cx: &'b mut Cx<'c>,
    /// How often the current list runs at most, from all repeats around it.
    repeats: u64,
    /// Whether the current list runs beside others.
    branch: bool,
    /// Whether it fetches something for a cache.
    fetch: bool,
    /// Whether it stands in for the answer of a call.
    standby: bool,
    /// Where it stands that the endpoint streams, if it does.
    stream: Option<Place>,
}

impl Builder<'_, '_, '_> {
    fn list(&mut self, steps: &Steps) -> Vec<Step> {
        let ends = |step: &StepForm| matches!(step.kind, StepKind::Forward { .. } | StepKind::Fail);
        if let Some(at) = steps.0.iter().position(ends)
            && let Some(next) = steps.0.get(at + 1)
        {
            self.atlas.unreachable.push((next.place, steps.0[at].place));
        }
        steps.0.iter().filter_map(|step| self.step(step)).collect()
    }

    fn step(&mut self, step: &StepForm) -> Option<Step> {
        Some(match &step.kind {
            StepKind::Work { work, contention: Span::ZERO } => Step::Work(work.clone()),
            StepKind::Work { work, contention } => Step::ContendedWork { work: work.clone(), each: *contention },
            StepKind::Sleep(time) => Step::Sleep(time.clone()),
            StepKind::Call { endpoint: to, client, optional, priority, priority_place, read, read_place, .. } => {
                let fallback = self.fallback(step);
                let read_place = read.is_some().then_some(*read_place);
                let (endpoint, client) = self.call(to, client, false, read_place)?;
                if priority_place.is_somewhere() {
                    self.atlas.priorities.push((*priority_place, endpoint));
                }
                let read = read.clone();
                let fallback = fallback.map(|fallback| self.limited(fallback, to.text.as_str(), client));
                Step::Call { endpoint, client, optional: *optional, priority: *priority, read, fallback }
            }
            StepKind::Forward { endpoint, client } => {
                self.only_outside_of_branches(step.place, "forward");
                self.only_outside_of_fetches(step.place, "forward");
                self.only_outside_of_fallbacks(step.place, "forward");
                self.not_before_a_stream(step.place, "forward");
                let (endpoint, client) = self.call(endpoint, client, true, None)?;
                Step::Forward { endpoint, client }
            }
            StepKind::Parallel { branches, need, need_place } => self.parallel(branches, *need, *need_place),
            StepKind::Choose(arms) => self.choose(step.place, arms),
            StepKind::Repeat { times, steps } => self.repeat(step.place, *times, steps),
            StepKind::Hold { pool, steps } => {
                let place = pool.place;
                let pool = self.names.pool(pool, self.cx);
                self.atlas.uses.extend(pool.map(|pool| ResourceUse {
                    by: self.endpoint,
                    what: Resource::Pool(pool),
                    place,
                }));
                let steps = self.list(steps);
                Step::Hold { pool: pool?, steps }
            }
            StepKind::Cached { cache, key, key_place, miss } => {
                let place = cache.place;
                let cache = self.names.cache(cache, self.cx);
                let key_place = *key_place;
                self.atlas.uses.extend(cache.map(|cache| ResourceUse {
                    by: self.endpoint,
                    what: Resource::Cache { cache, keys: key.as_ref().map(|keys| keys.count()), key_place },
                    place,
                }));
                let outer = std::mem::replace(&mut self.fetch, true);
                let miss = self.list(miss);
                self.fetch = outer;
                Step::Cached { cache: cache?, key: key.clone(), miss }
            }
            StepKind::Publish(keys) => Step::Publish(Box::new(self.publish(keys)?)),
            StepKind::Reply => {
                self.only_outside_of_branches(step.place, "reply");
                self.only_outside_of_fetches(step.place, "reply");
                self.only_outside_of_fallbacks(step.place, "reply");
                self.not_before_a_stream(step.place, "reply");
                Step::Reply
            }
            StepKind::Fail => Step::Fail,
            StepKind::Bad => return None,
        })
    }

    /// What stands in for the answer of a call.
    fn fallback(&mut self, step: &StepForm) -> Option<Box<Fallback>> {
        let StepKind::Call { fallback: Some(form), fallback_place, optional, optional_place, .. } = &step.kind else {
            return None;
        };
        if *optional {
            self.cx
                .say(&catalogue::EXCLUDE, *optional_place, "a call that has a fallback need not be optional")
                .also(*fallback_place, "this stands in for its answer")
                .help("remove `optional`: with `fallback = \"constant\"` the handler always goes on");
        }
        Some(Box::new(match form {
            FallbackForm::Constant => Fallback::Steps(Vec::new()),
            FallbackForm::LastGood(name) => {
                let cache = self.names.cache(name, self.cx)?;
                self.atlas.uses.push(ResourceUse {
                    by: self.endpoint,
                    what: Resource::Standby(cache),
                    place: name.place,
                });
                Fallback::LastGood(cache)
            }
            FallbackForm::Steps(steps) => {
                let calls = self.atlas.calls.len();
                let outer = std::mem::replace(&mut self.standby, true);
                let steps = self.list(steps);
                self.standby = outer;
                self.atlas.calls[calls..].iter_mut().for_each(|call| call.is_standby = true);
                Fallback::Steps(steps)
            }
        }))
    }

    /// The same, within the limit of fallbacks that its client has: a pool of permits for each replica of the caller and each
    /// endpoint that it calls, for which nobody waits.
    fn limited(&mut self, mut fallback: Box<Fallback>, to: &str, client: ClientId) -> Box<Fallback> {
        let limit = self.atlas.fallback_limits.get(client.index()).copied().flatten();
        // What stands in at once never meets another one.
        if let (Fallback::Steps(steps), Some((size, place))) = (&mut *fallback, limit)
            && !steps.is_empty()
        {
            let name = format!("fallbacks {} -> {to}", self.names.service_of(self.endpoint));
            let pool = self.atlas.fallback_pool(name, size, place);
            self.atlas.uses.push(ResourceUse { by: self.endpoint, what: Resource::Pool(pool), place });
            *steps = vec![Step::Hold { pool, steps: std::mem::take(steps) }];
        }
        fallback
    }

    /// What would answer the handler's caller does not stand in for the answer of a call.
    fn only_outside_of_fallbacks(&mut self, place: Place, verb: &str) {
        if self.standby {
            self.cx
                .say(&catalogue::STEP_PLACE, place, format!("`{verb}` cannot stand in the `fallback` of a call"))
                .label("the handler goes on behind the call")
                .help("stand in with a `call`");
        }
    }

    fn call(
        &mut self,
        name: &EndpointName,
        client: &Field<ClientName>,
        is_forward: bool,
        read: Option<Place>,
    ) -> Option<(EndpointId, ClientId)> {
        let to = self.names.endpoint(name, self.cx);
        let client = client.value().and_then(|client| self.names.client(client, self.cx));
        let (to, client) = (to?, client?);
        self.atlas.calls.push(CallSite {
            from: self.endpoint,
            to,
            client,
            is_forward,
            is_standby: false,
            place: name.place,
            read,
        });
        Some((to, client))
    }

    fn publish(&mut self, keys: &PublishKeys) -> Option<Publish> {
        let wait = keys.wait.value().map_or(PublishWait::Nothing, |Word(word)| *word);
        let timeout = keys.timeout.or_default().0.map(|NotZero(span)| span);
        let retry = policy(&keys.retry).map(|keys| Box::new(retry(keys, self.cx)));
        let useless = [
            ("timeout", timeout.is_some().then(|| keys.timeout.key_place())),
            ("retry", retry.is_some().then(|| keys.retry.key_place())),
        ];
        for (name, place) in useless.into_iter().filter_map(|(name, place)| Some((name, place?))) {
            if wait == PublishWait::Nothing {
                self.cx
                    .say(&catalogue::PARTNER, place, format!("`{name}` needs somebody who waits"))
                    .label("nobody learns whether the message was stored")
                    .help("add `wait = \"acknowledged\"`");
            }
        }
        let name = keys.publish.value()?;
        let topic = self.names.destination(name, self.cx)?;
        let (place, key_place) = (name.place, keys.key.key_place());
        let wait_place = keys.wait.place();
        self.atlas.publishes.push(PublishSite { from: self.endpoint, to: topic, place, key_place, wait, wait_place });
        Some(Publish {
            topic,
            wait,
            timeout,
            retry,
            is_optional: keys.optional.or_default(),
            key: keys.key.given().cloned(),
            size: keys.size.value().cloned().unwrap_or_default(),
        })
    }

    fn only_outside_of_branches(&mut self, place: Place, verb: &str) {
        if self.branch {
            self.cx
                .say(&catalogue::STEP_PLACE, place, format!("`{verb}` cannot stand in a branch of `parallel`"))
                .label("the other branches would still run for the same answer")
                .help(format!("write `{verb}` behind the `parallel` step"));
        }
    }

    fn only_outside_of_fetches(&mut self, place: Place, verb: &str) {
        if self.fetch {
            self.cx
                .say(&catalogue::STEP_PLACE, place, format!("`{verb}` cannot stand in the `miss` of a cache"))
                .label("what is fetched must come back, and may be fetched for nobody in particular")
                .help(format!("fetch with a `call`, and write `{verb}` behind the `cache` step"));
        }
    }

    fn not_before_a_stream(&mut self, place: Place, verb: &str) {
        if let Some(stream) = self.stream {
            self.cx
                .say(&catalogue::STREAM, place, format!("`{verb}` cannot stand in an endpoint that streams"))
                .label("the answer would be given before the first message")
                .also(stream, "the answer is a stream")
                .help(format!("remove `{verb}`, or write an endpoint of its own for it"));
        }
    }

    fn parallel(&mut self, forms: &[BranchForm], need: NeedForm, need_place: Place) -> Step {
        let outer = std::mem::replace(&mut self.branch, true);
        let branches: Vec<Branch> = forms
            .iter()
            .map(|form| Branch { steps: self.list(&form.steps), optional: form.optional.is_some() })
            .collect();
        self.branch = outer;
        let count = forms.len() as u32;
        let need = match need {
            NeedForm::All => Need::All,
            NeedForm::Any => Need::Any,
            NeedForm::AtLeast(least) => {
                if least > count {
                    self.cx
                        .say(&catalogue::NEED, need_place, format!("{least} of {count} branches can never succeed"))
                        .help(format!("write at most `need = {count}`"));
                }
                Need::AtLeast(least)
            }
        };
        if need != Need::All
            && let Some(place) = forms.iter().find_map(|form| form.optional)
        {
            self.cx
                .say(&catalogue::NEED, place, "no branch is optional when only some of them are needed")
                .also(need_place, "this many must succeed")
                .help("remove `optional`, or write `need = \"all\"`");
        }
        Step::Parallel { branches, need }
    }

    fn choose(&mut self, place: Place, arms: &[ArmForm]) -> Step {
        let is_readable = arms.iter().all(|arm| arm.share.is_some());
        let sum: f64 = arms.iter().filter_map(|arm| arm.share).map(|share| share.as_f64()).sum();
        if is_readable && !is_whole(sum) {
            let diagnostic =
                self.cx.say(&catalogue::SHARES, place, format!("the shares sum to {}, not to 100%", percent(sum)));
            diagnostic.help(if sum < 1.0 {
                format!("for doing nothing, add an arm: `{{ share = \"{}\", steps = [] }}`", percent(1.0 - sum))
            } else {
                "make the shares of the arms sum to 100%".to_owned()
            });
        }
        Step::Choose(arms.iter().map(|arm| (arm.share.unwrap_or_default(), self.list(&arm.steps))).collect())
    }

    fn repeat(&mut self, place: Place, times: u32, steps: &Steps) -> Step {
        let outer = self.repeats;
        self.repeats = outer.saturating_mul(times.into());
        if self.repeats >= REPEATS_MAX && outer < REPEATS_MAX {
            let product = self.repeats;
            self.cx
                .say(&catalogue::TOO_OFTEN, place, format!("these steps would run {product} times for each request"))
                .note("repeats inside repeats multiply")
                .help("the product must be below 2147483648");
        }
        let steps = self.list(steps);
        self.repeats = outer;
        Step::Repeat { times, steps }
    }
}
