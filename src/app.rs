//! What lives as long as the process: the order of starting, and of stopping.
//!
//! The door answers from the first moment, with 503 until the database and the rules are there; an external database may
//! come later than we do. Whatever can be told wrong without waiting is told before anything is started.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, anyhow};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::channels::simulator::{Simulator, SimulatorConfig};
use crate::channels::whatsapp::{Client, Connection};
use crate::clock::Clock;
use crate::config::{Config, DatabaseUrl, WhatsApp};
use crate::conversations::ingest::Intake;
use crate::media::{self, Files, Library};
use crate::model::Origin;
use crate::outbound::templates::{self, Account};
use crate::outbound::worker::{Outbox, Pace};
use crate::rulesets::{self, Folders, LiveRules, OpenError};
use crate::security::sealed::KeySource;
use crate::settings::{Access, Channel, Live, Settings, Surroundings};
use crate::store::embedded::{DataFolder, Embedded};
use crate::store::{Store, cleanup};
use crate::tasks::Tasks;
use crate::web::{self, Door, Limits, Road, router};
use crate::{conversations, outbound};

/// Between two looks for a database that is not there yet; a little more or less, so that nodes do not come together.
const DATABASE_RETRY_MS: u64 = 600;
const DATABASE_RETRY_JITTER_MS: u64 = 400;
/// Stopping takes at most 25 s: requests first, then the work they made.
const DOOR_STOP_MAX: Duration = Duration::from_secs(11);
const WORK_STOP_MAX: Duration = Duration::from_secs(9);
const DATABASE_CLOSE_MAX: Duration = Duration::from_secs(5);

/// Runs the service until it is told to stop (SIGTERM, SIGINT). An error means that it could not start; an
/// [`OpenError::Rejected`] in it carries what is wrong with the rules.
pub async fn serve(config: Config) -> anyhow::Result<()> {
    for note in &config.notes {
        tracing::warn!("{note}");
    }
    let mut signals = Signals::new()?;
    let folders = Folders {
        rules: config.rules.clone(),
        lexicons: config.lexicons.clone(),
    };
    check_rules(&folders).await?;
    let listener = listen(config.listen).await?;
    let address = listener
        .local_addr()
        .context("could not read our own address")?;
    let folder = take_folder(&config).await?;

    let (clock, work, doors) = (Clock::default(), Tasks::default(), Tasks::default());
    let live = Live::new(connect(&config, address, &clock, &work).await?);
    let limits = Limits {
        connections_per_address_max: config.connections_per_address_max,
        api_per_minute: config.api_per_minute,
        ..Limits::default()
    };
    let door = Door::new(live.clone(), clock.clone(), limits);
    let (router, own) = (router(door.clone()), doors.clone());
    doors.spawn("door", async move {
        web::serve(listener, router, limits, &own).await;
    });
    tracing::info!(
        "listening; webhooks come to http://{}{}",
        reachable(address),
        web::router::WEBHOOK_PATH
    );

    let start = Start {
        config: &config,
        folders,
        clock,
        live,
        door,
        work: &work,
    };
    let started = tokio::select! {
        started = start.run(folder) => Some(started?),
        () = signals.next() => None,
    };
    if started.is_some() {
        tracing::info!("ready");
        signals.next().await;
    }
    tracing::info!("stopping");
    tokio::select! {
        () = stop(started, &doors, &work) => tracing::info!("stopped"),
        () = signals.next() => tracing::warn!("asked twice: stopped at once; what was not finished is taken up again"),
    }
    Ok(())
}

/// The database, once it is there.
struct Started {
    embedded: Option<Embedded>,
    store: Store,
}

/// All that starting needs.
struct Start<'a> {
    config: &'a Config,
    folders: Folders,
    clock: Clock,
    live: Live,
    door: Door,
    work: &'a Tasks,
}

