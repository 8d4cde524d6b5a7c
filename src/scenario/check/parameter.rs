//! Parameters that nobody uses, and values outside their range.

use super::Elsewhere;
use crate::scenario::build::Atlas;
use crate::scenario::decode::Cx;
use crate::scenario::say::catalogue;

pub(super) fn find(atlas: &Atlas, elsewhere: &Elsewhere<'_>, cx: &mut Cx<'_>) {
    for parameter in &atlas.parameters {
        let name = parameter.name.as_str();
        if parameter.uses == 0 && !elsewhere.parameters.contains(name) {
            cx.say(&catalogue::UNUSED, parameter.place, format!("no value is made of the parameter `{name}`"))
                .help(format!("write `\"${name}\"` where its value should stand, or remove it"));
        }
        if let Some((value, range)) = parameter.outside {
            cx.say(&catalogue::OUT_OF_KNOB, value, format!("the value of `{name}` lies outside its range"))
                .also(range, "the range")
                .help("widen the range, or choose another value");
        }
    }
}
