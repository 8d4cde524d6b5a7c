//! Floor 7: experiments, which take many runs: replications with their statistics, comparisons of scenarios, sweeps,
//! tipping points, and the proof that the simulator says what theory says. Runs go in parallel; what comes out does not depend on how many go at
//! once.
//!
//! `replicate` runs a scenario with other seeds and keeps its figures, `outcomes` says what runs have in common, `course`
//! how they went over time; `compare` pairs the runs of several scenarios; `sweep` is the table of many combinations;
//! `tip` looks for the values up to which it ends well; `advise` finds out which changes help, and `audit` what runs say that
//! paper does not.

mod advise;
mod audit;
mod compare;
mod course;
mod expression;
mod index;
mod outcomes;
mod replicate;
mod sweep;
mod tip;
mod validate;

pub use advise::{Advice, Cure, Effect, Figure, Figures, NoAdvice, Patient, Tried, advise};
pub use audit::{Blast, MeasuredAudit, blast, measured_audit};
pub use compare::{
    ARMS_MAX, Against, Arm, BATCH, CONFIDENCE, Call, ComparedArm, Comparison, Difference, Flip, Plan, compare, compared,
};
pub use course::{Band, Course, Line, ServiceCourse, WorkloadCourse};
pub use index::{Case, Cases, ProofRun, Row, Tolerance, Unit, proof, proof_file, proof_files};
pub use outcomes::{Averaged, Ending};
pub use replicate::{Estimate, Ran, Replication, Replications, Wanted, Watch, replicate, replications, run, seed_of};
pub use sweep::{RUNS_MAX, SweepRow, combinations};
pub use tip::{
    Boundary, Criterion, Direction, ModelAt, Outcome, Phase, PhaseDiagram, PhaseMap, Point, Spread, TIP_CONFIDENCE,
    TIP_REPLICATIONS, TipEnded, TipPlan, boundary, phase_diagram,
};
pub use validate::{STANDARD_ERRORS_MIN, Stage, Validated, ValidatedRow, validate};
