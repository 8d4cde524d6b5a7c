//! Scenarios written by chance: bytes decide between forms that are mostly right.

use std::fmt::Write;

use arbitrary::Unstructured;

const SPANS: &[&str] = &["0s", "1ns", "100us", "1ms", "5ms", "20ms", "300ms", "1s", "10s", "$span"];
const DISTRIBUTIONS: &[&str] = &[
    "0s",
    "1ms",
    "exp(1ms)",
    "exp(5ms)",
    "uniform(1ms, 3ms)",
    "normal(mean=5ms, sd=5ms)",
    "lognormal(p50=1ms, p99=1s)",
    "gamma(mean=5ms, cv=2)",
    "erlang(3, 5ms)",
    "weibull(mean=5ms, shape=0.5)",
    "pareto(min=1ms, shape=1.1)",
    "hyperexp(90% 1ms, 10% 50ms)",
    "mix(50% exp(1ms), 50% 0s)",
    "mix(50% $span, 50% 1ms)",
];
const RATES: &[&str] = &["0/s", "0.1/s", "5/s", "50/s", "300/s", "2000/s", "$rate", "1/d"];
const FEW: &[&str] = &["1", "2", "3", "5", "16", "\"$count\""];
const LIMITS: &[&str] = &["1", "2", "16", "100", "\"unlimited\"", "\"$count\""];
/// What fits nowhere, or hardly anywhere.
const WILD: &[&str] = &[
    "-1",
    "1e400",
    "584y",
    "99999999999999999999",
    "\"",
    "4294967295",
    "100000000/s",
    "exp(0s)",
    "$nobody",
    "101%",
    "none",
    "18446744073s",
    "0.0000000001ns",
    "\u{0}",
    "é",
];

/// A scenario decided by `bytes`.
pub(crate) fn scenario(bytes: &[u8]) -> String {
    let mut writer = Writer { chance: Unstructured::new(bytes), text: String::new(), is_wild: false, has_keys: false };
    writer.is_wild = writer.once_in(3);
    writer.has_keys = writer.once_in(3);
    // When the bytes are used up, all choices are the first ones.
    writer.file();
    writer.text
}

struct Writer<'b> {
    chance: Unstructured<'b>,
    text: String,
    /// Whether something is wrong now and then.
    is_wild: bool,
    /// Whether requests have keys.
    has_keys: bool,
}

