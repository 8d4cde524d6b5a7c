//! Envoy's outlier detection (`upstream/outlier_detection_impl.cc`, data-plane-api `outlier_detection.proto`).
//!
//! Failures in a row eject at once; success rates and failure percentages are compared once an interval, and only then
//! does a host come back. Intervals count from the client's start; those that are over are worked out when somebody asks
//! or tells.

use crate::base::random::{Draws, Key};
use crate::base::time::{Span, Time};
use crate::base::units::Share;
use crate::policy::Outcome;
use crate::policy::registry::{Kind, Preset};
use crate::policy::settings::{Settings, percent, settings};

use super::Outlier;
use super::own::{OwnOutlier, Sight, TRACE_INPUT, traced};

settings! {
    /// What Envoy's outlier detection can be told.
    pub struct EnvoyOutlierSettings {
        /// Failures of any kind in a row that eject a host.
        consecutive: Option<u32> = Some(5), "consecutive_5xx";
        /// Failures of the way there in a row (refused, rejected, timeout: 502, 503, 504) that eject it.
        consecutive_gateway: Option<u32> = Some(5), "consecutive_gateway_failure";
        /// The chance that those do.
        consecutive_gateway_enforced: Share = percent(0.0), "enforcing_consecutive_gateway_failure (%)";
        /// How often rates are compared and hosts let back in.
        interval: Span = Span::from_secs(10), "interval (ms)";
        /// How long a host is out the first time; the n-th time in a row n times as long.
        base_ejection_time: Span = Span::from_secs(30), "base_ejection_time (ms)";
        /// The longest that it is out.
        max_ejection_time: Span = Span::from_secs(300), "max_ejection_time (ms)";
        /// By up to how much each ejection is longer, by chance.
        ejection_jitter: Span = Span::ZERO, "max_ejection_time_jitter (ms)";
        /// The most hosts that may be out.
        max_ejection: Share = percent(10.0), "max_ejection_percent (%)";
        /// Whether one host may be out whatever part of all it is.
        always_eject_one: bool = false, "always_eject_one_host";
        /// Hosts with enough requests before success rates are compared.
        success_rate_hosts: u32 = 5, "success_rate_minimum_hosts";
        /// Requests in an interval that make a host's success rate count.
        success_rate_requests: u32 = 100, "success_rate_request_volume";
        /// A success rate so many standard deviations below the mean ejects.
        success_rate_deviations: f64 = 1.9, "success_rate_stdev_factor (/1000)";
        /// The chance that it does.
        success_rate_enforced: Share = percent(100.0), "enforcing_success_rate (%)";
        /// Hosts with enough requests before failure percentages are looked at.
        failure_rate_hosts: u32 = 5, "failure_percentage_minimum_hosts";
        /// Requests in an interval that make a host's failure percentage count.
        failure_rate_requests: u32 = 50, "failure_percentage_request_volume";
        /// A percentage of failures that ejects.
        failure_rate: Share = percent(85.0), "failure_percentage_threshold (%)";
        /// The chance that it does.
        failure_rate_enforced: Share = percent(0.0), "enforcing_failure_percentage (%)";
        /// When fewer than these are left, balancing ignores health.
        panic: Share = percent(50.0), "healthy_panic_threshold (%)";
    }
}

pub(super) const PRESET: Preset = Preset {
    kind: Kind::Outlier,
    name: "envoy",
    about: "Hides a host from a client after five failures in a row or with a success rate far below the others', for 30 s \
            and longer every time.",
    rules: &[
        "A host goes if 100 * (out + 1) / hosts is at most max_ejection_percent: with 10% nobody ever goes in a cluster \
         below ten hosts.",
        "Failures in a row eject when they reach the limit, not at the interval; whatever is not a failure starts them anew. \
         If the host may not go, they start anew as well.",
        "A host comes back at the first interval at which its time is over: min(base * multiplier, max).",
        "The multiplier grows with every ejection and falls by one for every interval in which the host was in.",
        "Success rates: below mean - 1.9 * standard deviation (of all hosts with 100 requests in the interval; at least 5 \
         of them).",
        "Failure percentages eject at the threshold and above; like gateway failures they are counted, but not enforced by \
         default.",
        "Timeouts and failed connections count as 504 and 503. With fewer than half of the hosts left, health is ignored.",
    ],
    source: "envoyproxy/envoy: upstream/outlier_detection_impl.cc; data-plane-api: outlier_detection.proto, cluster.proto",
    trace_input: TRACE_INPUT,
    parameters: EnvoyOutlierSettings::parameters,
    trace: traced::<EnvoyOutlierSettings, EnvoyOutlier>,
};

