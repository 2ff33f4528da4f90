//! The whole product on this machine: two real hosts, a real API server, the operator with exactly the rights
//! of config/rbac.

pub mod client;
mod container;
mod plugin;
pub mod recording;

use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow, bail};
use hapair_cluster::{Binaries, Cluster};
use hapair_lab::{Config, Lab, Link, bmc};
use serde_json::{Value, json};

pub use container::Container;
use container::{Settings, make_root, prepare_root};

/// The namespace in which the tests keep their pairs.
pub const NAMESPACE: &str = "web";
/// The namespace of the operator.
pub const SYSTEM: &str = "hapair-system";
/// The folder in a lab's directory with the files of the operator's image.
const ROOT: &str = "operator-root";
/// The password of hacluster.
pub const ADMIN_PASSWORD: &str = "hacluster-secret-of-a-test";

/// Hosts, API server and operator.
#[derive(Debug)]
pub struct World {
    /// The hosts.
    pub lab: Lab,
    /// The API server.
    pub cluster: Cluster,
    operator: Option<Container>,
}

impl World {
    /// Brings everything up but the operator itself: hosts, API server, what `kubectl apply -k
    /// config/default` installs, the namespace of the pairs.
    pub fn up(config: Config, say: impl FnMut(&str) + Send) -> Result<Self> {
        let world = Self::ground(config, say)?;
        world.apply_folder("config/default", &[])?;
        world.apply_folder("config/rbac/pair-namespace", &["-n", NAMESPACE])?;
        world.wait_for_kinds()?;
        Ok(world)
    }

    /// Brings up hosts and an API server that knows nothing of the operator; only the namespace of the pairs
    /// is there.
    pub fn ground(config: Config, say: impl FnMut(&str) + Send) -> Result<Self> {
        let say = Mutex::new(say);
        let say = |what: &str| say.lock().unwrap_or_else(PoisonError::into_inner)(what);
        let operator = operator_binary()?;
        let (binaries, prepared) = prepare(&operator, &config, say)?;
        let lab = Lab::up(config, say)?;
        make_root(&prepared, &operator, &lab.directory().join(ROOT))?;
        say("starting the API server");
        let cluster = Cluster::start(&lab.directory().join("cluster"), binaries)?;
        let world = Self {
            lab,
            cluster,
            operator: None,
        };
        world.cluster.run(&["create", "namespace", NAMESPACE])?;
        Ok(world)
    }

    /// Builds whatever the cache does not have yet of what a run starts from.
    pub fn prepare(config: &Config, say: impl FnMut(&str) + Send) -> Result<()> {
        let say = Mutex::new(say);
        let say = |what: &str| say.lock().unwrap_or_else(PoisonError::into_inner)(what);
        prepare(&operator_binary()?, config, say).map(drop)
    }

    /// Waits until the four kinds can be used.
    pub fn wait_for_kinds(&self) -> Result<()> {
        let kinds = ["get", "-n", NAMESPACE, "hapairs,harv,hafip,hasg"];
        self.wait("the four kinds", Duration::from_secs(60), |world| {
            world.cluster.run(&kinds).ok()
        })
        .map(drop)
    }

    /// The ground that a run with HAPAIR_KEEP=1 left.
    pub fn attach(name: &str) -> Result<Self> {
        let operator = operator_binary()?;
        // Before the lab's network is entered, in which no packages are to be had.
        let prepared = prepare_root(&operator, |_| {})?;
        let lab = Lab::attach(name)?;
        make_root(&prepared, &operator, &lab.directory().join(ROOT))?;
        let cluster = Cluster::attach(&lab.directory().join("cluster"), Binaries::prepare(|_| {})?);
        Ok(Self {
            lab,
            cluster,
            operator: None,
        })
    }

    /// Applies a folder of the repository that kustomize knows.
    pub fn apply_folder(&self, folder: &str, more: &[&str]) -> Result<()> {
        let path = root().join(folder);
        let rendered = self.cluster.run(&["kustomize", &path.display().to_string()])?;
        let file = self.lab.directory().join("rendered.yaml");
        fs::write(&file, rendered)?;
        let file = file.display().to_string();
        self.cluster
            .run(&[["apply", "--server-side", "-f", &file].as_slice(), more].concat())
            .map(drop)
    }

