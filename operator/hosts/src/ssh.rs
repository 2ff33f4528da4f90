//! One host over SSH: its keys pinned, one lasting connection, one execution at a time on it, and a watch beside them.

use std::{
    fs,
    io::ErrorKind,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use hapair_model::{host::Credentials, observed::Silence};
use openssh::{Child, ControlPersist, KnownHosts, Session, SessionBuilder, Stdio};
use tempfile::TempDir;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    sync::{Mutex, Notify},
    time::Instant,
};
use tracing::instrument;

use crate::{
    bundle::Bundle,
    keys,
    line::{self, Line},
    output::Output,
    watch::Watch,
};

/// What an execution may take longer than its limit on the host: the way there and back.
const MARGIN: Duration = Duration::from_secs(20);
/// Far more than any answer; a host that sends more is cut off.
const MOST_BYTES: u64 = 32 << 20;
/// How long sshd may take to free the session of a program that was ended.
const FREED: Duration = Duration::from_secs(3);
const CONNECT_LIMIT: Duration = Duration::from_secs(8);

/// What runs on the host, whatever is asked of it: everything else is in the archive on standard input. The
/// first line tells that it runs as root. An execution that has lost its connection goes on for the limit in
/// its archive at most.
const UNPACK: &str = "set -eu; echo root; d=$(mktemp -d /run/hapair.XXXXXX); trap 'rm -rf \"$d\"' EXIT; tar \
    -x -C \"$d\" -f -; \
                      cd \"$d\"; timeout --kill-after=10 \"$(cat limit)\" sh \"$d/main\"";

/// The first line of every answer.
const ROOT: &[u8] = b"root\n";

/// A host over SSH.
#[derive(Debug)]
pub struct Host {
    credentials: Arc<Credentials>,
    connection: Mutex<Option<Connection>>,
    /// Key, known_hosts, configuration and control socket; removed with the host and its connection.
    folder: Arc<TempDir>,
    happened: Arc<Notify>,
    /// Its sshd lets in one session at a time (sshd_config(5), MaxSessions): there is no room for a watch.
    is_narrow: AtomicBool,
}

/// A connection that is up.
#[derive(Debug)]
struct Connection {
    watch: Option<Watch>,
    line: Arc<Line>,
}

