//! The service graph as plain data, and how it is read from YAML: the keys, what they default to,
//! and which of them the simulator does not use yet.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::base::suggest::did_you_mean;
use crate::base::time::Span;
use crate::base::units::Share;

use super::super::Faults;
use super::values;
use super::yaml::{Key, Node, Value, get};

/// A graph whose calls all lead to services of its own.
#[derive(Clone, Debug)]
pub(super) struct Graph {
    /// In the order of the file; at least one.
    pub(super) services: Vec<Service>,
    /// The bytes of `services`, for faults of the graph as a whole.
    pub(super) range: Range<usize>,
    /// Keys that were read and have no effect, with the bytes of each.
    pub(super) unused: BTreeMap<String, Vec<Range<usize>>>,
}

/// A service of a graph.
#[derive(Clone, Debug)]
pub(super) struct Service {
    /// As in the graph.
    pub(super) name: String,
    /// At least 1.
    pub(super) replicas: u32,
    /// Whether users ask it.
    pub(super) entry: bool,
    /// The share of its requests that fail before its script.
    pub(super) error_rate: Share,
    /// What it does, step by step.
    pub(super) script: Vec<Step>,
}

/// A step of a script.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// One command.
    One(Command),
    /// Several commands at the same time.
    Concurrent(Vec<Command>),
}

/// A command of a script.
#[derive(Clone, Debug)]
pub(super) enum Command {
    /// Waits.
    Sleep(Span),
    /// Calls a service.
    Call {
        /// Its place in [`Graph::services`].
        callee: usize,
        /// How often the call is made.
        probability: Share,
        /// The bytes of the call.
        range: Range<usize>,
    },
}

impl Service {
    /// Every command, in order.
    pub(super) fn commands(&self) -> impl Iterator<Item = &Command> {
        self.script.iter().flat_map(|step| match step {
            Step::One(command) => std::slice::from_ref(command),
            Step::Concurrent(commands) => commands.as_slice(),
        })
    }
}

const DEFAULTS: [&str; 7] =
    ["type", "numReplicas", "numRbacPolicies", "errorRate", "requestSize", "responseSize", "script"];
const SERVICE: [&str; 11] = [
    "name",
    "type",
    "numReplicas",
    "numRbacPolicies",
    "isEntrypoint",
    "errorRate",
    "responseSize",
    "script",
    "namespace",
    "cluster",
    "requestSize",
];
const CALL: [&str; 5] = ["service", "size", "payloadSize", "probability", "hostname"];
/// Keys that mean something to isotope and nothing to the simulator yet.
const UNUSED: [&str; 9] = [
    "type",
    "numRbacPolicies",
    "requestSize",
    "responseSize",
    "size",
    "payloadSize",
    "namespace",
    "cluster",
    "hostname",
];

/// Reads the graph; `None` or any fault says that it is wrong.
pub(super) fn read(root: &Node, faults: &mut Faults) -> Option<Graph> {
    let known = ["apiVersion", "kind", "defaults", "default", "services"];
    let entries = root.map("a service graph", &known, faults)?;
    if let Some(kind) = get(entries, "kind")
        && !matches!(&kind.value, Value::Text(text) if text == "MockServiceGraph")
    {
        kind.expected("`MockServiceGraph`", "this is another kind of Kubernetes file, not a service graph", faults);
        return None;
    }
    let Some(services) = get(entries, "services") else {
        let hint = "a graph has at least `services:` with one `- name: ..`".to_owned();
        faults.add(root.range.clone(), "the graph has no `services`", Some(hint));
        return None;
    };
    // The documentation calls the key `default`, the program and its examples `defaults`.
    let defaults = get(entries, "defaults").or(get(entries, "default"));
    let mut reader = Reader { faults, places: BTreeMap::new(), unused: BTreeMap::new() };
    reader.graph(services, defaults)
}

struct Reader<'a> {
    faults: &'a mut Faults,
    /// Where each name stands in the list of services; the last one where several have it.
    places: BTreeMap<String, usize>,
    unused: BTreeMap<String, Vec<Range<usize>>>,
}

