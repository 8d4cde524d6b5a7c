//! Whole runs on both agendas: every event at its time, the same.

use std::ops::ControlFlow;

use brownout::base::time::Time;
use brownout::kernel::agenda::{Agenda, Event};
use brownout::kernel::heap::Heap;
use brownout::kernel::wheel::Wheel;
use brownout::kernel::{End, Engine, Observer};
use brownout::model::Model;
use proptest::prelude::*;

use super::recipe::{Lengths, config, models};

/// Events that are compared at most: the head of a run says enough.
const EVENTS_MAX: usize = 300_000;

#[derive(Default)]
struct Trace(Vec<(Time, Event)>);

impl Observer for Trace {
    fn event(&mut self, now: Time, event: &Event) {
        if self.0.len() < EVENTS_MAX {
            self.0.push((now, *event));
        }
    }
}

fn trace<A: Agenda>(model: &Model) -> (Trace, End) {
    let mut engine = Engine::<A, Trace>::new(model, Trace::default());
    let end = engine.run(&mut |_| ControlFlow::Break(()));
    (engine.into_observer(), end)
}

/// The place of the first difference, with what comes before it.
fn difference(fast: &Trace, plain: &Trace) -> Option<String> {
    let same = fast.0.iter().zip(&plain.0).take_while(|(fast, plain)| fast == plain).count();
    let from = same.saturating_sub(3);
    let part = |trace: &Trace| -> Vec<String> {
        trace.0.iter().skip(from).take(5).map(|(time, event)| format!("{} {event:?}", time.as_nanos())).collect()
    };
    let differ = same < fast.0.len().max(plain.0.len());
    differ.then(|| format!("event {same} differs:\n{:#?}\n{:#?}", part(fast), part(plain)))
}

fn check(model: &Model) -> Result<(), TestCaseError> {
    let ((fast, fast_end), (plain, plain_end)) = (trace::<Wheel>(model), trace::<Heap>(model));
    prop_assert_eq!(difference(&fast, &plain), None);
    prop_assert_eq!(fast_end, plain_end);
    Ok(())
}

proptest! {
    #![proptest_config(config(300))]

    #[test]
    fn runs_full_of_ties_are_the_same_on_both_agendas(model in models(Lengths::Even)) {
        check(&model)?;
    }

    #[test]
    fn runs_of_every_kind_are_the_same_on_both_agendas(model in models(Lengths::Any)) {
        check(&model)?;
    }
}
