//! Prices: whether any is given, and how busy replicas may be.

use crate::base::units::Share;
use crate::model::Prices;
use crate::scenario::decode::Cx;
use crate::scenario::language::ScenarioKeys;
use crate::scenario::say::catalogue;

pub(super) fn prices(keys: &ScenarioKeys, cx: &mut Cx<'_>) -> Option<Prices> {
    let keys = keys.prices.value()?;
    let utilisation = keys.utilisation.value().copied().unwrap_or(Share::ONE);
    if utilisation == Share::ZERO {
        cx.say(&catalogue::OUT_OF_RANGE, keys.utilisation.place(), "replicas that are never busy are no use")
            .help("write for example `utilisation = \"70%\"`");
    }
    Some(Prices {
        currency: keys.currency.value().cloned().unwrap_or_default(),
        core_hour: keys.core_hour.or_default(),
        replica_hour: keys.replica_hour.or_default(),
        gigabyte: keys.gigabyte.or_default(),
        gigabyte_across: keys.gigabyte_across.value().copied().unwrap_or(keys.gigabyte.or_default()),
        utilisation,
    })
}