impl Writer<'_> {
    fn pick<'c>(&mut self, choices: &[&'c str]) -> &'c str {
        if self.is_wild && self.once_in(30) {
            return self.chance.choose(WILD).map_or("", |wild| wild);
        }
        self.chance.choose(choices).map_or(choices[0], |choice| choice)
    }

    fn below(&mut self, n: u8) -> u8 {
        self.chance.int_in_range(0..=n - 1).unwrap_or(0)
    }

    /// True once in `n` times.
    fn once_in(&mut self, n: u8) -> bool {
        self.below(n) == n - 1
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn file(&mut self) {
        if self.once_in(4) {
            let argument =
                self.pick(&["service.s0.threads=3", "rate=7/s", "span=1us", "seed=9", "client.c0.retry=none"]);
            self.line(&format!("--set {argument}"));
        }
        if self.once_in(6) {
            self.line("--variant v");
        }
        let (duration, warmup) = (self.pick(&["2s", "10s", "1m", "200d"]), self.pick(&["0s", "100ms", "1s"]));
        self.line(&format!("duration = \"{duration}\"\nwarmup = \"{warmup}\""));
        if self.once_in(4) {
            let interval = self.pick(&["1s", "7s"]);
            self.line(&format!("interval = \"{interval}\""));
        }
        let (rate, span, count) = (self.pick(RATES), self.pick(SPANS), self.pick(&["1", "2", "3"]));
        self.line(&format!(
            "[param.rate]\nvalue = \"{rate}\"\n[param.span]\nvalue = \"{span}\"\n[param.count]\nvalue = {count}"
        ));
        let services = 1 + self.below(5);
        for service in 0..services {
            self.service(service, services);
        }
        for client in 0..3 {
            self.client(client);
        }
        for workload in 0..1 + self.below(3) {
            self.workload(workload, services);
        }
        for fault in 0..self.below(4) {
            self.fault(fault, services);
        }
        for expect in 0..self.below(3) {
            let condition = self.pick(&[
                "goodput(w0) >= 99%",
                "p99(s0) < 1s",
                "failures(w0) < 5/s",
                "queue(s0) < 5",
                "waste(s0) < 5%",
            ]);
            self.line(&format!("[expect.e{expect}]\nthat = \"{condition}\""));
        }
        if self.once_in(3) {
            let part = self.pick(&[
                "service.s0]\nthreads = 2",
                "client.c0]\nretry = \"none\"",
                "param.rate]\nvalue = \"3/s\"",
                "service]\ns1 = \"none\"",
            ]);
            self.line(&format!("[variant.v.{part}"));
        }
    }

    fn service(&mut self, service: u8, services: u8) {
        self.line(&format!("[service.s{service}]"));
        for (key, choices) in [("replicas", FEW), ("threads", LIMITS), ("queue", LIMITS), ("cores", LIMITS)] {
            if !self.once_in(3) {
                let count = self.pick(choices);
                self.line(&format!("{key} = {count}"));
            }
        }
        if self.once_in(3) {
            self.line("discipline = \"lifo\"");
        }
        if self.once_in(3) {
            self.line("handlers = \"async\"");
        }
        if self.once_in(4) {
            let startup = self.pick(SPANS);
            self.line(&format!("startup = \"{startup}\""));
        }
        if self.once_in(5) {
            let (rate, burst) = (self.pick(RATES), self.pick(FEW));
            self.line(&format!("limit = {{ rate = \"{rate}\", burst = {burst} }}"));
        }
        let steps = self.steps(service, services, 0);
        self.line(&format!("[service.s{service}.endpoint.x]\nsteps = {steps}"));
    }

    fn steps(&mut self, service: u8, services: u8, depth: u8) -> String {
        let count = 1 + self.below(3);
        let steps: Vec<String> = (0..count).map(|_| self.step(service, services, depth)).collect();
        format!("[{}]", steps.join(", "))
    }

    fn step(&mut self, service: u8, services: u8, depth: u8) -> String {
        // Calls go down, or they would go round for ever.
        let below = services - 1 - service;
        let callee = if below == 0 { None } else { Some(service + 1 + self.below(below)) };
        let client = self.pick(&["c0", "direct", "c1", "c2"]);
        let kinds = if depth < 3 { 9 } else { 4 };
        match (self.below(kinds), callee) {
            (0, _) => format!("{{ work = \"{}\" }}", self.pick(DISTRIBUTIONS)),
            (1, _) => format!("{{ sleep = \"{}\" }}", self.pick(DISTRIBUTIONS)),
            (2, Some(callee)) => format!("{{ call = \"s{callee}.x\", client = \"{client}\" }}"),
            (3, Some(callee)) => format!("{{ call = \"s{callee}.x\", client = \"{client}\", optional = true }}"),
            (2 | 3, None) => {
                let back = self.below(services);
                let call =
                    format!("{{ share = \"10%\", steps = [{{ call = \"s{back}.x\", client = \"{client}\" }}] }}");
                format!("{{ choose = [{call}, {{ share = \"90%\", steps = [] }}] }}")
            }
            (4, _) => {
                let branches: Vec<String> =
                    (0..1 + self.below(3)).map(|_| self.steps(service, services, depth + 1)).collect();
                let need = self.pick(&["\"all\"", "\"any\"", "1"]);
                format!("{{ parallel = [{}], need = {need} }}", branches.join(", "))
            }
            (5, _) => {
                let (a, b) = (self.steps(service, services, depth + 1), self.steps(service, services, depth + 1));
                let share = self.below(101);
                let rest = 100 - share;
                format!(
                    "{{ choose = [{{ share = \"{share}%\", steps = {a} }}, {{ share = \"{rest}%\", steps = {b} }}] }}"
                )
            }
            (6, _) => {
                let times = self.pick(&["2", "1", "9", "\"$count\""]);
                let steps = self.steps(service, services, depth + 1);
                format!("{{ repeat = {times}, steps = {steps} }}")
            }
            (7, _) if depth == 0 => "{ reply = true }".to_owned(),
            (_, Some(callee)) if depth == 0 => format!("{{ forward = \"s{callee}.x\", client = \"{client}\" }}"),
            _ => "{ fail = true }".to_owned(),
        }
    }

    fn client(&mut self, client: u8) {
        self.line(&format!("[client.c{client}]"));
        let latency = self.pick(DISTRIBUTIONS);
        self.line(&format!("latency = \"{latency}\""));
        if !self.once_in(3) {
            let timeout = self.pick(&["300ms", "1ms", "20ms", "1s", "none", "1ns"]);
            self.line(&format!("timeout = \"{timeout}\""));
        }
        let balances = ["round-robin", "random", "least-request", "join-shortest", "ring-hash"];
        let balance = self.pick(&balances[..if self.has_keys { 5 } else { 4 }]);
        self.line(&format!("balance = \"{balance}\""));
        if self.once_in(4) {
            let (after, attempts) = (self.pick(&["10ms", "0s", "p95", "p50"]), self.pick(&["2", "3", "5"]));
            self.line(&format!("hedge = {{ after = \"{after}\", attempts = {attempts} }}"));
        } else if self.once_in(2) {
            let backoff = self.pick(&["0s", "10ms", "exponential(1ms)", "exponential(1ms, factor=3, cap=50ms)", "1ns"]);
            let jitter = self.pick(&["none", "full", "equal", "20%"]);
            let budget = self.pick(&[
                "budget = \"none\"",
                "budget = { ratio = \"10%\" }",
                "budget = { ratio = \"0%\", burst = 0 }",
                "throttle = { max_tokens = 2, token_ratio = 0.5 }",
            ]);
            let attempts = self.pick(FEW);
            self.line(&format!(
                "retry = {{ attempts = {attempts}, backoff = \"{backoff}\", jitter = \"{jitter}\", {budget} }}"
            ));
        }
        if self.once_in(2) {
            let (window, minimum, open) =
                (self.pick(&["10", "1", "100"]), self.pick(&["5", "1", "100"]), self.pick(SPANS));
            self.line(&format!("breaker = {{ window = {window}, minimum_calls = {minimum}, open_for = \"{open}\", half_open_calls = 2 }}"));
        }
        if self.once_in(4) {
            let (multiplier, window) = (self.pick(&["2", "1.1"]), self.pick(SPANS));
            self.line(&format!("throttle = {{ multiplier = {multiplier}, window = \"{window}\" }}"));
        }
        let (cancel, deadlines) =
            (self.pick(&["off", "waiting", "between-steps", "at-once"]), self.pick(&["local", "propagate"]));
        self.line(&format!("cancel = \"{cancel}\"\ndeadlines = \"{deadlines}\""));
    }

    fn workload(&mut self, workload: u8, services: u8) {
        let entry = self.below(services);
        self.line(&format!("[workload.w{workload}]\nentry = \"s{entry}.x\""));
        let (rate, other, think) = (self.pick(RATES), self.pick(RATES), self.pick(DISTRIBUTIONS));
        let arrivals = match self.below(6) {
            0 => format!("\"poisson({rate})\""),
            1 => format!("\"even({rate})\""),
            2 => format!("\"burst(100, at=100ms, every={})\"", self.pick(&["1s", "50ms"])),
            3 => format!("\"users(5, think={think})\""),
            4 => format!("{{ poisson = [[\"0s\", \"{rate}\"], [\"500ms\", \"{other}\"], [\"500ms\", \"{rate}\"]] }}"),
            _ => format!("{{ even = \"diurnal(low=0/s, high={other}, period=10d)\" }}"),
        };
        self.line(&format!("arrivals = {arrivals}"));
        if self.once_in(2) {
            let client = self.pick(&["c0", "c1", "direct"]);
            self.line(&format!("client = \"{client}\""));
        }
        if self.has_keys {
            let key = self.pick(&["zipf(1.0, 100)", "zipf(0, 1)", "uniform(5)", "zipf(2.5, 100000000)"]);
            self.line(&format!("key = \"{key}\""));
        }
        if self.once_in(2) {
            let deadline = self.pick(&["100ms", "1s", "none", "1ns"]);
            self.line(&format!("deadline = \"{deadline}\""));
        }
    }

    fn fault(&mut self, fault: u8, services: u8) {
        let (at, lasts) = (self.pick(&["0s", "100ms", "1s"]), self.pick(&["500ms", "1ns", "none", "100ms"]));
        let mut table = format!("[fault.f{fault}]\nat = \"{at}\"\nfor = \"{lasts}\"\n");
        let service = self.below(services);
        let _ = match self.below(3) {
            0 => {
                let distribution = self.pick(DISTRIBUTIONS);
                let effect = match self.below(5) {
                    0 => format!("add_latency = \"{distribution}\""),
                    1 => "slow = 2.5".to_owned(),
                    2 => "error_rate = \"30%\"".to_owned(),
                    3 => "pause = true".to_owned(),
                    _ => "crash = true".to_owned(),
                };
                write!(table, "service = \"s{service}\"\n{effect}")
            }
            1 => {
                let from = self.pick(&["w0", "s0"]);
                let effect = self.pick(&["cut = true", "error_rate = \"100%\"", "add_latency = \"exp(20ms)\""]);
                write!(table, "from = \"{from}\"\nto = \"s{service}\"\n{effect}")
            }
            _ => {
                // Refused where arrivals have no rate.
                let factor = self.pick(&["3", "0", "0.5", "1e3"]);
                write!(table, "workload = \"w0\"\ntraffic = {factor}")
            }
        };
        self.line(&table);
    }
}
