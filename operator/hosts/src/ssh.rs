//! One host over SSH: its keys pinned, one lasting connection, one execution at a time on it, and a watch beside them.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use hapair_model::{host::Credentials, observed::Silence};
use openssh::{Child, Session, Stdio};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    sync::{Mutex, Notify, oneshot},
    time::Instant,
};

use crate::{
    bundle::Bundle,
    line::{self, Line},
    output::Output,
    reach::Reach,
    watch::{self, Watch},
};

/// What an execution may take longer than its limit on the host: the way there and back.
const MARGIN: Duration = Duration::from_secs(20);
/// Far more than any answer; a host that sends more is cut off.
const MOST_BYTES: u64 = 32 << 20;
/// How long a host that has fallen silent may take to answer after all.
const GRACE: Duration = Duration::from_secs(3);
/// How long a glance may take: later than this a whole look is as good.
const GLANCE: Duration = Duration::from_secs(2);
/// How long sshd may take to free the session of a program that was ended.
const FREED: Duration = Duration::from_secs(3);

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
    connection: Mutex<State>,
    happened: Arc<Notify>,
    /// Its sshd lets in one session at a time (sshd_config(5), MaxSessions): there is no room for a watch.
    is_narrow: AtomicBool,
}

/// What there is of a connection.
#[derive(Debug)]
struct State {
    reach: Reach,
    open: Option<Connection>,
}

/// A connection that is up.
#[derive(Debug)]
struct Connection {
    watch: Option<Watch>,
    line: Arc<Line>,
}

impl Host {
    /// Writes what the ssh client needs into a private folder, which is removed with the host and its connection; connects to
    /// nothing yet.
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
        let (credentials, folder, happened) = (Arc::new(credentials), Arc::new(folder), Arc::default());
        let reach = Reach::new(Arc::clone(&credentials), folder, Arc::clone(&happened));
        Ok(Self {
            credentials,
            connection: Mutex::new(State { reach, open: None }),
            happened,
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

    /// Sends a bundle that changes nothing to the host, and runs its `main` there as root. It is given up soon after the host has fallen silent.
    pub async fn ask(&self, bundle: Bundle) -> Result<Output, Silence> {
        self.carry(bundle, |_| {}, true).await
    }

    /// The same with one that changes the host, and that is waited for to its end. `told` is given the answer so far, whenever more of it has come.
    pub async fn execute(&self, bundle: Bundle, told: impl FnMut(&[u8]) + Send) -> Result<Output, Silence> {
        self.carry(bundle, told, false).await
    }

    async fn carry(
        &self,
        bundle: Bundle,
        told: impl FnMut(&[u8]) + Send,
        give_up_if_silent: bool,
    ) -> Result<Output, Silence> {
        let mut state = self.connection.lock().await;
        let State {
            reach,
            open: connection,
        } = &mut *state;
        let open = match connection {
            Some(open) => open,
            None => connection.insert(Connection {
                watch: None,
                line: Arc::new(reach.connect().await?),
            }),
        };
        let limit = bundle.limit + MARGIN;
        let heard = AtomicU64::new(0);
        let mut told = told;
        let told = |bytes: &[u8]| {
            heard.fetch_add(1, Ordering::Relaxed);
            told(bytes);
        };
        let silence = open
            .watch
            .as_ref()
            .filter(|_| give_up_if_silent)
            .map(Watch::silence);
        let result = tokio::select! {
            result = tokio::time::timeout(limit, self.exchange(open, bundle.archive, told)) => result.unwrap_or_else(|_| {
                Err(Silence::Unreachable(format!("the remote command did not end within {} s", limit.as_secs())))
            }),
            silent = lasting(silence, &heard) => {
                let why = Silence::Unreachable(format!("it has said nothing for {} s", silent.as_secs()));
                reach.lost(why.clone());
                Err(why)
            }
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
            && let Some(open) = self.connection.lock().await.open.as_mut()
            && open.watch.as_ref().is_none_or(Watch::is_over)
        {
            open.watch = Some(Watch::begin(open.line.clone(), self.happened.clone()));
        }
        self.happened.notified().await;
    }

    /// What a script prints that looks at what changes by itself, run by the watch; nothing where none runs, or it does not
    /// answer soon.
    pub async fn glance(&self, script: String) -> Option<Vec<u8>> {
        let glances = self
            .connection
            .lock()
            .await
            .open
            .as_ref()?
            .watch
            .as_ref()?
            .glances();
        let (asker, answer) = oneshot::channel();
        glances.try_send((script, asker)).ok()?;
        tokio::time::timeout(GLANCE, answer).await.ok()?.ok()
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

/// Waits until a host has been silent for so long that what was asked is given up. One that has said anything since its watch fell silent only stood
/// still for a while; `heard` counts.
async fn lasting(silence: Option<Arc<Notify>>, heard: &AtomicU64) -> Duration {
    let Some(silence) = silence else {
        return std::future::pending().await;
    };
    silence.notified().await;
    let before = heard.load(Ordering::Relaxed);
    tokio::time::sleep(GRACE).await;
    if heard.load(Ordering::Relaxed) != before {
        return std::future::pending().await;
    }
    watch::SILENT + GRACE
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

/// One line about why a host does not answer.
pub fn explain(silence: &Silence) -> String {
    match silence {
        Silence::Unreachable(why) | Silence::Denied(why) | Silence::NotRoot(why) | Silence::Garbled(why) => {
            why.clone()
        }
        Silence::UnknownHostKey { offered } => format!("it offers {}", offered.join(", ")),
    }
}
