//! Running the service.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use docassist_app::accounts::NewAccount;
use docassist_app::jobs::LocationPolicy;
use docassist_app::secrets::Secrets;
use docassist_app::{AppError, CacheConfig, RedisConfig, Replicas, SearchConfig, Service, ServiceConfig, TimesToLive};
use docassist_model::{ErrorCode, OrgSlug};
use docassist_server::observe::{self, LogFormat as Form, ObserveConfig};
use docassist_server::{ServerConfig, bind};

use crate::cli::serve::{LogFormat, Serve};
use crate::failure::Failure;
use crate::output::streams;
use crate::settings::Settings;

/// The environment's name for the secret itself.
const SECRET: &str = "DOCASSIST_SECRET";
/// How long to leave a database alone that did not answer: short beside its own start.
const AGAIN: Duration = Duration::from_millis(500);
/// How often the log says that it is still waited for.
const TELL: Duration = Duration::from_secs(5);

/// Serves until somebody stops it.
pub(crate) fn run(settings: &Settings, arguments: Serve) -> Result<(), Failure> {
    let secrets = secrets(settings, &arguments)?;
    let observed = ObserveConfig {
        format: match arguments.log_format {
            LogFormat::Text => Form::Text,
            LogFormat::Json => Form::Json,
        },
        filter: arguments.log.clone(),
        otlp: arguments.otlp.clone(),
    };
    let _observed =
        observe::observe(&observed).map_err(|error| Failure::usage(error, "See `docassist serve --help`."))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(ErrorCode::Internal, format!("no threads can be started: {error}"), None))?;
    let result = runtime.block_on(serve(settings, arguments, secrets));
    // What still blocks (a computation whose client has gone) is not waited for.
    runtime.shutdown_timeout(Duration::from_secs(1));
    result
}

async fn serve(settings: &Settings, arguments: Serve, secrets: Secrets) -> Result<(), Failure> {
    let mut database = settings.database.clone().pool(arguments.database_pool);
    if let Some(address) = &arguments.database_standby {
        database = database.with_standby(address, settings.database_password_file.as_deref())?;
    }
    let config = ServiceConfig {
        data: settings.data.clone(),
        database,
        secrets,
        graph_memory: arguments.graph_memory,
        cache: cache(&arguments)?,
        search: SearchConfig {
            model: super::search::choice(&arguments.model)?,
            server: super::search::server(&arguments.model)?,
            // Long enough for most syncs, and short enough that the answer comes before the request's own end.
            patience: Some(Duration::from_secs((arguments.request_time / 2).min(10).into())),
        },
        chat: super::ask::chat(&arguments.chat)?,
        qdrant: arguments.qdrant.address()?,
        locations: LocationPolicy { roots: arguments.source_roots.clone(), ssh: arguments.allow_ssh },
        access_life: Duration::from_secs(u64::from(arguments.token_life) * 60),
    };
    // From here on a request to end is heard: as a container's first process it would otherwise be ignored.
    let mut stopped = std::pin::pin!(stopped());
    let service = tokio::select! {
        biased;
        () = &mut stopped => return Ok(()),
        service = open(config, Duration::from_secs(arguments.database_wait.into())) => Arc::new(service?),
    };
    let listen = arguments.listen;
    let bound = bind(listen, Arc::clone(&service), server(&arguments)).await.map_err(|error| {
        Failure::new(ErrorCode::Unavailable, format!("{listen} cannot be listened at: {error}"), None)
    })?;
    // Only who can serve changes something: where the address is taken, nothing was made.
    first_start(&service, &arguments, &settings.org)?;
    let mut runner = service.jobs.run(arguments.sync_workers.into())?;
    let address = bound.address().unwrap_or(listen);
    // For whoever started it, and for programs that asked for any free port.
    streams::say(&format!("listening at http://{address}; documentation at http://{address}/docs"));
    bound.serve(stopped).await;
    tracing::info!("no more requests; syncs go back into the queue");
    let stopping = tokio::task::spawn_blocking(move || runner.stop());
    let _ = stopping.await;
    streams::say("stopped");
    Ok(())
}

