//! A measured audit: what runs say about a scenario that paper does not. `edges` are the calls that hold up their callers
//! for long or fail often, and what another way to call does to users; `blast` is what goes down with each service. Findings
//! have the form of those of the static audit.

mod blast;
mod edges;

pub use blast::{Blast, blast};

use crate::insight::audit::Finding;
use crate::scenario::Locator;

use super::Stage;
use super::advise::{NoAdvice, Patient};
use super::replicate::Watch;

/// What was measured.
#[derive(Clone, PartialEq, Debug)]
pub struct MeasuredAudit {
    /// What is likely to hurt.
    pub findings: Vec<Finding>,
    /// What goes down with each service, the worst first.
    pub blast: Vec<Blast>,
    /// Runs in all.
    pub runs: u32,
}

/// Runs `patient` as it stands, with each service gone, and with other ways to call where calls are slow or fail. As many
/// runs go at once as the pool of threads that this is called in has threads; what comes out does not depend on their
/// number.
///
/// # Errors
/// See [`NoAdvice`].
pub fn measured_audit(patient: Patient<'_>, watch: Watch<'_>) -> Result<MeasuredAudit, NoAdvice> {
    let Patient { name, bytes, options, files, .. } = patient;
    let model = patient.model().ok_or(NoAdvice::BadScenario)?;
    let locator = Locator::new(name, bytes, options, files);
    let services = model.services.len() as u32 + 1;
    let shifted = |stage: Stage| watch(Stage { done: stage.done + services, of: stage.of + services });
    let blast = blast(&model, watch).ok_or(NoAdvice::Interrupted)?;
    let (mut findings, runs) = edges::find(patient, &model, &locator, &shifted)?;
    findings.extend(blast::findings(&blast));
    for finding in findings.iter_mut().filter(|finding| finding.site.is_none()) {
        finding.site = locator.site(&finding.path);
    }
    Ok(MeasuredAudit { findings, blast, runs: runs + services })
}
