//! The road on a real PostgreSQL: webhooks accepted durably, and whole turns.
//!
//! Service, database and customers share this machine. One iteration is one webhook with one message, or one turn: a
//! message received, decided, answered by a call to a Cloud API that accepts, and three statuses received. Criterion
//! prints how many a second that is. At the end the database must hold all of it.
//!
//! Webhooks that come at a steady pace, whether or not the ones before were answered, are measured by how long each
//! waits; that is printed beside, and not judged.

#![expect(
    clippy::expect_used,
    reason = "a bench that cannot be set up has nothing to measure"
)]

mod town;

use std::time::Duration;

use criterion::{Criterion, SamplingMode, Throughput};
use tokio::runtime::Runtime;

use town::{CUSTOMERS, Parts, Server, Town};

const CONNECTIONS: [usize; 2] = [1, 32];
/// Customers who are in a turn at the same time.
const AT_ONCE: usize = 256;
/// The steady pace.
const WEBHOOKS_PER_SECOND: u32 = 1_000;
/// So many that one is always free, unless answers take longer than a tenth of a second.
const STEADY_CONNECTIONS: usize = 100;
/// Customers who have written before.
const KNOWN: u64 = 1_000;

const STORED: &str = "SELECT count(*) FROM messages WHERE direction = 'inbound'";
const ANSWERED: &str =
    "SELECT count(*) FROM messages WHERE direction = 'outbound' AND status = 'read'";

fn main() {
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_secs(3))
        .measurement_time(Duration::from_secs(20))
        .configure_from_args();
    let runtime = Runtime::new().expect("a runtime");
    let server = runtime.block_on(Server::start());
    for connections in CONNECTIONS {
        let mut town = Town::start(&server, Parts::Door, connections);
        // Somebody who writes for the first time costs most: a contact, two identifiers and a conversation more.
        for (whose, customers) in [("strangers", CUSTOMERS), ("people known", KNOWN)] {
            let name = format!("{connections} at once, {whose}");
            bench(&mut criterion, ("webhooks", &name), |count| {
                town.take_in(count, customers)
            });
        }
        town.stop(&server, STORED);
    }
    let mut town = Town::start(&server, Parts::Door, STEADY_CONNECTIONS);
    let mut waits = Vec::new();
    let steady = format!("{WEBHOOKS_PER_SECOND} a second");
    bench(&mut criterion, ("webhooks", &steady), |count| {
        town.take_in_steadily(count, WEBHOOKS_PER_SECOND, &mut waits)
    });
    town.stop(&server, STORED);
    print_waits(waits);
    let mut town = Town::start(&server, Parts::Whole, AT_ONCE);
    let name = format!("{AT_ONCE} at once");
    bench(&mut criterion, ("turns", &name), |count| {
        town.converse(count)
    });
    town.stop(&server, ANSWERED);
    runtime.block_on(server.stop());
    criterion.final_summary();
}

fn bench(
    criterion: &mut Criterion,
    (group, name): (&str, &str),
    mut run: impl FnMut(u64) -> Duration,
) {
    let mut group = criterion.benchmark_group(group);
    group
        .sampling_mode(SamplingMode::Flat)
        .throughput(Throughput::Elements(1))
        .bench_function(name, |bencher| {
            bencher.iter_custom(&mut run);
        });
    group.finish();
}

#[expect(clippy::print_stdout, reason = "a bench prints what it has found")]
fn print_waits(mut waits: Vec<Duration>) {
    waits.sort_unstable();
    let Some(last) = waits.len().checked_sub(1) else {
        return;
    };
    let at = |percent: usize| waits[last * percent / 100].as_secs_f64() * 1_000.0;
    println!(
        "webhooks/{WEBHOOKS_PER_SECOND} a second  p50 {:.1} ms, p99 {:.1} ms, longest {:.1} ms",
        at(50),
        at(99),
        at(100)
    );
}
