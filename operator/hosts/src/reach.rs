//! How a host is reached: one attempt at a time. It goes on while nobody waits for it, so that a host that is away holds nothing
//! up but the first look.

use std::{io::ErrorKind, sync::Arc, time::Duration};

use hapair_model::{host::Credentials, observed::Silence};
use openssh::{ControlPersist, KnownHosts, SessionBuilder};
use tempfile::TempDir;
use tokio::{
    sync::Notify,
    task::{JoinError, JoinHandle},
};
use tracing::{Instrument as _, instrument};

use crate::{keys, line::Line};

const CONNECT_LIMIT: Duration = Duration::from_secs(8);
/// How long a host is waited for that could not be reached the last time.
const BRIEF: Duration = Duration::from_secs(1);

/// The way to a host.
#[derive(Debug)]
pub struct Reach {
    credentials: Arc<Credentials>,
    folder: Arc<TempDir>,
    happened: Arc<Notify>,
    attempt: Option<JoinHandle<Result<Line, Silence>>>,
    /// Why the last attempt failed.
    failed: Option<Silence>,
}

impl Reach {
    /// Nothing is connected yet. `happened` is notified when a host can be reached that could not be the last time.
    pub fn new(credentials: Arc<Credentials>, folder: Arc<TempDir>, happened: Arc<Notify>) -> Self {
        Self {
            credentials,
            folder,
            happened,
            attempt: None,
            failed: None,
        }
    }

    /// The host is away: it is not waited for any more.
    pub fn lost(&mut self, why: Silence) {
        self.failed = Some(why);
    }

    /// A new connection.
    pub async fn connect(&mut self) -> Result<Line, Silence> {
        // What has failed since the last time says nothing of now.
        if let Some(ended) = self.attempt.take_if(|attempt| attempt.is_finished())
            && let Ok(line) = self.note(ended.await)
        {
            return Ok(line);
        }
        let (credentials, folder) = (self.credentials.clone(), self.folder.clone());
        let happened = self.failed.as_ref().map(|_| self.happened.clone());
        let running = self
            .attempt
            .get_or_insert_with(|| tokio::spawn(attempt(credentials, folder, happened).in_current_span()));
        let ended = match &self.failed {
            None => running.await,
            Some(failed) => match tokio::time::timeout(BRIEF, running).await {
                Ok(ended) => ended,
                Err(_) => return Err(failed.clone()),
            },
        };
        self.attempt = None;
        self.note(ended)
    }

    fn note(&mut self, ended: Result<Result<Line, Silence>, JoinError>) -> Result<Line, Silence> {
        let result = ended.unwrap_or_else(|error| Err(Silence::Unreachable(error.to_string())));
        self.failed = result.as_ref().err().cloned();
        result
    }
}

#[instrument(name = "connect", skip_all)]
async fn attempt(
    credentials: Arc<Credentials>,
    folder: Arc<TempDir>,
    happened: Option<Arc<Notify>>,
) -> Result<Line, Silence> {
    let mut builder = SessionBuilder::default();
    builder
        .known_hosts_check(KnownHosts::Strict)
        .connect_timeout(CONNECT_LIMIT)
        .server_alive_interval(Duration::from_secs(5))
        .control_persist(ControlPersist::ClosedAfterInitialConnection)
        .control_directory(folder.path())
        .config_file(folder.path().join("config"))
        .keyfile(folder.path().join("key"));
    match tokio::time::timeout(CONNECT_LIMIT * 2, builder.connect_mux(&credentials.address)).await {
        Ok(Ok(session)) => {
            if let Some(happened) = happened {
                happened.notify_one();
            }
            Ok(Line::new(session, credentials, folder))
        }
        // A host that was not there a moment ago and is now has refused nothing.
        Ok(Err(openssh::Error::Connect(error)))
            if matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::ConnectionRefused) =>
        {
            Err(Silence::Unreachable(error.to_string()))
        }
        Ok(Err(error)) => Err(why_not(&credentials, &error).await),
        Err(_) => Err(Silence::Unreachable("no answer".into())),
    }
}

/// ssh says why it failed only in prose, so the host is asked for its keys, and the answer tells the
/// cases apart.
async fn why_not(credentials: &Credentials, error: &openssh::Error) -> Silence {
    let denied =
        matches!(error, openssh::Error::Connect(error) if error.kind() == ErrorKind::PermissionDenied);
    let offered = keys::offered(&credentials.address, credentials.port).await;
    meaning(denied, detail(error), &offered, &credentials.host_keys)
}

/// What a failed connection means, by what ssh was told, and by the keys that the host offers a moment later.
fn meaning(denied: bool, prose: String, offered: &[String], pinned: &[String]) -> Silence {
    if offered.is_empty() {
        return Silence::Unreachable(prose);
    }
    if !offered.iter().any(|key| pinned.contains(key)) {
        return Silence::UnknownHostKey {
            offered: offered.iter().map(|key| keys::fingerprint(key)).collect(),
        };
    }
    // Its sshd may have come up only since: who was not let in was told so.
    if denied {
        Silence::Denied(prose)
    } else {
        Silence::Unreachable(prose)
    }
}

fn detail(error: &openssh::Error) -> String {
    let source = std::error::Error::source(error)
        .map(|source| format!(": {source}"))
        .unwrap_or_default();
    format!("{error}{source}").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";

    #[test]
    fn a_host_that_came_up_a_moment_later_has_not_refused_anyone() {
        let pinned = [KEY.to_owned()];
        let of = |denied, offered: &[&str]| {
            meaning(
                denied,
                "prose".into(),
                &offered.iter().map(ToString::to_string).collect::<Vec<_>>(),
                &pinned,
            )
        };
        assert_eq!(of(false, &[]), Silence::Unreachable("prose".into()));
        assert_eq!(of(false, &[KEY]), Silence::Unreachable("prose".into()));
        assert_eq!(of(true, &[KEY]), Silence::Denied("prose".into()));
        assert!(matches!(
            of(true, &["ssh-ed25519 AAAA"]),
            Silence::UnknownHostKey { .. }
        ));
        assert!(matches!(
            of(false, &["ssh-ed25519 AAAA"]),
            Silence::UnknownHostKey { .. }
        ));
    }
}
