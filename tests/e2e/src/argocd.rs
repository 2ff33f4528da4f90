//! Argo CD itself, beside the API server: its manifests as it delivers them, its application controller, its
//! repository server, redis, and a Git repository that is served.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Result, bail, ensure};
use hapair_lab::output;
use hapair_world::{World, root};
use serde_json::Value;

/// Its namespace.
pub const NAMESPACE: &str = "argocd";
/// The Application of config/argocd/application.yaml.
const APPLICATION: &str = "application/hapairs";
const MODULE: &str = "github.com/argoproj/argo-cd/v3";

/// The project and the key that its API server, which is not needed here, would make.
const MADE_BY_SERVER: &str = "\
apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: default, namespace: argocd}
spec:
  sourceRepos: ['*']
  destinations: [{server: '*', namespace: '*'}]
  clusterResourceWhitelist: [{group: '*', kind: '*'}]
---
apiVersion: v1
kind: Secret
metadata: {name: argocd-secret, namespace: argocd}
stringData: {server.secretkey: a-key-of-a-test}
";

/// Argo CD, at work.
pub struct ArgoCd {
    /// Where the pairs are declared.
    pub repository: Repository,
}

impl ArgoCd {
    /// Builds it, unless the cache has it. Before a lab is entered, in which no modules are to be had.
    pub fn prepare(say: impl FnOnce(&str)) -> Result<PathBuf> {
        let programs = [
            "github.com/argoproj/argo-cd/v3/cmd",
            "sigs.k8s.io/kustomize/kustomize/v5",
        ];
        let linked = format!("-X {MODULE}/common.version=3.2.0");
        // Its manifests are among its modules' files, which Go may have forgotten though the programs are
        // kept.
        output(
            Command::new("go")
                .current_dir(modules())
                .args(["mod", "download", MODULE]),
        )?;
        hapair_cluster::build_go("argocd", &modules(), &linked, &programs, || {
            say("building Argo CD from source (minutes, once)")
        })
    }

    /// Starts it, told of the four kinds as docs/gitops.md says.
    pub fn start(world: &World, programs: &Path) -> Result<Self> {
        let cluster = &world.cluster;
        cluster.run(&["create", "namespace", NAMESPACE])?;
        let manifests = module_directory()?.join("manifests/core-install.yaml");
        cluster.run(&[
            "apply",
            "--server-side",
            "-n",
            NAMESPACE,
            "-f",
            &manifests.display().to_string(),
        ])?;
        world.wait("Argo CD's kinds", Duration::from_secs(60), |world| {
            world.cluster.apply(MADE_BY_SERVER).ok()
        })?;
        let patch = world.lab.directory().join("argocd-cm.yaml");
        fs::write(
            &patch,
            cluster.run(&["kustomize", &root().join("config/argocd").display().to_string()])?,
        )?;
        cluster.run(&[
            "patch",
            "-n",
            NAMESPACE,
            "configmap",
            "argocd-cm",
            "--patch-file",
            &patch.display().to_string(),
        ])?;

        let home = world.lab.directory().join("argocd");
        fs::create_dir_all(&home)?;
        let repository = Repository::make(&home)?;
        let mut redis = Command::new("redis-server");
        redis.args([
            "--bind",
            "127.0.0.1",
            "--port",
            "6379",
            "--save",
            "",
            "--appendonly",
            "no",
        ]);
        cluster.start_program("redis", redis)?;
        cluster.start_program("git-daemon", repository.daemon())?;
        let kubeconfig = cluster.kubeconfig_of(NAMESPACE, "argocd-application-controller")?;
        let path = format!(
            "{}:{}",
            programs.display(),
            std::env::var("PATH").unwrap_or_default()
        );
        let own = |name: &str, arguments: &[&str]| {
            let mut command = Command::new(programs.join("cmd"));
            command
                .args(arguments)
                .args(["--redis", "127.0.0.1:6379", "--logformat", "text"]);
            command
                .env("ARGOCD_BINARY_NAME", name)
                .env("KUBECONFIG", &kubeconfig)
                .env("PATH", &path);
            // What its image has at these places.
            for folder in [
                "HOME",
                "TMPDIR",
                "ARGOCD_TLS_DATA_PATH",
                "ARGOCD_SSH_DATA_PATH",
                "ARGOCD_PLUGINSOCKFILEPATH",
            ] {
                command.env(folder, &home);
            }
            // Git is looked at every ten seconds, and not every three minutes.
            command
                .env("ARGOCD_RECONCILIATION_TIMEOUT", "10s")
                .env("ARGOCD_RECONCILIATION_JITTER", "0s");
            command
                .env("ARGOCD_GPG_ENABLED", "false")
                .env("ARGOCD_FAKE_IN_CLUSTER", "true");
            cluster.start_program(name, command)
        };
        own(
            "argocd-repo-server",
            &[
                "--port=8085",
                "--address=127.0.0.1",
                "--metrics-port=8084",
                "--metrics-address=127.0.0.1",
            ],
        )?;
        // A resource's health is in its Application, for us to read.
        let access = format!("--kubeconfig={}", kubeconfig.display());
        let settings = ["--repo-server=127.0.0.1:8085", "--persist-resource-health"];
        let settings = [settings.as_slice(), &[&access, "--namespace", NAMESPACE]].concat();
        own("argocd-application-controller", &settings)?;
        Ok(Self { repository })
    }