    /// Starts the operator as its Deployment says, with other arguments where they are given.
    pub fn start_operator(&mut self, arguments: &[&str]) -> Result<()> {
        let container = self.spawn_operator("operator", "127.0.0.1:8080", arguments)?;
        self.operator = Some(container);
        self.stand_for_its_pod()
    }

    /// What a scheduler and a kubelet do: there is a pod, and it is ready. The API server's service proxy
    /// goes to pods only.
    fn stand_for_its_pod(&self) -> Result<()> {
        let template = &self.cluster.get(SYSTEM, "deployment/hapair-operator")?["spec"]["template"];
        let metadata =
            json!({"name": "operator", "namespace": SYSTEM, "labels": template["metadata"]["labels"]});
        let mut pod =
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]});
        pod["spec"]["nodeName"] = "lab".into();
        // Another container in the place of one that was killed is the same pod's.
        if self.cluster.get(SYSTEM, "pod/operator").is_err() {
            self.cluster.apply(&pod.to_string())?;
        }
        let address = self.lab.gateway(Link::Zero);
        let ready =
            json!([{"type": "Ready", "status": "True"}, {"type": "ContainersReady", "status": "True"}]);
        let status = json!({"status": {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}], "conditions": ready}});
        let patch = status.to_string();
        self.cluster
            .run(&[
                "patch",
                "pod/operator",
                "-n",
                SYSTEM,
                "--subresource=status",
                "--type=merge",
                "--patch",
                &patch,
            ])
            .map(drop)
    }

    /// Starts an operator beside any other; the caller ends it.
    pub fn spawn_operator(&self, name: &str, listen: &str, arguments: &[&str]) -> Result<Container> {
        // Only one can have the Service's port; whoever else asks for none gets some.
        let ask = if name == "operator" { ASK_PORT } else { 0 };
        let given = [
            format!("--listen={listen}"),
            format!("--ask-listen=0.0.0.0:{ask}"),
            "--lease-seconds=6".into(),
            "--log-format=text".into(),
        ];
        let given: Vec<_> = given
            .into_iter()
            .chain(arguments.iter().map(ToString::to_string))
            .collect();
        let deployment = self.cluster.get(SYSTEM, "deployment/hapair-operator")?;
        let account = deployment["spec"]["template"]["spec"]["serviceAccountName"]
            .as_str()
            .context("the pod has no ServiceAccount")?;
        let settings = Settings {
            name,
            root: &self.lab.directory().join(ROOT),
            deployment: &deployment,
            arguments: &given,
            service_account: &self.cluster.service_account(SYSTEM, account)?,
            log: File::options()
                .create(true)
                .append(true)
                .open(self.lab.directory().join(format!("{name}.log")))?,
        };
        Container::start(&self.lab.directory().join("containers"), &settings)
    }

    /// The processes of the operator's container.
    pub fn operator_processes(&self) -> Result<Vec<u32>> {
        self.operator
            .as_ref()
            .context("no operator has been started")?
            .processes()
    }

    /// Ends the operator without a word, as a crash would.
    pub fn kill_operator(&mut self) -> Result<()> {
        self.operator
            .take()
            .map_or(Ok(()), |mut operator| operator.kill())
    }

    /// The Secrets of the sample, for these hosts.
    pub fn secrets(&self) -> Result<String> {
        let key = fs::read_to_string(self.lab.private_key())?;
        let indented: String = key.lines().map(|line| format!("    {line}\n")).collect();
        let text = fs::read_to_string(root().join("config/samples/secrets.yaml"))?;
        Ok(text
            .replace(
                "ssh-privatekey: REPLACE-WITH-A-PRIVATE-KEY\n",
                &format!("ssh-privatekey: |\n{indented}"),
            )
            .replace("REPLACE-WITH-A-PASSWORD", ADMIN_PASSWORD)
            .replace("REPLACE-WITH-THE-BMC-USER", bmc::USER)
            .replace("REPLACE-WITH-THE-BMC-PASSWORD", bmc::PASSWORD))
    }

    /// The sample's pair and children, for these hosts.
    pub fn sample(&self) -> Result<String> {
        self.sample_of("tomcat.yaml")
    }

    /// The same of another file of samples.
    pub fn sample_of(&self, file: &str) -> Result<String> {
        let mut text = fs::read_to_string(root().join("config/samples").join(file))?;
        for node in 0..2 {
            let key = format!(
                "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{}{}",
                "A".repeat(42),
                node + 1
            );
            if !text.contains(&key) {
                bail!("config/samples/{file} lacks the host key {key:?}");
            }
            text = text.replace(&key, &self.lab.host_key(node)?);
        }
        let subnets = &self.lab.config().subnets;
        Ok(text
            .replace("192.0.2.", &format!("{}.", subnets[0]))
            .replace("198.51.100.", &format!("{}.", subnets[1]))
            .replace("/dev/sdb", "/dev/ubdb"))
    }

    /// Applies manifests in the namespace of the pairs.
    pub fn apply(&self, manifests: &str) -> Result<()> {
        let file = self.lab.directory().join("applied.yaml");
        fs::write(&file, manifests)?;
        self.cluster
            .run(&[
                "apply",
                "--server-side",
                "--force-conflicts",
                "-n",
                NAMESPACE,
                "-f",
                &file.display().to_string(),
            ])
            .map(drop)
    }

    /// Whether the API server would take these manifests; the error carries its words.
    pub fn dry_run(&self, manifests: &str) -> Result<()> {
        let file = self.lab.directory().join("dry-run.yaml");
        fs::write(&file, manifests)?;
        let file = file.display().to_string();
        self.cluster
            .run(&[
                "apply",
                "--server-side",
                "--dry-run=server",
                "--validate=ignore",
                "-n",
                NAMESPACE,
                "-f",
                &file,
            ])
            .map(drop)
    }

    /// Does something with both hosts at once.
    pub fn on_both<T: Send>(&self, act: impl Fn(usize) -> Result<T> + Sync) -> Result<[T; 2]> {
        let [first, second] = std::thread::scope(|scope| {
            let second = scope.spawn(|| act(1));
            [
                act(0),
                second
                    .join()
                    .unwrap_or_else(|_| bail!("the other host's thread ended")),
            ]
        });
        Ok([first?, second?])
    }

    /// Runs a command line on a host with a line on its standard input.
    pub fn on_host_with_input(&self, node: usize, line: &str, input: &str) -> Result<String> {
        let mut child = self
            .lab
            .ssh(node)
            .arg(line)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        writeln!(
            child.stdin.take().context("ssh has no standard input")?,
            "{input}"
        )?;
        Ok(String::from_utf8_lossy(&child.wait_with_output()?.stdout).into_owned())
    }

    /// The sample's floating address.
    pub fn floating_address(&self) -> String {
        format!("{}.100", self.lab.config().subnets[0])
    }

    /// The page on the floating address, if there is one.
    pub fn page(&self) -> Option<String> {
        client::get(&self.floating_address(), 8080, "/").ok()
    }

    /// An object of the pair as JSON.
    pub fn object(&self, what: &str) -> Result<Value> {
        self.cluster.get(NAMESPACE, what)
    }

    /// A condition of an object: its status, reason and message.
    pub fn condition(&self, what: &str, type_: &str) -> Result<Option<(String, String, String)>> {
        Ok(condition_of(&self.object(what)?, type_))
    }

    /// Waits for something to be so, and says what was being waited for when it does not come.
    pub fn wait<T>(
        &self,
        what: &str,
        limit: Duration,
        mut look: impl FnMut(&Self) -> Option<T>,
    ) -> Result<T> {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(found) = look(self) {
                return Ok(found);
            }
            if Instant::now() > deadline {
                // The reason last: of a long output the end is read.
                bail!("{}\n{what}: not within {} s", self.evidence(), limit.as_secs());
            }
            std::thread::sleep(Duration::from_millis(400));
        }
    }

    /// Waits for a condition of an object to have this status.
    pub fn wait_for_condition(&self, what: &str, type_: &str, status: &str, limit: Duration) -> Result<()> {
        self.wait(&format!("{what} {type_}={status}"), limit, |world| {
            let (now, _, _) = world.condition(what, type_).ok()??;
            (now == status).then_some(())
        })
    }

    /// What there is to see when something went wrong.
    pub fn evidence(&self) -> String {
        let objects = self
            .cluster
            .run(&["get", "-n", NAMESPACE, "hapairs,harv,hafip,hasg", "-o", "wide"])
            .unwrap_or_else(|error| error.to_string());
        let log = fs::read_to_string(self.lab.directory().join("operator.log")).unwrap_or_default();
        // A line may hold a whole configuration.
        let lines: Vec<_> = log
            .lines()
            .rev()
            .take(15)
            .map(|line| line.chars().take(300).collect::<String>())
            .collect();
        let hosts: String = [STATE, HISTORY]
            .into_iter()
            .flat_map(|command| (0..2).map(move |node| (node, command)))
            .map(|(node, command)| {
                let seen = self.lab.output(node, command);
                let told = seen.map_or_else(
                    |error| error.to_string(),
                    |output| String::from_utf8_lossy(&output.stdout).into_owned(),
                );
                format!("{told}\n")
            })
            .collect();
        format!(
            "{objects}\n{}\n{hosts}",
            lines.into_iter().rev().collect::<Vec<_>>().join("\n")
        )
    }

    /// A host's address on link 0.
    pub fn address(&self, node: usize) -> String {
        self.lab.address(node, Link::Zero)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = self.kill_operator();
        if std::env::var_os("HAPAIR_KEEP").is_none() {
            let _ = Lab::down(&self.lab.config().name);
        }
    }
}