impl Reader<'_> {
    fn graph(&mut self, services: &Node, defaults: Option<&Node>) -> Option<Graph> {
        let hint = "write `- name: ..` for each service";
        let list = services.list("a list of services", hint, self.faults)?;
        if list.is_empty() {
            services.expected("at least one service", hint, self.faults);
            return None;
        }
        let defaults = match defaults {
            Some(node) => node.map("`defaults`", &DEFAULTS, self.faults)?,
            None => &[],
        };
        self.check_unused(defaults);
        let maps: Vec<&[(Key, Node)]> =
            list.iter().filter_map(|node| node.map("a service", &SERVICE, self.faults)).collect();
        let names: Vec<_> = list.iter().zip(&maps).map(|(node, map)| self.name(node, map)).collect();
        for (place, (name, range)) in names.iter().enumerate().filter(|(_, (name, _))| !name.is_empty()) {
            if self.places.insert(name.clone(), place).is_some() {
                self.faults.add(range.clone(), format!("there is a service `{name}` already"), None);
            }
        }
        let services: Vec<Service> =
            names.into_iter().zip(maps).map(|((name, _), map)| self.service(name, map, defaults)).collect();
        (services.len() == list.len()).then(|| Graph {
            services,
            range: list[0].range.clone(),
            unused: std::mem::take(&mut self.unused),
        })
    }

    /// The name of a service and its bytes, empty after a fault.
    fn name(&mut self, node: &Node, map: &[(Key, Node)]) -> (String, Range<usize>) {
        let Some(name) = get(map, "name") else {
            self.faults.add(node.range.clone(), "the service has no `name`", Some("add `name: ..`".to_owned()));
            return (String::new(), node.range.clone());
        };
        let text = name.text("a name", self.faults).unwrap_or("").to_owned();
        (text, name.range.clone())
    }

    fn service(&mut self, name: String, map: &[(Key, Node)], defaults: &[(Key, Node)]) -> Service {
        self.check_unused(map);
        let own_or_default = |key| get(map, key).or(get(defaults, key));
        let replicas = own_or_default("numReplicas").map_or(Some(1), |node| values::replicas(node, self.faults));
        let error_rate =
            own_or_default("errorRate").map_or(Some(Share::ZERO), |node| values::percentage(node, self.faults));
        let entry = get(map, "isEntrypoint").map_or(Some(false), |node| values::boolean(node, self.faults));
        let script = own_or_default("script").map_or(Some(Vec::new()), |node| self.script(node));
        Service {
            name,
            replicas: replicas.unwrap_or(1),
            entry: entry.unwrap_or(false),
            error_rate: error_rate.unwrap_or(Share::ZERO),
            script: script.unwrap_or_default(),
        }
    }

    fn script(&mut self, node: &Node) -> Option<Vec<Step>> {
        let hint = "write `- call: ..` or `- sleep: ..` for each step";
        let list = node.list("a list of steps", hint, self.faults)?;
        Some(list.iter().filter_map(|step| self.step(step)).collect())
    }

    fn step(&mut self, node: &Node) -> Option<Step> {
        let Value::List(group) = &node.value else { return self.command(node).map(Step::One) };
        for inner in group.iter().filter(|inner| matches!(inner.value, Value::List(_))) {
            let hint = "move the inner list into a service of its own".to_owned();
            self.faults.add(inner.range.clone(), "concurrent groups cannot hold concurrent groups", Some(hint));
        }
        let commands = group.iter().filter(|inner| !matches!(inner.value, Value::List(_)));
        Some(Step::Concurrent(commands.filter_map(|inner| self.command(inner)).collect()))
    }

    fn command(&mut self, node: &Node) -> Option<Command> {
        let entries = node.map("a command", &["sleep", "call"], self.faults)?;
        if entries.len() > 1 {
            let hint = "start the second one with a dash of its own".to_owned();
            self.faults.add(entries[1].0.range.clone(), "a step holds one command", Some(hint));
            return None;
        }
        let (key, value) = entries.first().or_else(|| {
            node.expected("`sleep` or `call`", "an empty step can be left out", self.faults);
            None
        })?;
        match key.name.as_str() {
            "sleep" => values::duration(value, self.faults).map(Command::Sleep),
            "call" => self.call(value),
            // An unknown key is a fault already.
            _ => None,
        }
    }

    fn call(&mut self, node: &Node) -> Option<Command> {
        let Value::Map(_) = &node.value else {
            let callee = self.callee(node)?;
            return Some(Command::Call { callee, probability: Share::ONE, range: node.range.clone() });
        };
        let entries = node.map("a call", &CALL, self.faults)?;
        self.check_unused(entries);
        let Some(service) = get(entries, "service") else {
            self.faults.add(node.range.clone(), "the call names no `service`", Some("add `service: ..`".to_owned()));
            return None;
        };
        let callee = self.callee(service)?;
        let probability =
            get(entries, "probability").map_or(Some(Share::ONE), |node| values::probability(node, self.faults))?;
        Some(Command::Call { callee, probability, range: service.range.clone() })
    }

    fn callee(&mut self, node: &Node) -> Option<usize> {
        let name = node.text("the name of a service", self.faults)?;
        let found = self.places.get(name).copied();
        if found.is_none() {
            let hint = did_you_mean(name, self.places.keys().map(String::as_str));
            let hint = hint.map(|near| format!("did you mean `{near}`?"));
            self.faults.add(node.range.clone(), format!("there is no service `{name}`"), hint);
        }
        found
    }

    /// Notes keys that have no effect, after looking at their values.
    fn check_unused(&mut self, entries: &[(Key, Node)]) {
        for (key, node) in entries.iter().filter(|(key, node)| UNUSED.contains(&key.name.as_str()) && !node.is_null()) {
            match key.name.as_str() {
                "requestSize" | "responseSize" | "size" | "payloadSize" => values::check_size(node, self.faults),
                "type" if !matches!(&node.value, Value::Text(text) if text == "http" || text == "grpc") => {
                    node.expected("`http` or `grpc`", "write one of the two", self.faults);
                }
                "numRbacPolicies" if !matches!(node.value, Value::Integer(0..)) => {
                    node.expected("a number of policies", "write a whole number", self.faults);
                }
                _ => {}
            }
            self.unused.entry(key.name.clone()).or_default().push(key.range.clone());
        }
    }
}
