//! What a file says of a policy that is in the registry, against the parameters that the policy has.

use crate::policy::registry::Kind;
use crate::policy::settings::{Misfit, Value};
use crate::scenario::decode::Cx;
use crate::scenario::say::{Place, catalogue};

/// A key of a policy as it was written: its name, its value, and where it stands.
pub(super) type Written = (&'static str, Option<Value>, Place);

macro_rules! written {
    ($keys:expr; $( $name:ident: $value:expr, )+) => {
        [$( (stringify!($name), $keys.$name.given().map($value), $keys.$name.key_place()) ),+]
    };
}

pub(super) use written;

/// Sets what was written; what the preset does not have is said.
pub(super) fn set_all(
    written: &[Written],
    preset: (&str, Place),
    kind: Kind,
    set: &mut dyn FnMut(&str, &Value) -> Result<(), Misfit>,
    cx: &mut Cx<'_>,
) {
    for (key, value, place) in written {
        let Some(Err(misfit)) = value.as_ref().map(|value| set(key, value)) else { continue };
        let (name, what) = (preset.0, kind.what());
        let (title, help) = match misfit {
            Misfit::Unknown { known, .. } => {
                let known: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
                (format!("the {what} of {name} has no `{key}`"), format!("it has {}", known.join(", ")))
            }
            Misfit::Kind { takes, .. } => (format!("`{key}` of {name} takes {takes}"), format!("write {takes}")),
            Misfit::Text(fault) => (fault.message, format!("`brownout policy {name}` says more")),
        };
        let diagnostic = cx.say(&catalogue::EXCLUDE, *place, title);
        if preset.1 != Place::NOWHERE {
            diagnostic.also(preset.1, format!("its {what} follows {name}"));
        }
        diagnostic.help(help);
    }
}
