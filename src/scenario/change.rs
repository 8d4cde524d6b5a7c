//! Settings that change while the system runs. The scenario is read once more with them, as if they stood in the file,
//! so that every value is read and checked as what it is, at the place where it was written. What differs between the
//! two models is what the change does.

use super::declare::{Keys, Section};
use super::decode::{Cx, SettingForm, Settings, say_unknown_key};
use super::language::{ClientKeys, PoolKeys, ScenarioKeys, ServiceKeys};
use super::say::catalogue;
use super::tree::{Assignment, Entry, Node, Table, Value};
use crate::base::suggest::did_you_mean;
use crate::model::{Action, ClientId, Layers, Model, PoolId, ServiceId, Setting};

/// What can change of a table.
struct Changeable {
    table: &'static str,
    section: fn() -> &'static Section,
    keys: &'static [&'static str],
}

const CHANGEABLE: [Changeable; 3] = [
    Changeable {
        table: "service",
        section: ServiceKeys::section,
        keys: &["threads", "queue", "overflow", "queue_timeout", "cores", "limit"],
    },
    Changeable {
        table: "client",
        section: ClientKeys::section,
        keys: &["latency", "timeout", "retry", "breaker", "throttle", "cancel", "deadlines"],
    },
    Changeable { table: "pool", section: PoolKeys::section, keys: &["size"] },
];

/// Reads a tree as a scenario.
pub(super) type Understand<'u> = dyn Fn(Table, &mut Cx<'_>) -> Option<Model> + 'u;

/// What the keys of the table at a path are names of, as [`Assignment::apply`] asks it.
pub(super) type NamesAt = dyn Fn(&[&str]) -> Option<&'static str>;