#[derive(Clone, Debug, Default)]
struct Host {
    failures: u32,
    gateway_failures: u32,
    requests: u32,
    successes: u32,
    out_since: Option<Time>,
    /// How long it is out, or was out last.
    out_for: Span,
    back_since: Time,
    multiplier: u32,
}

/// See the module.
#[derive(Clone, Debug)]
pub struct EnvoyOutlier {
    hosts: Vec<Host>,
    out: u32,
    sight: Sight,
    /// When the next interval ends.
    next_tick: Option<Time>,
    draws: Draws,
    settings: EnvoyOutlierSettings,
}

/// Mean, population standard deviation, and the rate below which a host is an outlier.
pub fn success_rate_threshold(rates: &[f64], deviations: f64) -> (f64, f64, f64) {
    let count = rates.len() as f64;
    let mean = rates.iter().sum::<f64>() / count;
    let variance = rates.iter().map(|rate| (rate - mean) * (rate - mean)).sum::<f64>() / count;
    let deviation = libm::sqrt(variance);
    (mean, deviation, mean - deviation * deviations)
}

impl EnvoyOutlier {
    /// Whether another host may go when `out` of `hosts` are out.
    pub fn allows(settings: &EnvoyOutlierSettings, hosts: u32, out: u32) -> bool {
        if settings.always_eject_one && out == 0 {
            return true;
        }
        let percent = 100.0 * f64::from(out + 1) / f64::from(hosts.max(1));
        percent <= settings.max_ejection.as_f64() * 100.0 + 1e-9
    }

    fn host(&mut self, replica: u32) -> &mut Host {
        let place = replica as usize;
        if place >= self.hosts.len() {
            self.hosts.resize(place + 1, Host::default());
        }
        &mut self.hosts[place]
    }

    /// Whether chance wants it.
    fn enforced(&mut self, share: Share) -> bool {
        share == Share::ONE || share > Share::ZERO && self.draws.next_uniform() < share.as_f64()
    }

    fn eject(&mut self, now: Time, replica: u32) {
        if !EnvoyOutlier::allows(&self.settings, self.sight.hosts(), self.out) {
            return;
        }
        let EnvoyOutlierSettings { base_ejection_time: base, max_ejection_time: max, ejection_jitter, .. } =
            self.settings;
        let max = max.max(base);
        let jitter = match ejection_jitter.is_zero() {
            true => Span::ZERO,
            false => Span::from_nanos_f64(self.draws.next_uniform() * ejection_jitter.as_nanos() as f64),
        };
        let host = self.host(replica);
        // The multiplier does not grow any more once it makes no difference.
        if base.as_nanos().saturating_mul(u64::from(host.multiplier)) < (max + base).as_nanos() {
            host.multiplier += 1;
        }
        let grown = Span::from_nanos(base.as_nanos().saturating_mul(u64::from(host.multiplier)));
        host.out_since = Some(now);
        host.out_for = grown.min(max) + jitter;
        self.out += 1;
        self.sight.spoil();
    }

    fn catch_up(&mut self, now: Time) {
        let interval = self.settings.interval.max(Span::from_nanos(1));
        let mut tick = self.next_tick.unwrap_or(now + interval);
        while tick <= now {
            self.tick(tick);
            tick = tick + interval;
            let is_idle = |host: &Host| host.requests == 0 && host.out_since.is_none() && host.multiplier == 0;
            if tick <= now && self.hosts.iter().all(is_idle) {
                // Nothing is left to change before the next result.
                let missed = now.since(tick).as_nanos() / interval.as_nanos() + 1;
                tick = tick + Span::from_nanos(missed.saturating_mul(interval.as_nanos()));
            }
        }
        self.next_tick = Some(tick);
    }