    /// Declares the Application of config/argocd, with the repository that is served here.
    pub fn apply_application(&self, world: &World) -> Result<()> {
        let text = fs::read_to_string(root().join("config/argocd/application.yaml"))?;
        let url = "https://git.example.org/platform/hapairs.git";
        ensure!(
            text.contains(url),
            "config/argocd/application.yaml names another repository than {url}"
        );
        world
            .cluster
            .apply(
                &text
                    .replace(url, Repository::URL)
                    .replace("path: clusters/production", "path: ."),
            )
            .map(drop)
    }

    /// What Argo CD tells of the Application now.
    pub fn told(&self, world: &World) -> Result<Application> {
        world.cluster.get(NAMESPACE, APPLICATION).map(Application)
    }

    /// Says yes to what waits for a person's word.
    pub fn approve(&self, world: &World) -> Result<()> {
        let now = output(Command::new("date").args(["-u", "+%Y-%m-%dT%H:%M:%SZ"]))?;
        let annotation = format!("argocd.argoproj.io/deletion-approved={}", now.trim());
        world
            .cluster
            .run(&[
                "annotate",
                "-n",
                NAMESPACE,
                "--overwrite",
                APPLICATION,
                &annotation,
            ])
            .map(drop)
    }

    /// Waits until this commit is synced and the Application has this health.
    pub fn wait(&self, world: &World, commit: &str, health: &str, limit: Duration) -> Result<Application> {
        let found = world.wait(
            &format!("{commit} synced and the Application {health}"),
            limit,
            |world| {
                self.told(world)
                    .ok()
                    .filter(|told| told.is_synced_to(commit) && told.health() == health)
            },
        );
        found.or_else(|error| {
            bail!(
                "{error:#}\nthe Application's status: {:#}",
                self.told(world)?.0["status"]
            )
        })
    }
}

/// An Application, as Argo CD keeps it.
pub struct Application(pub Value);

impl Application {
    /// Healthy, Progressing, Degraded, Suspended, Missing.
    pub fn health(&self) -> &str {
        self.0["status"]["health"]["status"].as_str().unwrap_or("-")
    }

    /// Running, Succeeded, Failed, Error.
    pub fn phase(&self) -> &str {
        self.0["status"]["operationState"]["phase"]
            .as_str()
            .unwrap_or("-")
    }

    /// What the running or last operation says.
    pub fn message(&self) -> &str {
        self.0["status"]["operationState"]["message"]
            .as_str()
            .unwrap_or_default()
    }

    /// When the last operation ended.
    pub fn finished(&self) -> &Value {
        &self.0["status"]["operationState"]["finishedAt"]
    }

    /// Whether what is in the cluster is what this commit declares.
    pub fn is_synced_to(&self, commit: &str) -> bool {
        let sync = &self.0["status"]["sync"];
        sync["status"] == "Synced" && sync["revision"] == commit
    }

    /// The health of an object, and what is said with it.
    pub fn health_of(&self, kind: &str, name: &str) -> Option<(&str, &str)> {
        let resources = self.0["status"]["resources"].as_array()?;
        let health = &resources
            .iter()
            .find(|resource| resource["kind"] == kind && resource["name"] == name)?["health"];
        Some((
            health["status"].as_str()?,
            health["message"].as_str().unwrap_or_default(),
        ))
    }
}

/// A Git repository, and a clone to work in.
pub struct Repository {
    folder: PathBuf,
}

impl Repository {
    /// Where it is served.
    const URL: &str = "git://127.0.0.1/hapairs.git";

    fn make(home: &Path) -> Result<Self> {
        let repository = Self {
            folder: home.join("git"),
        };
        fs::create_dir_all(&repository.folder)?;
        output(repository.git().args([
            "init",
            "--quiet",
            "--bare",
            "--initial-branch=main",
            "hapairs.git",
        ]))?;
        output(repository.git().args(["clone", "--quiet", "hapairs.git", "work"]))?;
        Ok(repository)
    }

    fn daemon(&self) -> Command {
        let mut command = self.git();
        command
            .arg("daemon")
            .args(["--listen=127.0.0.1", "--reuseaddr", "--export-all"])
            .arg(format!("--base-path={}", self.folder.display()));
        command
    }

    /// Commits these files and pushes; returns the commit.
    pub fn commit(&self, message: &str, files: &[(&str, &str)]) -> Result<String> {
        let work = self.folder.join("work");
        for (name, content) in files {
            fs::write(work.join(name), content)?;
        }
        let git = |arguments: &[&str]| output(self.git().current_dir(&work).args(arguments));
        git(&["add", "--all"])?;
        git(&["commit", "--quiet", "--message", message])?;
        git(&["push", "--quiet", "origin", "HEAD:main"])?;
        Ok(git(&["rev-parse", "HEAD"])?.trim().to_owned())
    }

    /// Git, without the settings of the machine.
    fn git(&self) -> Command {
        let mut command = Command::new("git");
        command
            .current_dir(&self.folder)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_SYSTEM", "/dev/null");
        command.args([
            "-c",
            "user.name=Platform team",
            "-c",
            "user.email=platform@example.org",
        ]);
        command
    }
}

fn modules() -> PathBuf {
    root().join("tests/gitops/tools")
}

/// Argo CD's own files, where Go keeps them.
fn module_directory() -> Result<PathBuf> {
    let listed = output(
        Command::new("go")
            .current_dir(modules())
            .args(["list", "-m", "-f", "{{.Dir}}", MODULE]),
    )?;
    ensure!(
        !listed.trim().is_empty(),
        "Go has no files of {MODULE}; in tests/gitops/tools: go mod download"
    );
    Ok(listed.trim().into())
}
