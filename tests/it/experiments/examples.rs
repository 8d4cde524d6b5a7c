//! The examples say what stands here.

#[path = "../../../examples/compare.rs"]
#[allow(dead_code, reason = "its main is for cargo")]
mod compare;
#[path = "../../../examples/observer.rs"]
#[allow(dead_code, reason = "its main is for cargo")]
mod observer;
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

#[test]
fn a_sweep_is_a_table() {
    insta::assert_snapshot!(sweep::table());
}
