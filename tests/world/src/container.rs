//! The operator as a cluster runs it: the files of its image, the user and the restrictions of its pod, in a
//! container of its own.

use std::{
    fs::{self, File},
    os::unix::{fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use hapair_lab::{cached, run};
use serde_json::{Value, json};

use crate::root;

/// Longer than a container takes to begin.
const BEGINNING: Duration = Duration::from_secs(10);
/// Where a pod finds its ServiceAccount's token.
const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// A container that runs.
#[derive(Debug)]
pub struct Container {
    name: String,
    state: PathBuf,
    runtime: Child,
}

/// What a container is made of.
#[derive(Debug)]
pub struct Settings<'a> {
    /// Its name, and that of its pod.
    pub name: &'a str,
    /// The image's files.
    pub root: &'a Path,
    /// The Deployment of its pod.
    pub deployment: &'a Value,
    /// Arguments that win over those of the pod.
    pub arguments: &'a [String],
    /// Token, certificate and namespace of its ServiceAccount.
    pub service_account: &'a Path,
    /// Where its output goes.
    pub log: File,
}

impl Container {
    /// Starts it, in the network of the caller; the runtime's files go to `folder`.
    pub fn start(folder: &Path, settings: &Settings<'_>) -> Result<Self> {
        let bundle = folder.join(settings.name);
        fs::create_dir_all(&bundle)?;
        fs::write(
            bundle.join("config.json"),
            serde_json::to_vec_pretty(&specification(settings)?)?,
        )?;
        let state = folder.join("crun");
        // One of this name may be left of a run that was ended.
        let _ = crun(&state).args(["delete", "--force", settings.name]).output();
        let runtime = crun(&state)
            .args(["run", "--bundle"])
            .arg(&bundle)
            .arg(settings.name)
            .stdin(Stdio::null())
            .stdout(settings.log.try_clone()?)
            .stderr(settings.log.try_clone()?)
            .process_group(0)
            .spawn()
            .context("start crun")?;
        Ok(Self {
            name: settings.name.to_owned(),
            state,
            runtime,
        })
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> Result<bool> {
        Ok(self.runtime.try_wait()?.is_some())
    }

    /// Its processes, as this machine numbers them.
    pub fn processes(&self) -> Result<Vec<u32>> {
        let mut parents = Vec::new();
        for entry in fs::read_dir("/proc")? {
            let Some(process) = entry?
                .file_name()
                .to_str()
                .and_then(|name| name.parse::<u32>().ok())
            else {
                continue;
            };
            let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
            let parent = status
                .lines()
                .find_map(|line| line.strip_prefix("PPid:")?.trim().parse::<u32>().ok());
            parents.extend(parent.map(|parent| (process, parent)));
        }
        let mut family = vec![self.runtime.id()];
        let mut seen = 0;
        while let Some(&parent) = family.get(seen) {
            family.extend(
                parents
                    .iter()
                    .filter(|(_, of)| *of == parent)
                    .map(|(process, _)| *process),
            );
            seen += 1;
        }
        Ok(family)
    }

    /// Ends it without a word, as a crash would. One that has not quite begun yet is waited for; one that has
    /// ended by itself is an error.
    pub fn kill(&mut self) -> Result<()> {
        let deadline = Instant::now() + BEGINNING;
        loop {
            let killed = crun(&self.state)
                .args(["kill", &self.name, "KILL"])
                .output()
                .context("start crun")?;
            if killed.status.success() {
                self.runtime.wait()?;
                return Ok(());
            }
            let said = String::from_utf8_lossy(&killed.stderr);
            if let Some(status) = self.runtime.try_wait()? {
                bail!("the container {} had ended by itself ({status})", self.name);
            }
            if Instant::now() > deadline {
                bail!("the container {} can't be killed: {said}", self.name);
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        if matches!(self.runtime.try_wait(), Ok(None)) {
            let _ = self.kill();
        }
    }
}

/// A command of crun's. It takes a machine with both versions of control groups for one without, and needs
/// none here: it is shown none.
fn crun(state: &Path) -> Command {
    let mut command = Command::new("unshare");
    command.args([
        "--mount",
        "sh",
        "-c",
        "mount -t tmpfs none /sys/fs/cgroup && exec crun --cgroup-manager=disabled --root \"$@\"",
        "crun",
    ]);
    command.arg(state);
    command
}

/// Debian's part of the image's files, from the cache: for a program that loads these libraries.
pub fn prepare_root(program: &Path, say: impl FnOnce(&str)) -> Result<PathBuf> {
    let script = root().join("operator/image/root");
    let listed = Command::new("ldd").arg(program).output().context("start ldd")?;
    let libraries: String = String::from_utf8_lossy(&listed.stdout)
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    cached(
        "operator-root",
        &[&fs::read(&script)?, libraries.as_bytes()],
        |directory| {
            say("making the root of the operator's image (about 20 s)");
            run(Command::new(&script).arg(program).arg(directory))
        },
    )
}

/// The image's files around this program, in a directory of their own. `prepared` is what [`prepare_root`]
/// returned.
pub fn make_root(prepared: &Path, program: &Path, directory: &Path) -> Result<()> {
    // A container of an earlier run may still use what is there.
    run(Command::new("cp")
        .args(["-a", "-T", "--remove-destination"])
        .arg(prepared)
        .arg(directory))?;
    run(Command::new("install")
        .args(["-m", "0755"])
        .arg(program)
        .arg(directory.join("usr/bin/hapair-operator")))
}

/// The container's configuration (OCI runtime specification), made of the pod's as a kubelet would.
fn specification(settings: &Settings<'_>) -> Result<Value> {
    let pod = &settings.deployment["spec"]["template"]["spec"];
    let container = &pod["containers"][0];
    let security = &container["securityContext"];
    ensure!(
        security["capabilities"]["drop"] == json!(["ALL"]),
        "the pod keeps capabilities, of which a test's container has none"
    );
    let (user, group) = (
        &pod["securityContext"]["runAsUser"],
        &pod["securityContext"]["runAsGroup"],
    );
    own(settings.service_account, user)?;
    let mut mounts = vec![
        json!({"destination": "/proc", "type": "proc", "source": "proc"}),
        json!({"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755", "size=64k"]}),
        json!({"destination": SERVICE_ACCOUNT, "type": "bind", "source": settings.service_account, "options": ["bind", "ro"]}),
    ];
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    for mount in list(&container["volumeMounts"]) {
        let volume = list(&pod["volumes"])
            .into_iter()
            .find(|volume| volume["name"] == mount["name"]);
        let volume = volume.with_context(|| format!("the pod has no volume {}", mount["name"]))?;
        let limit = volume["emptyDir"]["sizeLimit"]
            .as_str()
            .context("a volume without a limit")?;
        // What a pod calls Mi is tmpfs' m.
        let size = format!("size={}", limit.trim_end_matches('i').to_lowercase());
        mounts.push(json!({
            "destination": mount["mountPath"], "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "nodev", "mode=1777", size],
        }));
    }
    Ok(json!({
        "ociVersion": "1.0.2",
        "root": {"path": settings.root, "readonly": security["readOnlyRootFilesystem"]},
        "process": {
            "user": {"uid": user, "gid": group},
            "args": arguments(&list(&container["args"]), settings.arguments),
            "env": environment(settings.name, &list(&container["env"])),
            "cwd": "/",
            "noNewPrivileges": security["allowPrivilegeEscalation"] == json!(false),
        },
        "mounts": mounts,
        // The network is that of the hosts.
        "linux": {"namespaces": [{"type": "pid"}, {"type": "mount"}, {"type": "ipc"}, {"type": "uts"}]},
    }))
}

/// The image's entrypoint, the pod's arguments without those that are given anew, and these.
fn arguments(pods: &[Value], given: &[String]) -> Vec<String> {
    let flag = |argument: &str| argument.split('=').next().unwrap_or_default().to_owned();
    let flags: Vec<_> = given.iter().map(|argument| flag(argument)).collect();
    let kept = pods
        .iter()
        .filter_map(Value::as_str)
        .filter(|argument| !flags.contains(&flag(argument)));
    let entrypoint = ["/usr/bin/tini", "--", "/usr/bin/hapair-operator"];
    entrypoint
        .into_iter()
        .chain(kept)
        .map(str::to_owned)
        .chain(given.iter().cloned())
        .collect()
}

/// What a pod is told, with the tests' own filter of the log, and what a kubelet adds.
fn environment(pod: &str, declared: &[Value]) -> Vec<String> {
    let value = |entry: &Value| match entry["valueFrom"]["fieldRef"]["fieldPath"].as_str() {
        Some("metadata.name") => pod.to_owned(),
        Some("metadata.namespace") => crate::SYSTEM.to_owned(),
        _ => entry["value"].as_str().unwrap_or_default().to_owned(),
    };
    let told = declared.iter().filter(|entry| entry["name"] != "RUST_LOG");
    let told = told.map(|entry| format!("{}={}", entry["name"].as_str().unwrap_or_default(), value(entry)));
    let added = [
        "PATH=/usr/bin",
        "HOME=/tmp",
        "KUBERNETES_SERVICE_HOST=127.0.0.1",
        "KUBERNETES_SERVICE_PORT=6443",
    ];
    told.chain(added.map(str::to_owned))
        .chain(["RUST_LOG=info,hapair_controllers=debug,hapair_engine=debug".to_owned()])
        .collect()
}

/// A pod's user can read the token of its ServiceAccount.
fn own(folder: &Path, user: &Value) -> Result<()> {
    let user = user
        .as_u64()
        .and_then(|user| u32::try_from(user).ok())
        .context("the pod's user is not a number")?;
    for entry in fs::read_dir(folder)? {
        chown(entry?.path(), Some(user), None)?;
    }
    Ok(())
}
