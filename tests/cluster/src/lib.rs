//! A real Kubernetes API server: etcd, kube-apiserver with RBAC, kube-controller-manager for garbage
//! collection and namespaces; built from the Go modules of Kubernetes, kept in the cache. Runs in the
//! caller's network namespace, on loopback, and ends with it.

mod binaries;

use std::{
    fs::{self, File},
    io::Write,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

pub use binaries::{Binaries, build_go};

const SERVER: &str = "https://127.0.0.1:6443";
/// Longer than an API server takes to be ready on a busy machine.
const READY: Duration = Duration::from_secs(300);
const ADMIN_TOKEN: &str = "admin-of-a-test-cluster";

/// A running API server.
#[derive(Clone, Debug)]
pub struct Cluster {
    directory: PathBuf,
    binaries: Binaries,
}

impl Cluster {
    /// Starts one with its files in this folder. Returns when it is ready.
    pub fn start(directory: &Path, binaries: Binaries) -> Result<Self> {
        fs::create_dir_all(directory)?;
        let cluster = Self {
            directory: directory.to_owned(),
            binaries,
        };
        cluster.write_keys()?;
        cluster.spawn(
            Path::new("etcd"),
            &[
                "--data-dir=etcd",
                "--listen-client-urls=http://127.0.0.1:2379",
                "--advertise-client-urls=http://127.0.0.1:2379",
                "--listen-peer-urls=http://127.0.0.1:2380",
                "--unsafe-no-fsync",
            ],
        )?;
        cluster.start_api_server()?;
        cluster.write_kubeconfig("admin.kubeconfig", ADMIN_TOKEN)?;
        cluster.spawn(
            &cluster.binaries.path("kube-controller-manager"),
            &[
                "--kubeconfig=admin.kubeconfig",
                "--leader-elect=false",
                "--controllers=endpoints-controller,garbage-collector-controller,namespace-controller,serviceaccount-controller",
                "--service-account-private-key-file=service-account.key",
                "--secure-port=0",
            ],
        )?;
        Ok(cluster)
    }

    /// One that runs already.
    pub fn attach(directory: &Path, binaries: Binaries) -> Self {
        Self {
            directory: directory.to_owned(),
            binaries,
        }
    }

    /// Starts kube-apiserver (again) and waits until it is ready.
    pub fn start_api_server(&self) -> Result<()> {
        self.spawn(
            &self.binaries.path("kube-apiserver"),
            &[
                "--etcd-servers=http://127.0.0.1:2379",
                "--bind-address=127.0.0.1",
                "--advertise-address=127.0.0.1",
                "--endpoint-reconciler-type=none",
                "--service-cluster-ip-range=10.0.0.0/24",
                "--service-account-issuer=https://kubernetes.default.svc",
                "--service-account-key-file=service-account.key",
                "--service-account-signing-key-file=service-account.key",
                "--authorization-mode=RBAC",
                "--token-auth-file=tokens.csv",
                "--cert-dir=certificates",
            ],
        )?;
        self.wait_until_ready()
    }

    /// Ends kube-apiserver without a word.
    pub fn stop_api_server(&self) -> Result<()> {
        self.stop_program("kube-apiserver")
    }

    /// The administrator's kubeconfig.
    pub fn kubeconfig(&self) -> PathBuf {
        self.directory.join("admin.kubeconfig")
    }

    /// A kubectl command as the administrator.
    pub fn kubectl(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.binaries.path("kubectl"));
        command.arg("--kubeconfig").arg(self.kubeconfig()).args(arguments);
        command
    }

    /// Runs kubectl and returns what it printed; an error carries what it said.
    pub fn run(&self, arguments: &[&str]) -> Result<String> {
        finish(arguments, self.kubectl(arguments).output()?)
    }

    /// Applies manifests from text.
    pub fn apply(&self, manifests: &str) -> Result<String> {
        let arguments = ["apply", "--server-side", "--force-conflicts", "-f", "-"];
        let mut child = self
            .kubectl(&arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        child
            .stdin
            .take()
            .context("kubectl has no standard input")?
            .write_all(manifests.as_bytes())?;
        finish(&arguments, child.wait_with_output()?)
    }

    /// An object as JSON.
    pub fn get(&self, namespace: &str, what: &str) -> Result<serde_json::Value> {
        Ok(serde_json::from_str(
            &self.run(&["get", "-n", namespace, what, "-o", "json"])?,
        )?)
    }

    /// What a pod of this ServiceAccount finds in its file system: a folder with token, certificate and
    /// namespace. The server is at 127.0.0.1:6443.
    pub fn service_account(&self, namespace: &str, name: &str) -> Result<PathBuf> {
        let folder = self.directory.join(format!("service-account-{name}"));
        fs::create_dir_all(&folder)?;
        let token = self.run(&["create", "token", "-n", namespace, name, "--duration=24h"])?;
        fs::write(folder.join("token"), token.trim())?;
        fs::copy(
            self.directory.join("certificates/apiserver.crt"),
            folder.join("ca.crt"),
        )?;
        fs::write(folder.join("namespace"), namespace)?;
        Ok(folder)
    }

    /// The kubeconfig of a ServiceAccount.
    pub fn kubeconfig_of(&self, namespace: &str, account: &str) -> Result<PathBuf> {
        let token = fs::read_to_string(self.service_account(namespace, account)?.join("token"))?;
        let name = format!("{account}.kubeconfig");
        self.write_kubeconfig(&name, &token)?;
        Ok(self.directory.join(name))
    }

    fn spawn(&self, program: &Path, arguments: &[&str]) -> Result<()> {
        let mut command = Command::new(program);
        command.args(arguments);
        self.start_program(
            &program.file_name().unwrap_or_default().to_string_lossy(),
            command,
        )
    }

    /// Starts a program that runs beside the API server and ends with the lab; its output goes to the
    /// cluster's folder.
    pub fn start_program(&self, name: &str, mut command: Command) -> Result<()> {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.directory.join(format!("{name}.log")))?;
        let child = command
            .current_dir(&self.directory)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .spawn()
            .with_context(|| format!("start {name}"))?;
        Ok(fs::write(
            self.directory.join(format!("{name}.pid")),
            child.id().to_string(),
        )?)
    }

    /// Ends a program that was started here without a word.
    pub fn stop_program(&self, name: &str) -> Result<()> {
        let pid = fs::read_to_string(self.directory.join(format!("{name}.pid")))
            .with_context(|| format!("{name} was never started"))?;
        Ok(kill(Pid::from_raw(pid.parse()?), Signal::SIGKILL)?)
    }

    fn write_keys(&self) -> Result<()> {
        let key = self.directory.join("service-account.key");
        let made = Command::new("openssl")
            .args(["genrsa", "-out"])
            .arg(&key)
            .arg("2048")
            .output()
            .context("start openssl")?;
        if !made.status.success() {
            bail!("openssl: {}", String::from_utf8_lossy(&made.stderr));
        }
        Ok(fs::write(
            self.directory.join("tokens.csv"),
            format!("{ADMIN_TOKEN},admin,admin,system:masters\n"),
        )?)
    }

    fn write_kubeconfig(&self, name: &str, token: &str) -> Result<()> {
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: test\nclusters:\n- name: \
             test\n  cluster:\n    server: {SERVER}\n    \
             certificate-authority: {}\nusers:\n- name: test\n  user:\n    token: {token}\ncontexts:\n- \
             name: test\n  context:\n    \
             cluster: test\n    user: test\n",
            self.directory.join("certificates/apiserver.crt").display()
        );
        Ok(fs::write(self.directory.join(name), text)?)
    }

    fn wait_until_ready(&self) -> Result<()> {
        let deadline = Instant::now() + READY;
        self.write_kubeconfig("admin.kubeconfig", ADMIN_TOKEN)?;
        while Instant::now() < deadline {
            if self
                .kubectl(&["get", "--raw", "/readyz"])
                .output()?
                .status
                .success()
            {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        bail!(
            "the API server was not ready within {READY:?}; its log is {}",
            self.directory.join("kube-apiserver.log").display()
        )
    }
}

fn finish(arguments: &[&str], output: Output) -> Result<String> {
    if !output.status.success() {
        bail!(
            "kubectl {}: {}",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
