//! Floor 7: experiments, which take many runs: replications with their statistics, and the proof that the simulator
//! says what theory says. Runs go in parallel; what comes out does not depend on how many go at once.

mod course;
mod expression;
mod index;
mod outcomes;
mod replicate;
mod validate;

pub use course::{Band, Course, Line, ServiceCourse, WorkloadCourse};
pub use index::{Case, Cases, ProofRun, Row, Tolerance, Unit, proof, proof_file, proof_files};
pub use outcomes::{Averaged, Ending};
pub use replicate::{Estimate, Ran, Replication, Replications, Wanted, Watch, replicate, replications, run, seed_of};
pub use validate::{STANDARD_ERRORS_MIN, Stage, Validated, ValidatedRow, validate};