impl Host {
    /// Writes what the ssh client needs into a private folder; connects to nothing yet.
    pub fn new(credentials: Credentials) -> std::io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("hapair-ssh.").tempdir()?;
        let mut key = credentials.private_key.expose().to_vec();
        if !key.ends_with(b"\n") {
            key.push(b'\n'); // ssh refuses a private key whose last line does not end
        }
        let path = folder.path();
        fs::write(path.join("key"), key)?;
        fs::set_permissions(path.join("key"), fs::Permissions::from_mode(0o600))?;
        let known: String = credentials
            .host_keys
            .iter()
            .map(|key| format!("host {key}\n"))
            .collect();
        fs::write(path.join("known_hosts"), known)?;
        fs::write(
            path.join("config"),
            Self::configuration(&credentials, path.join("known_hosts")),
        )?;
        Ok(Self {
            credentials: Arc::new(credentials),
            connection: Mutex::new(None),
            folder: Arc::new(folder),
            happened: Arc::default(),
            is_narrow: AtomicBool::new(false),
        })
    }

    /// What these credentials are; a host is made anew when they change.
    pub fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// Where it is reached.
    pub fn address(&self) -> &str {
        &self.credentials.address
    }

    /// Only the pinned keys count (under the alias `host`, whatever the address), only the given key is
    /// offered, nothing is asked.
    fn configuration(credentials: &Credentials, known_hosts: PathBuf) -> String {
        format!(
            "HostKeyAlias host\nUserKnownHostsFile {}\nGlobalKnownHostsFile /dev/null\nUpdateHostKeys \
             no\nIdentitiesOnly yes\n\
             IdentityAgent none\nBatchMode yes\nPreferredAuthentications publickey\nServerAliveCountMax \
             2\nUser {}\nPort {}\n",
            known_hosts.display(),
            credentials.user,
            credentials.port
        )
    }

    /// Sends a bundle to the host and runs its `main` there as root.
    pub async fn execute(&self, bundle: Bundle) -> Result<Output, Silence> {
        self.execute_told(bundle, |_| {}).await
    }

    /// The same; `told` is given the answer so far, whenever more of it has come.
    pub async fn execute_told(
        &self,
        bundle: Bundle,
        told: impl FnMut(&[u8]) + Send,
    ) -> Result<Output, Silence> {
        let mut connection = self.connection.lock().await;
        if connection.is_none() {
            *connection = Some(self.connect().await?);
        }
        let Some(open) = connection.as_mut() else {
            return Err(Silence::Unreachable("no connection".into()));
        };
        let limit = bundle.limit + MARGIN;
        let result = match tokio::time::timeout(limit, self.exchange(open, bundle.archive, told)).await {
            Ok(result) => result,
            Err(_) => Err(Silence::Unreachable(format!(
                "the remote command did not end within {} s",
                limit.as_secs()
            ))),
        };
        // The next execution connects anew; this one may or may not have run.
        if matches!(result, Err(Silence::Unreachable(_)))
            && let Some(broken) = connection.take()
        {
            tokio::spawn(close(broken));
        }
        result
    }

    /// Waits until something may have happened on the host. What has happened since the last time counts.
    pub async fn happened(&self) {
        if !self.is_narrow.load(Ordering::Relaxed)
            && let Some(open) = self.connection.lock().await.as_mut()
            && open.watch.as_ref().is_none_or(Watch::is_over)
        {
            open.watch = Some(Watch::begin(open.line.clone(), self.happened.clone()));
        }
        self.happened.notified().await;
    }

    #[instrument(skip_all)]
    async fn connect(&self) -> Result<Connection, Silence> {
        let mut builder = SessionBuilder::default();
        builder
            .known_hosts_check(KnownHosts::Strict)
            .connect_timeout(CONNECT_LIMIT)
            .server_alive_interval(Duration::from_secs(5))
            .control_persist(ControlPersist::ClosedAfterInitialConnection)
            .control_directory(self.folder.path())
            .config_file(self.folder.path().join("config"))
            .keyfile(self.folder.path().join("key"));
        let attempt =
            tokio::time::timeout(CONNECT_LIMIT * 2, builder.connect_mux(&self.credentials.address)).await;
        match attempt {
            Ok(Ok(session)) => Ok(Connection {
                watch: None,
                line: Arc::new(Line::new(session, self.credentials.clone(), self.folder.clone())),
            }),
            // A host that was not there a moment ago and is now has refused nothing.
            Ok(Err(openssh::Error::Connect(error)))
                if matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::ConnectionRefused) =>
            {
                Err(Silence::Unreachable(error.to_string()))
            }
            Ok(Err(error)) => Err(self.why_not(&error).await),
            Err(_) => Err(Silence::Unreachable("no answer".into())),
        }
    }

    /// ssh says why it failed only in prose, so the host is asked for its keys, and the answer tells the
    /// cases apart.
    async fn why_not(&self, error: &openssh::Error) -> Silence {
        let denied =
            matches!(error, openssh::Error::Connect(error) if error.kind() == ErrorKind::PermissionDenied);
        let offered = keys::offered(&self.credentials.address, self.credentials.port).await;
        meaning(denied, detail(error), &offered, &self.credentials.host_keys)
    }

    /// The remote shell that unpacks what is sent to it.
    async fn spawn<'a>(&self, open: &'a mut Connection) -> Result<Child<&'a Session>, openssh::Error> {
        let spawn = async |line: &'a Line| {
            let mut command = line.command("sh", &["-c", UNPACK]);
            command
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped());
            command.spawn().await
        };
        let (line, watch) = (&*open.line, &mut open.watch);
        match (spawn(line).await, watch.take()) {
            (Err(openssh::Error::SshMux(_)), Some(running)) => {
                running.end().await;
                let freed = Instant::now() + FREED;
                let child = loop {
                    match spawn(line).await {
                        Err(_) if Instant::now() < freed => tokio::time::sleep(FREED / 20).await,
                        spawned => break spawned?,
                    }
                };
                tracing::info!(
                    address = line.address(),
                    "its sshd lets in one session at a time: changes are noticed at the next look"
                );
                self.is_narrow.store(true, Ordering::Relaxed);
                Ok(child)
            }
            (spawned, running) => {
                *watch = running;
                spawned
            }
        }
    }

    async fn exchange(
        &self,
        open: &mut Connection,
        archive: Vec<u8>,
        mut told: impl FnMut(&[u8]) + Send,
    ) -> Result<Output, Silence> {
        let lost = |error: &dyn std::fmt::Display| Silence::Unreachable(error.to_string());
        let mut child = self.spawn(open).await.map_err(|error| lost(&error))?;
        let (stdin, stdout, stderr) = (child.stdin().take(), child.stdout().take(), child.stderr().take());
        let send = async move {
            if let Some(mut stdin) = stdin {
                // A host that ends early closes its end; what it said tells why.
                let _ = stdin.write_all(&archive).await;
                let _ = stdin.shutdown().await;
            }
        };
        let told = |bytes: &[u8]| bytes.strip_prefix(ROOT).map_or((), &mut told);
        let ((), stdout, stderr) = tokio::join!(send, read_all(stdout, told), read_all(stderr, |_| {}));
        let status = match child.wait().await {
            Ok(status) => status,
            // The remote shell found no such command (exit status 127), which is the only way the crate tells
            // of it.
            Err(openssh::Error::Remote(_)) if self.credentials.user != line::ROOT => {
                return Err(Silence::NotRoot("there is no sudo on the host".into()));
            }
            Err(error) => return Err(lost(&error)),
        };
        let stderr = String::from_utf8_lossy(&stderr).into_owned();
        match stdout.strip_prefix(ROOT) {
            Some(rest) => Ok(Output {
                code: status.code().unwrap_or(-1),
                stdout: rest.to_vec(),
                stderr,
            }),
            None if self.credentials.user != line::ROOT && !stderr.is_empty() => {
                Err(Silence::NotRoot(stderr.trim().into()))
            }
            None if stdout.is_empty() => Err(lost(&format!(
                "the connection ended before the first answer {stderr}"
            ))),
            None => Err(Silence::Garbled(
                String::from_utf8_lossy(&stdout[..stdout.len().min(200)]).into_owned(),
            )),
        }
    }
}

/// A connection that has broken may hang.
async fn close(broken: Connection) {
    if let Some(watch) = broken.watch {
        watch.end().await;
    }
    if let Some(line) = Arc::into_inner(broken.line) {
        drop(tokio::time::timeout(Duration::from_secs(5), line.session.close()).await);
    }
}

async fn read_all(stream: Option<impl AsyncRead + Unpin>, mut told: impl FnMut(&[u8])) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(stream) = stream {
        let mut stream = stream.take(MOST_BYTES);
        // What came before a break is judged by its end marker.
        while let Ok(1..) = stream.read_buf(&mut bytes).await {
            told(&bytes);
        }
    }
    bytes
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

/// One line about why a host does not answer.
pub fn explain(silence: &Silence) -> String {
    match silence {
        Silence::Unreachable(why) | Silence::Denied(why) | Silence::NotRoot(why) | Silence::Garbled(why) => {
            why.clone()
        }
        Silence::UnknownHostKey { offered } => format!("it offers {}", offered.join(", ")),
    }
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
