//! Outlier detection that can never hide anybody: the clusters that its client calls are too small for its rules.

use std::collections::BTreeSet;

use crate::model::{ClientId, Id, Model, ServiceId};
use crate::policy::outlier::{OutlierSettings, TooFew};
use crate::scenario::build::Atlas;
use crate::scenario::decode::Cx;
use crate::scenario::say::catalogue;

pub(super) fn find(model: &Model, atlas: &Atlas, cx: &mut Cx<'_>) {
    for (id, client) in model.clients.enumerate() {
        let Some(outlier) = client.outlier.as_deref() else { continue };
        let seen = |service: ServiceId| {
            let all = model.replicas_most(service);
            client.subset.map_or(all, |subset| subset.min(all))
        };
        // One cluster that is large enough, and it is of use.
        let largest = callees(model, id).into_iter().map(|service| (seen(service), service)).max();
        let Some((hosts, service)) = largest else { continue };
        if let Some(why) = outlier.too_few(hosts) {
            say(model, atlas, (id, outlier), (service, hosts), why, cx);
        }
    }
}

/// The services that a client calls.
fn callees(model: &Model, client: ClientId) -> BTreeSet<ServiceId> {
    let edges = model.edges();
    edges.iter().filter(|edge| edge.client == client).map(|edge| model.endpoints[edge.to].service).collect()
}

fn say(
    model: &Model,
    atlas: &Atlas,
    (client, outlier): (ClientId, &OutlierSettings),
    (service, hosts): (ServiceId, u32),
    why: TooFew,
    cx: &mut Cx<'_>,
) {
    let (client_name, name) = (&model.clients[client].name, &model.services[service].name);
    let of = if hosts == 1 { "one replica".to_owned() } else { format!("{hosts} replicas") };
    let diagnostic = cx.say(
        &catalogue::OUTLIER_IDLE,
        atlas.clients[client.index()].outlier,
        format!("the outlier detection of `{client_name}` can never eject a replica"),
    );
    match why {
        TooFew::Share { needed, max } => {
            let needed = match needed {
                Some(needed) => format!("; from {needed} replicas on one may"),
                None => String::new(),
            };
            let one = crate::base::units::Share::new(1.0 / f64::from(hosts.max(1))).unwrap_or_default();
            diagnostic.note(format!(
                "`{name}` has {of} at most: the first one would be {one} of them, and at most {max} may be out{needed}"
            ));
            diagnostic.help(match outlier {
                OutlierSettings::Envoy(_) => {
                    "raise `max_ejection`, or write `always_eject_one = true`, which exempts the first one"
                }
                _ => "raise `max_ejection`",
            });
        }
        TooFew::Compared { needed } => {
            diagnostic
                .note(format!("`{name}` has {of} at most, and rates are looked at from {needed} on"))
                .help("lower `success_rate_hosts` or `failure_rate_hosts`, or set `consecutive`");
        }
        TooFew::Nothing => {
            diagnostic.note("failures in a row do not eject, and rates are not enforced").help("set `consecutive`");
        }
    }
}