/// Opens the service, trying again while the database does not answer: who starts both at once need not know which one
/// comes first.
async fn open(config: ServiceConfig, wait: Duration) -> Result<Service, Failure> {
    let began = Instant::now();
    let mut told: Option<Instant> = None;
    loop {
        let mut error = match Service::open(config.clone()) {
            Err(error) if error.code == ErrorCode::Unavailable => error,
            result => return Ok(result?),
        };
        let left = wait.saturating_sub(began.elapsed());
        if left.is_zero() {
            error.message = format!("{}; it was waited for {} s", error.message, wait.as_secs());
            return Err(error.hint("Check that it runs and takes connections, or set --database-wait higher.").into());
        }
        if told.is_none_or(|told| told.elapsed() >= TELL) {
            tracing::warn!(%error, left_s = left.as_secs(), "waiting for the database");
            told = Some(Instant::now());
        }
        tokio::time::sleep(AGAIN.min(left)).await;
    }
}

/// Ready when the process is asked to end.
async fn stopped() {
    let interrupted = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminated) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = interrupted => {}
                _ = terminated.recv() => {}
            }
            return;
        }
    }
    let _ = interrupted.await;
}

fn secrets(settings: &Settings, arguments: &Serve) -> Result<Secrets, Failure> {
    if let Some(path) = &arguments.secret_file {
        return Ok(Secrets::read(path)?);
    }
    if let Some(secret) = std::env::var_os(SECRET) {
        return Ok(Secrets::derive(secret.to_string_lossy().trim().as_bytes())?);
    }
    if !arguments.listen.ip().is_loopback() {
        let message = format!("{} can be reached from elsewhere, and no secret is set", arguments.listen);
        return Err(Failure::usage(
            message,
            "Make one with `openssl rand -base64 48`, and name its file with --secret-file or set DOCASSIST_SECRET.",
        ));
    }
    Ok(Secrets::kept_in(&settings.data)?)
}

fn cache(arguments: &Serve) -> Result<CacheConfig, Failure> {
    let mut ttl = TimesToLive::default();
    for of in &arguments.cache_ttl {
        let time = Duration::from_secs(of.seconds.into());
        match of.family.as_deref() {
            None => ttl = TimesToLive::all(time),
            Some("gaps") => ttl.gaps = time,
            Some("impact") => ttl.impact = time,
            Some("search") => ttl.search = time,
            Some(_) => ttl.relationships = time,
        }
    }
    Ok(CacheConfig {
        memory_bytes: arguments.cache_memory,
        ttl,
        // Also without Redis: the command line may sync the same data, and other processes serve it.
        replicas: Some(Replicas::default()),
        redis: arguments.redis.address()?.as_deref().map(RedisConfig::new),
    })
}

fn server(arguments: &Serve) -> ServerConfig {
    ServerConfig {
        request_time: Duration::from_secs(arguments.request_time.into()),
        upload_bytes: arguments.upload_size,
        proxies: arguments.proxies.into(),
        user_rate: arguments.user_rate,
        address_rate: arguments.address_rate,
        ..ServerConfig::default()
    }
}

/// Makes the first account where there is none.
fn first_start(service: &Service, arguments: &Serve, org: &OrgSlug) -> Result<(), Failure> {
    if !service.is_new()? {
        return Ok(());
    }
    let password = match (&arguments.admin_password, &arguments.admin_password_file) {
        (Some(password), _) => Some(password.clone()),
        (None, Some(path)) => Some(read_password(path)?),
        (None, None) => None,
    };
    let (Some(email), Some(password)) = (&arguments.admin_email, password) else {
        return Err(Failure::usage(
            "nobody has an account yet, and there are no default ones",
            "Name the first one: --admin-email EMAIL, with its password in DOCASSIST_ADMIN_PASSWORD or \
             --admin-password-file.",
        ));
    };
    let account = NewAccount { email, name: "", password: &password, operator: true };
    let user = match service.first_start(account, org) {
        Ok(user) => user,
        // Another process has started at the same time and was faster.
        Err(_) if !service.is_new()? => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    streams::say(&format!("made the account {}, and the organisation {org}", user.email));
    Ok(())
}

fn read_password(path: &Path) -> Result<String, AppError> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        AppError::new(ErrorCode::InvalidInput, format!("the password in {} cannot be read: {error}", path.display()))
    })?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}