/// Finds out what the changes of settings in `model` do, which was made of `root`. `names` and `top` are those of
/// [`Assignment::apply`].
pub(super) fn find_settings(
    root: &Node,
    keys: &ScenarioKeys,
    model: &mut Model,
    (names, top): (&NamesAt, &[&'static str]),
    understand: &Understand<'_>,
    cx: &mut Cx<'_>,
) {
    let Some(table) = root.table() else { return };
    let items = keys.change.value().iter().flat_map(|changes| &changes.items).collect::<Vec<_>>();
    let form =
        |name: &str| -> Option<&Settings> { items.iter().find(|item| item.name == name)?.value.as_ref()?.set.value() };
    let of_settings = |n: &usize| matches!(model.changes[*n].action, Action::Set(_));
    let mut order: Vec<usize> = (0..model.changes.len()).filter(of_settings).collect();
    if order.is_empty() {
        return;
    }
    order.sort_by_key(|n| model.changes[*n].at);
    let mut table = table.clone();
    let mut before = model.clone();
    for n in order {
        let Some(Settings(forms)) = form(&model.changes[n].name) else { continue };
        let good: Vec<&SettingForm> = forms.iter().filter(|form| can_change(form, top, cx)).collect();
        for form in &good {
            let assignment = Assignment::new(form.path.clone(), form.node.clone());
            assignment.apply(&mut table, names, top, cx.findings);
        }
        let outer = std::mem::take(cx.findings);
        let after = understand(table.clone(), cx);
        let own = std::mem::replace(cx.findings, outer);
        for said in own.into_kept().into_iter().filter(|said| said.is_error()) {
            let is_here = |form: &SettingForm| [form.place, form.node.place].iter().any(|it| it.touches(said.place()));
            let is_elsewhere = !forms.iter().any(is_here);
            let said = cx.findings.add(said);
            if is_elsewhere {
                said.note(format!("as it is after the change `{}`", model.changes[n].name));
            }
        }
        let Some(after) = after else { continue };
        let mut settings = Vec::new();
        for form in good {
            let Some(setting) = setting(form, &after) else { continue };
            if let Setting::Cores(id, _) = setting
                && before.services[id].cores.is_none()
            {
                say_cores(form, cx);
            }
            if let Some(id) = setting.client()
                && let (old, new) = (Layers::new(&before.clients[id]), Layers::new(&after.clients[id]))
                && (&old.of_gate, old.calls) != (&new.of_gate, new.calls)
            {
                say_order(form, cx);
                continue;
            }
            if self::setting(form, &before).as_ref() != Some(&setting) && !settings.contains(&setting) {
                settings.push(setting);
            }
        }
        model.changes[n].action = Action::Set(settings);
        before = after;
    }
}

/// Whether the path leads to a key that can change; says so if not. Whether what it names exists is seen later.
fn can_change(form: &SettingForm, top: &[&'static str], cx: &mut Cx<'_>) -> bool {
    let (first, first_place) = &form.path[0];
    let Some(Changeable { section, keys: changeable, .. }) = CHANGEABLE.iter().find(|it| it.table == first) else {
        if top.contains(&first.as_str()) {
            say_fixed(form, &format!("`{}`", shown(form)), cx);
        } else {
            cx.say(&catalogue::UNKNOWN_KEY, *first_place, format!("unknown key `{first}`"))
                .maybe_help(did_you_mean(first, top.iter().copied()).map(|near| format!("did you mean `{near}`?")))
                .help("a key is named by its path, such as `\"service.orders.threads\"`");
        }
        return false;
    };
    let section = section();
    let Some((key, place)) = form.path.get(2) else {
        cx.say(&catalogue::BAD_SET, form.place, "this is not the path of a key")
            .help(format!("write for example `\"{first}.NAME.{}\"`", changeable[0]));
        return false;
    };
    if changeable.contains(&key.as_str()) {
        let is_unlimited = matches!(&form.node.value, Value::Text(text) if text == "unlimited");
        if key == "cores" && is_unlimited {
            say_cores(form, cx);
            return false;
        }
        return true;
    }
    if section.keys.iter().any(|known| known.name == key) {
        say_fixed(form, &format!("the `{key}` of {}", section.noun), cx);
    } else {
        let entry = Entry { key: key.clone(), key_place: *place, node: form.node.clone() };
        say_unknown_key(&entry, section.noun, section.keys.iter().map(|key| key.name), cx);
    }
    false
}

fn shown(form: &SettingForm) -> String {
    form.path.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(".")
}

/// Says that something cannot change, and what can.
fn say_fixed(form: &SettingForm, what: &str, cx: &mut Cx<'_>) {
    let names: Vec<&str> = form.path.iter().map(|(name, _)| name.as_str()).collect();
    let diagnostic = cx.say(&catalogue::BAD_SET, form.place, format!("{what} cannot change while the system runs"));
    if let ["service", service, "replicas"] = names.as_slice() {
        diagnostic.help(format!("write `scale = {{ {service} = .. }}` instead of `set`"));
        return;
    }
    if names[0] == "workload" {
        diagnostic.help("a profile changes the rate of arrivals, such as `{ poisson = [[\"0s\", \"100/s\"], [\"60s\", \"500/s\"]] }`");
    }
    let list = |it: &Changeable| format!("of a {} {}", it.table, it.keys.join(", "));
    let can = CHANGEABLE.iter().map(list).collect::<Vec<_>>().join("; ");
    diagnostic.help(format!("what can change: {can}"));
}

fn say_cores(form: &SettingForm, cx: &mut Cx<'_>) {
    let title = "cores are shared during the whole run, or never";
    cx.say(&catalogue::BAD_SET, form.node.place, title)
        .help("write a number of `cores` both in the service and in the change");
}

fn say_order(form: &SettingForm, cx: &mut Cx<'_>) {
    let title =
        "this would change how the policies of the client stand around a call, which cannot change while it runs";
    cx.say(&catalogue::BAD_SET, form.place, title)
        .note(
            "a breaker or a throttle that is not the first to be asked is there from the start, or never; see `order`",
        )
        .help("give the client one from the start, with settings that let everything go");
}

/// What `model` says at the path.
fn setting(form: &SettingForm, model: &Model) -> Option<Setting> {
    let names: Vec<&str> = form.path.iter().map(|(name, _)| name.as_str()).collect();
    let [table, name, key, ..] = names.as_slice() else { return None };
    match *table {
        "service" => {
            let (id, service): (ServiceId, _) = model.services.enumerate().find(|(_, it)| it.name == *name)?;
            Some(match *key {
                "threads" => Setting::Threads(id, service.threads),
                "queue" => Setting::Queue(id, service.queue),
                "overflow" => Setting::Overflow(id, service.overflow),
                "queue_timeout" => Setting::QueueTimeout(id, service.queue_timeout.clone()),
                "cores" => Setting::Cores(id, service.cores?),
                "limit" => Setting::Limit(id, service.limit),
                _ => return None,
            })
        }
        "client" => {
            let (id, client): (ClientId, _) = model.clients.enumerate().find(|(_, it)| it.name == *name)?;
            Some(match *key {
                "latency" => Setting::Latency(id, client.latency.clone()),
                "timeout" => Setting::Timeout(id, client.timeout),
                "retry" => Setting::Retry(id, client.retry),
                "breaker" => Setting::Breaker(id, client.breaker),
                "throttle" => Setting::Throttle(id, client.throttle),
                "cancel" => Setting::Cancel(id, client.cancel),
                "deadlines" => Setting::Deadlines(id, client.deadlines),
                _ => return None,
            })
        }
        "pool" => {
            let (id, pool): (PoolId, _) = model.pools.enumerate().find(|(_, it)| it.name == *name)?;
            Some(Setting::Permits(id, pool.size))
        }
        _ => None,
    }
}