    fn tick(&mut self, now: Time) {
        let interval = self.settings.interval;
        for host in &mut self.hosts {
            match host.out_since {
                None if host.multiplier > 0 && now.since(host.back_since) >= interval => host.multiplier -= 1,
                Some(since) if now.since(since) >= host.out_for => {
                    (host.out_since, host.back_since) = (None, now);
                    (host.failures, host.gateway_failures) = (0, 0);
                    self.out -= 1;
                    self.sight.spoil();
                }
                _ => {}
            }
        }
        self.compare_success_rates(now);
        self.look_at_failures(now);
        for host in &mut self.hosts {
            (host.requests, host.successes) = (0, 0);
        }
    }

    /// The hosts that are in and had so many requests, with their success rates in percent.
    fn rates(&self, requests: u32) -> Vec<(u32, f64)> {
        let rate = |host: &Host| f64::from(host.successes) * 100.0 / f64::from(host.requests);
        let counts = |host: &Host| host.out_since.is_none() && host.requests >= requests.max(1);
        (0..).zip(&self.hosts).filter(|(_, host)| counts(host)).map(|(number, host)| (number, rate(host))).collect()
    }

    fn compare_success_rates(&mut self, now: Time) {
        let rates = self.rates(self.settings.success_rate_requests);
        if rates.is_empty() || rates.len() < self.settings.success_rate_hosts as usize {
            return;
        }
        let all: Vec<f64> = rates.iter().map(|(_, rate)| *rate).collect();
        let (_, _, threshold) = success_rate_threshold(&all, self.settings.success_rate_deviations);
        for (number, rate) in rates {
            if rate < threshold && self.enforced(self.settings.success_rate_enforced) {
                self.eject(now, number);
            }
        }
    }

    fn look_at_failures(&mut self, now: Time) {
        if self.settings.failure_rate_enforced == Share::ZERO {
            return;
        }
        let rates = self.rates(self.settings.failure_rate_requests);
        if rates.len() < self.settings.failure_rate_hosts as usize {
            return;
        }
        for (number, rate) in rates {
            let is_bad = 100.0 - rate >= self.settings.failure_rate.as_f64() * 100.0;
            if is_bad && self.enforced(self.settings.failure_rate_enforced) {
                self.eject(now, number);
            }
        }
    }
}

impl OwnOutlier<EnvoyOutlierSettings> for EnvoyOutlier {
    fn new(settings: &EnvoyOutlierSettings, key: Key) -> EnvoyOutlier {
        EnvoyOutlier {
            hosts: Vec::new(),
            out: 0,
            sight: Sight::default(),
            next_tick: None,
            draws: key.draws(),
            settings: *settings,
        }
    }

    fn record_of(&self, replica: u32) -> (u32, u32) {
        self.hosts.get(replica as usize).map_or((0, 0), |host| (host.failures, host.multiplier))
    }
}

impl Outlier for EnvoyOutlier {
    fn sight(&mut self, now: Time, up: &[u32]) -> Option<&[u32]> {
        self.sight.look(up);
        self.catch_up(now);
        if self.out == 0 {
            return None;
        }
        let hosts = &self.hosts;
        let is_out = |number: u32| hosts.get(number as usize).is_some_and(|host| host.out_since.is_some());
        self.sight.through(self.settings.panic.as_f64(), is_out)
    }

    fn started(&mut self, _now: Time, _replica: u32) {}

    fn ended(&mut self, now: Time, replica: u32, outcome: Outcome) {
        self.catch_up(now);
        if outcome == Outcome::Cancelled {
            return;
        }
        let EnvoyOutlierSettings { consecutive, consecutive_gateway, .. } = self.settings;
        let host = self.host(replica);
        host.requests += 1;
        if outcome.is_ok() {
            host.successes += 1;
            (host.failures, host.gateway_failures) = (0, 0);
            return;
        }
        host.failures += 1;
        host.gateway_failures = if outcome == Outcome::Error { 0 } else { host.gateway_failures + 1 };
        let is_in = host.out_since.is_none();
        let by_gateway = consecutive_gateway == Some(host.gateway_failures);
        let by_any = consecutive == Some(host.failures);
        if by_gateway {
            let ejects = is_in && self.enforced(self.settings.consecutive_gateway_enforced);
            if ejects {
                self.eject(now, replica);
            }
            self.host(replica).gateway_failures = 0;
        }
        if by_any {
            if self.host(replica).out_since.is_none() {
                self.eject(now, replica);
            }
            self.host(replica).failures = 0;
        }
    }

    fn ejected(&self) -> u32 {
        self.out
    }
}