impl Start<'_> {
    /// From the database to an open door.
    async fn run(self, folder: Option<DataFolder>) -> anyhow::Result<Started> {
        let (embedded, url) = open_database(self.config, folder).await?;
        let store = Store::connect(url.expose()).context("DATABASE_URL cannot be used")?;
        let rules = self.open_rules(&store).await?;
        let live = rules.current();
        let hash = live.hash.as_str().get(..12).unwrap_or_default();
        let counts = live.ruleset.counts();
        tracing::info!(
            "rules of {}: {} rules, {} intents, {hash}",
            self.folders.rules.display(),
            counts.rules,
            counts.intents
        );
        let (clock, work) = (self.clock.clone(), self.work);
        let pace = Pace {
            notices_per_day: self.config.notices_per_day,
            number_per_second: self.config.number_per_second,
            unknown_window_ms: self.config.unknown_window_ms,
        };
        let settings = self.open_settings(&store).await;
        let turns = conversations::worker::Worker::new(store.clone(), rules.clone(), clock.clone());
        conversations::worker::start(turns.following(self.live.clone()), work);
        let outbox = Outbox {
            store: store.clone(),
            live: self.live,
            rules: rules.clone(),
            pace,
            clock: clock.clone(),
        };
        let live = outbox.live.clone();
        outbound::worker::start(&outbox, work);
        start_notices((&store, &rules, &clock), &live, work);
        let library = Library {
            store: store.clone(),
            clock: clock.clone(),
            files: open_files(self.config)?,
        };
        media::fetch::start(library.clone(), live.clone(), work);
        media::upload::start(library.clone(), live, work);
        cleanup::start(store.clone(), self.config.keep_envelopes_days, work);
        let intake = Intake::start(store.clone(), clock, work);
        self.door.open(Road {
            intake,
            store: store.clone(),
            rules,
            settings,
            library,
        });
        Ok(Started { embedded, store })
    }

    /// Waits for the database as long as it takes; bad rules are an error at once.
    async fn open_rules(&self, store: &Store) -> Result<LiveRules, OpenError> {
        let mut failures: u64 = 0;
        loop {
            let reason = match self.try_rules(store).await {
                Err(OpenError::Store(reason)) => reason,
                other => return other,
            };
            failures += 1;
            if failures.is_power_of_two() {
                tracing::warn!(
                    "the database cannot be used yet; webhooks are answered by 503: {reason:#}"
                );
            }
            let pause_ms = DATABASE_RETRY_MS + jitter(DATABASE_RETRY_JITTER_MS);
            tokio::time::sleep(Duration::from_millis(pause_ms)).await;
        }
    }

    /// Until they are read, nothing may be sent: they may say that it goes somewhere else, or nowhere.
    async fn open_settings(&self, store: &Store) -> Settings {
        loop {
            let surroundings = Surroundings {
                locked: self.config.whatsapp.is_some(),
                graph: self.config.graph.clone(),
                key: KeySource {
                    given: self.config.secret_key.clone(),
                    data: self.config.data.clone(),
                },
            };
            let base = (store.clone(), self.clock.clone());
            match Settings::open(base, self.live.clone(), surroundings, self.work).await {
                Ok(settings) => return settings,
                Err(error) => tracing::warn!(%error, "the settings cannot be read yet"),
            }
            tokio::time::sleep(Duration::from_millis(DATABASE_RETRY_MS)).await;
        }
    }

    async fn try_rules(&self, store: &Store) -> Result<LiveRules, OpenError> {
        store
            .migrate()
            .await
            .map_err(|error| OpenError::Store(error.into()))?;
        rulesets::open(
            store.clone(),
            self.clock.clone(),
            self.folders.clone(),
            self.work,
        )
        .await
    }
}

/// How we speak to customers, and who may speak to us.
async fn connect(
    config: &Config,
    address: SocketAddr,
    clock: &Clock,
    work: &Tasks,
) -> anyhow::Result<Channel> {
    match &config.whatsapp {
        Some(whatsapp) => to_whatsapp(whatsapp),
        None => to_simulator(config, address, clock, work).await,
    }
}