/// Where the operator answers those who ask, in the lab's network.
const ASK_PORT: u16 = 8081;

/// How a host and its cluster are.
const STATE: &str = r"
crm_mon -1rfA 2>&1 | tail -50
cibadmin --query --scope constraints 2> /dev/null | grep -E '<(rsc_location|rule|expression) ' | cut -c 1-160
drbdadm status 2>&1
journalctl -u 'tomcat*' -n 12 --no-pager -o short-iso 2> /dev/null | cut -c 1-160
curl -s -m 2 -o /dev/null -w '%{http_code} from tomcat\n' http://127.0.0.1:8080/
";

/// What became of a host, and what its scheduler did about it: the most telling, so the last.
const HISTORY: &str = r#"
echo "$(hostname), up since $(uptime -s), now $(date +%T)"
journalctl -b -p err --no-pager -o short-iso 2> /dev/null | tail -3 | cut -c 1-160
grep -aE '(Actions|crit|error|warning): ' /var/log/pacemaker/pacemaker.log 2> /dev/null |
    grep -v ' stderr: ' | tail -24 | sed -E 's/ +/ /g' | cut -c 1-200
"#;

/// A condition within an object's JSON: status, reason, message.
pub fn condition_of(object: &Value, type_: &str) -> Option<(String, String, String)> {
    let condition = object["status"]["conditions"]
        .as_array()?
        .iter()
        .find(|condition| condition["type"] == type_)?;
    let text = |field: &str| condition[field].as_str().unwrap_or_default().to_owned();
    Some((text("status"), text("reason"), text("message")))
}

/// The repository's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Kubernetes' programs, and the root of the operator's image. The hosts' images are made beside them: these wait for the network
/// half of their time.
fn prepare(
    operator: &Path,
    config: &Config,
    say: impl Fn(&str) + Copy + Send + Sync,
) -> Result<(Binaries, PathBuf)> {
    std::thread::scope(|scope| {
        let images = scope.spawn(|| {
            let prepared = prepare_root(operator, say)?;
            hapair_lab::prepare_images(config, say).map(|_| prepared)
        });
        let binaries = Binaries::prepare(say)?;
        let prepared = images
            .join()
            .map_err(|_| anyhow!("the images were not built"))??;
        Ok((binaries, prepared))
    })
}

/// The operator beside the running program.
fn operator_binary() -> Result<PathBuf> {
    let program = std::env::current_exe()?;
    let folder = program.parent().context("a program lies in a folder")?;
    let operator = folder.join("hapair-operator");
    if !operator.exists() {
        bail!(
            "{} is not there; build it first: cargo build --workspace",
            operator.display()
        );
    }
    Ok(operator)
}
