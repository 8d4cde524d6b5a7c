//! The examples say what stands here.

#[path = "../../../examples/compare.rs"]
#[allow(dead_code, reason = "its main is for cargo")]
mod compare;
#[path = "../../../examples/observer.rs"]
#[allow(dead_code, reason = "its main is for cargo")]
mod observer;
#[path = "../../../examples/policy.rs"]
#[allow(dead_code, reason = "its main is for cargo")]
mod policy;
#[path = "../../../examples/sweep.rs"]
#[allow(dead_code, reason = "its main is for cargo")]
mod sweep;

#[test]
fn two_architectures_are_compared() {
    insta::assert_snapshot!(compare::differences());
}

#[test]
fn an_observer_sees_every_request() {
    insta::assert_snapshot!(observer::gap());
}

/// While its dependency stands still, a page without a breaker holds a thread for 500 ms, so that its 16 threads serve 32
/// of 50 pages a second: a fifth of the minute's pages and more is lost or late. With a breaker three in a row wait.
#[test]
fn a_breaker_of_ones_own_is_compared_with_none() {
    insta::assert_snapshot!(policy::comparison());
}

#[test]
fn a_sweep_is_a_table() {
    insta::assert_snapshot!(sweep::table());
}