fn to_whatsapp(whatsapp: &WhatsApp) -> anyhow::Result<Channel> {
    let WhatsApp {
        phone_number_id,
        api_url,
        api_version,
        ..
    } = whatsapp;
    tracing::info!("WhatsApp: phone number id {phone_number_id} through {api_url}/{api_version}");
    if api_url.starts_with("http://") {
        tracing::warn!("WHATSAPP_API_URL is not https: the access token can be read on its way");
    }
    let client = Client::new(Connection {
        api_url: api_url.clone(),
        api_version: api_version.clone(),
        access_token: whatsapp.access_token.clone(),
    })?;
    let access = Access {
        app_secrets: whatsapp.app_secrets.clone(),
        verify_tokens: vec![whatsapp.verify_token.clone()],
        phone_number_id: phone_number_id.clone(),
        origin: Origin::Live,
    };
    Ok(Channel {
        access,
        client,
        business_account_id: whatsapp.business_account_id.clone(),
    })
}

async fn to_simulator(
    config: &Config,
    address: SocketAddr,
    clock: &Clock,
    work: &Tasks,
) -> anyhow::Result<Channel> {
    let simulator = Simulator::start(SimulatorConfig {
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        data: config.data.clone(),
        webhook_url: format!("http://{}{}", reachable(address), web::router::WEBHOOK_PATH),
        clock: clock.clone(),
        tasks: work.clone(),
    })
    .await?;
    tracing::info!(
        "no WhatsApp setting is given: a simulator stands in for WhatsApp at {}; write to the bot with \
         `puisano say --from +27600000001 \"no water in Zastron\"`",
        simulator.api_url
    );
    let client = Client::new(Connection {
        api_url: simulator.api_url,
        // The simulator takes every version.
        api_version: "v24.0".to_owned(),
        access_token: simulator.access_token,
    })?;
    let access = Access {
        app_secrets: vec![simulator.app_secret],
        verify_tokens: vec![simulator.verify_token],
        phone_number_id: simulator.phone_number_id,
        origin: Origin::Simulated,
    };
    Ok(Channel {
        access,
        client,
        business_account_id: simulator.business_account_id,
    })
}

/// Spreads notices over their recipients, and follows the templates at WhatsApp.
fn start_notices((store, rules, clock): (&Store, &LiveRules, &Clock), live: &Live, work: &Tasks) {
    let now = live.clone();
    let number = move || {
        let access = &now.current().channel.access;
        (access.phone_number_id.clone(), access.origin)
    };
    outbound::notifications::expand::start(store.clone(), clock.clone(), number, work);
    let now = live.clone();
    let account = move || {
        let channel = &now.current().channel;
        Account {
            client: channel.client.clone(),
            business_account: channel.business_account_id.clone(),
            phone_number_id: channel.access.phone_number_id.clone(),
        }
    };
    let texts = (rules.clone(), clock.clone());
    templates::start(store.clone(), texts, account, work);
}

/// Where files are kept.
fn open_files(config: &Config) -> anyhow::Result<Files> {
    let folder = media::Folder::new(config.data.join("media"));
    let Some(place) = &config.media else {
        return Ok(Files::Folder(folder));
    };
    tracing::info!("files: the bucket {} at {}", place.bucket, place.endpoint);
    let bucket = media::Bucket::connect(place).context("PUISANO_MEDIA_URL cannot be used")?;
    Ok(Files::Bucket {
        bucket,
        unfinished: folder,
    })
}

