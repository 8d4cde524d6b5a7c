//! Outlier detection that may never eject anybody.

use super::{Finding, Grade, Look};
use crate::policy::settings::Value;

pub(super) fn find(look: &Look<'_>, found: &mut Vec<Finding>) {
    for (id, client, edges) in look.clients() {
        let Some(outlier) = client.outlier.as_ref() else { continue };
        let Some(Value::Share(most)) = outlier.get("max_ejection") else { continue };
        if outlier.get("always_eject_one") == Some(Value::Flag(true)) {
            continue;
        }
        for edge in edges {
            let (_, service) = look.callee(edge);
            let ejected = f64::from(service.replicas) * most.as_f64();
            if ejected >= 1.0 {
                continue;
            }
            let what = format!("outlier detection of `{}` never ejects a host of `{}`", client.name, service.name);
            found.push(
                Finding::new("outlier-never-ejects", Grade::Serious, look.client_path(id, "outlier"), what)
                    .number(ejected, "hosts may be out, which is fewer than one")
                    .why(format!("{} of {} hosts are less than one", most, service.replicas))
                    .help("`max_ejection = \"50%\"`, or `always_eject_one = true`"),
            );
        }
    }
}
