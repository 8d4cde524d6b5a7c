//! The delay of a hedge: fixed, or a quantile of what was seen.

use brownout::base::time::Span;
use brownout::policy::Outcomes;
use brownout::policy::hedge::{AnyHedge, Hedge, HedgeDelay, HedgeSettings};

fn hedge(after: HedgeDelay) -> AnyHedge {
    AnyHedge::from_settings(&HedgeSettings { after, attempts: 2, on: Outcomes::ALL, throttle: None })
}

fn p95() -> AnyHedge {
    hedge(HedgeDelay::Quantile("95%".parse().expect("a share")))
}

#[test]
fn a_fixed_delay_is_there_from_the_start() {
    let mut hedge = hedge(HedgeDelay::Fixed(Span::from_millis(50)));
    assert_eq!(hedge.delay(), Some(Span::from_millis(50)));
    hedge.answered(Span::from_secs(1));
    assert_eq!(hedge.delay(), Some(Span::from_millis(50)));
}

#[test]
fn a_percentile_is_that_of_the_last_thousand_answers() {
    let mut hedge = p95();
    for n in 1..=99 {
        hedge.answered(Span::from_millis(n));
        assert_eq!(hedge.delay(), None, "after {n} answers");
    }
    hedge.answered(Span::from_millis(100));
    assert_eq!(hedge.delay(), Some(Span::from_millis(95)));
    (101..=199).for_each(|n| hedge.answered(Span::from_millis(n)));
    assert_eq!(hedge.delay(), Some(Span::from_millis(95)), "it is worked out anew every hundred answers");
    hedge.answered(Span::from_millis(200));
    assert_eq!(hedge.delay(), Some(Span::from_millis(190)));
    (0..1_000).for_each(|_| hedge.answered(Span::from_millis(7)));
    assert_eq!(hedge.delay(), Some(Span::from_millis(7)), "what is older is forgotten");
}