/// Rules that do not compile keep us from starting, before anything else is touched.
async fn check_rules(folders: &Folders) -> Result<(), OpenError> {
    let folders = folders.clone();
    // Compiling a large pack takes a while.
    let checked =
        tokio::task::spawn_blocking(move || Ok::<_, OpenError>(rulesets::compile(folders.load()?)))
            .await;
    let checked = checked.map_err(|error| OpenError::Store(error.into()))??;
    match checked.live {
        Some(_) => Ok(()),
        None => Err(OpenError::Rejected(Box::new(checked.findings))),
    }
}

async fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            anyhow!("another program listens on {address}: stop it, or choose another port with PUISANO_LISTEN")
        }
        std::io::ErrorKind::PermissionDenied => anyhow!(
            "this user may not listen on port {}: choose one above 1023 with PUISANO_LISTEN",
            address.port()
        ),
        std::io::ErrorKind::AddrNotAvailable => {
            anyhow!("{} is no address of this machine: choose another with PUISANO_LISTEN", address.ip())
        }
        _ => anyhow::Error::from(error).context(format!("could not listen on {address}")),
    })
}

/// The data folder, where this process needs one: its own database and the simulator's memory allow one user only.
async fn take_folder(config: &Config) -> anyhow::Result<Option<DataFolder>> {
    if config.database.is_some() && config.whatsapp.is_some() {
        return Ok(None);
    }
    let data = config.data.clone();
    Ok(Some(
        tokio::task::spawn_blocking(move || DataFolder::take(&data))
            .await
            .context("the data folder")??,
    ))
}

/// The operator's database, which may still be on its way, or our own.
async fn open_database(
    config: &Config,
    folder: Option<DataFolder>,
) -> anyhow::Result<(Option<Embedded>, DatabaseUrl)> {
    match (&config.database, folder) {
        (Some(url), _) => {
            tracing::info!("database: {url}");
            Ok((None, url.clone()))
        }
        (None, Some(folder)) => {
            tracing::info!(
                "database: a private PostgreSQL in {}",
                folder.path().display()
            );
            let embedded = Embedded::start_in(folder).await?;
            let url = DatabaseUrl::new(embedded.url());
            Ok((Some(embedded), url))
        }
        (None, None) => Err(anyhow!("there is neither DATABASE_URL nor a data folder")),
    }
}

/// First nobody comes in any more, then what came in is finished, then the database goes.
async fn stop(started: Option<Started>, doors: &Tasks, work: &Tasks) {
    if !doors.stop(DOOR_STOP_MAX).await {
        tracing::warn!("some requests were cut off; WhatsApp sends them again");
    }
    if !work.stop(WORK_STOP_MAX).await {
        tracing::warn!("some work was cut off; it is taken up again at the next start");
    }
    if let Some(Started { embedded, store }) = started {
        let _ = tokio::time::timeout(DATABASE_CLOSE_MAX, store.close()).await;
        if let Some(embedded) = embedded {
            embedded.stop().await;
        }
    }
}

/// The address a program on this machine reaches us at.
fn reachable(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => {
            SocketAddr::from((Ipv4Addr::LOCALHOST, v4.port()))
        }
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => {
            SocketAddr::from((Ipv6Addr::LOCALHOST, v6.port()))
        }
        other => other,
    }
}

/// Anything below `limit_ms`.
fn jitter(limit_ms: u64) -> u64 {
    // Without randomness nodes merely come together.
    getrandom::u64().unwrap_or_default() % limit_ms
}

/// The signals that ask us to stop.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("could not listen to signals");
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_on_all_interfaces_is_reached_on_loopback() {
        for (address, expected) in [
            ("0.0.0.0:80", "127.0.0.1:80"),
            ("[::]:80", "[::1]:80"),
            ("192.0.2.1:80", "192.0.2.1:80"),
        ] {
            assert_eq!(reachable(address.parse().unwrap()).to_string(), expected);
        }
    }

    #[tokio::test]
    async fn a_taken_port_is_a_sentence() {
        let first = listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let error = listen(first.local_addr().unwrap())
            .await
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("another program listens on 127.0.0.1:"),
            "{error}"
        );
    }
}
