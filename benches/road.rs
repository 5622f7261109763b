//! The road on a real PostgreSQL: webhooks accepted durably, and whole turns.
//!
//! Service, database and customers share this machine. One iteration is one webhook with one message, or one turn: a
//! message received, decided, answered by a call to a Cloud API that accepts, and three statuses received. Criterion
//! prints how many a second that is. At the end the database must hold all of it.

#![expect(
    clippy::expect_used,
    reason = "a bench that cannot be set up has nothing to measure"
)]

mod town;

use std::time::Duration;

use criterion::{Criterion, SamplingMode, Throughput};
use tokio::runtime::Runtime;

use town::{Parts, Server, Town};

const CONNECTIONS: [usize; 2] = [1, 32];
/// Customers who are in a turn at the same time.
const AT_ONCE: usize = 256;

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
        bench(&mut criterion, ("webhooks", connections), |count| {
            town.take_in(count)
        });
        town.stop(&server, STORED);
    }
    let mut town = Town::start(&server, Parts::Whole, AT_ONCE);
    bench(&mut criterion, ("turns", AT_ONCE), |count| {
        town.converse(count)
    });
    town.stop(&server, ANSWERED);
    runtime.block_on(server.stop());
    criterion.final_summary();
}

fn bench(
    criterion: &mut Criterion,
    (name, at_once): (&str, usize),
    mut run: impl FnMut(u64) -> Duration,
) {
    let mut group = criterion.benchmark_group(name);
    group
        .sampling_mode(SamplingMode::Flat)
        .throughput(Throughput::Elements(1))
        .bench_function(format!("{at_once} at once"), |bencher| {
            bencher.iter_custom(&mut run);
        });
    group.finish();
}
