//! What is recorded for stories agrees with what is counted otherwise.

use brownout::measure::OUTCOMES;
use brownout::policy::Outcome;
use brownout::scenario::{LoadOptions, lesson};

use crate::reference::Told;

/// Sums over all bins are the totals of a run without warm-up, and waiting is Little's law: the integral of attempts
/// under way is the sum of how long they took.
#[test]
fn bins_add_up_to_the_totals() {
    let text = lesson("forty-node-meltdown").unwrap().text.replace("warmup   = \"20s\"", "warmup = \"0s\"");
    let told = Told::of(
        "meltdown",
        &text,
        &LoadOptions {
            sets: ["duration=100s", "expect.no-blackout=none"].map(str::to_owned).to_vec(),
            ..LoadOptions::default()
        },
    );
    let (results, causes) = (&told.results, told.results.causes.as_ref().unwrap());
    for (id, total) in results.services.iter().enumerate() {
        let sum = |of: fn(&brownout::measure::ServiceBin) -> u32| -> u64 {
            (0..causes.bins).map(|bin| u64::from(of(causes.service(bin, id)))).sum()
        };
        assert_eq!(sum(|bin| bin.arrivals), total.arrivals);
        assert_eq!(sum(|bin| bin.completed), total.completed);
        assert_eq!(sum(|bin| bin.failed), total.failed);
        assert_eq!(sum(|bin| bin.rejected), total.rejected + total.shed);
        let busy: f64 = (0..causes.bins).map(|bin| f64::from(causes.service(bin, id).busy)).sum();
        let exact = total.busy_nanos as f64 / 1e9;
        // Means are rounded to 24 bits in each bin.
        assert!((busy * causes.bin.as_secs_f64() - exact).abs() <= exact * 1e-6, "{busy} {exact}");
    }
    for (id, total) in results.edges.iter().enumerate() {
        let sum = |of: fn(&brownout::measure::EdgeBin) -> u32| -> u64 {
            (0..causes.bins).map(|bin| u64::from(of(causes.edge(bin, id)))).sum()
        };
        assert_eq!((sum(|bin| bin.calls), sum(|bin| bin.attempts)), (total.calls, total.attempts));
        let of_edge = || causes.failures.iter().filter(|it| it.edge as usize == id);
        let mut ended = [0_u64; OUTCOMES];
        of_edge().for_each(|it| ended.iter_mut().zip(it.ended).for_each(|(sum, count)| *sum += u64::from(count)));
        ended[Outcome::Ok as usize] = sum(|bin| bin.ok);
        assert_eq!(ended, total.outcomes);
        let retried: u64 = of_edge().flat_map(|it| it.retried).map(u64::from).sum();
        // Who waits to try again when the run ends has not done so.
        let repeated = total.attempts - total.calls;
        assert!(retried >= repeated && retried - repeated < 20_000, "{retried} {repeated}");
    }
    for (id, total) in results.workloads.iter().enumerate() {
        let sum = |of: fn(&brownout::measure::WorkloadBin) -> u32| -> u64 {
            (0..causes.bins).map(|bin| u64::from(of(causes.workload(bin, id)))).sum()
        };
        assert_eq!((sum(|bin| bin.offered), sum(|bin| bin.good)), (total.offered, total.good));
        assert_eq!(sum(|bin| bin.good), sum(|bin| bin.good_now));
    }
}

/// Until something goes wrong, a run and its twin are the same to the last bit.
#[test]
fn twins_are_the_same_until_something_goes_wrong() {
    let told = Told::of("meltdown", lesson("forty-node-meltdown").unwrap().text, &LoadOptions::default());
    let (main, twin) = (told.results.causes.as_ref().unwrap(), told.twin.as_ref().unwrap().causes.as_ref().unwrap());
    let differs = |bin: usize| (0..4).any(|id| main.service(bin, id) != twin.service(bin, id));
    assert_eq!((0..main.bins).find(|bin| differs(*bin)), Some(600), "the fault begins at 60 s");
}
