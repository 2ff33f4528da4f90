//! What a step means, in the simulator, on a host, and in what is foreseen: the sample's life,
//! planned and played in the simulator, is played again with the real scripts, and after each stage the real probe
//! must see what the simulator showed to the planner; what the planner foresees of each step must be that, too. Needs
//! root.
#![allow(clippy::unwrap_used, reason = "what does not work fails the test")]

mod ground;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    sync::{Arc, Mutex},
    time::Duration,
};

use ground::succeeds;
use hapair_engine::Engine;
use hapair_hosts::offline;
use hapair_model::{
    Both, Side,
    host::{Authority, Connect, Credentials, Hosts, JournalQuery, Line},
    observed::{Firewall, Host, HostView, Question, Unit},
    outcome::Outcome,
    plan::{self, Step},
};
use hapair_planner::{after, resolve};
use hapair_simulator::{
    by_hand::{Screen, leaving, turns, work},
    experiment::{Start, run},
    hosts::Simulated,
    machine::Filter,
};
use serde_json::{Value, json};

/// A stage on the first host, and what the host was like when it was looked at before and next.
struct Stage {
    steps: Vec<Step>,
    authority: Authority,
    question: Question,
    before: Host,
    seen: Option<Host>,
}

/// The simulated hosts; every stage of the first one is kept.
#[derive(Clone)]
struct Recorded {
    hosts: Simulated,
    tape: Arc<Mutex<Vec<Stage>>>,
    last: Arc<Mutex<Host>>,
}

impl Connect for Recorded {
    type Hosts = Self;

    fn connect(&self, _: Both<Credentials>) -> io::Result<Self> {
        Ok(self.clone())
    }
}

impl Hosts for Recorded {
    async fn observe(&self, questions: &Both<Question>) -> Both<HostView> {
        let views = self.hosts.observe(questions).await;
        let HostView::Seen(host) = &views.first else {
            return views;
        };
        *self.last.lock().unwrap() = (**host).clone();
        if let Some(stage) = self.tape.lock().unwrap().last_mut()
            && stage.seen.is_none()
        {
            stage.question = questions.first.clone();
            stage.seen = Some((**host).clone());
        }
        views
    }

    async fn journal(&self, side: Side, query: &JournalQuery) -> Result<Vec<Line>, String> {
        self.hosts.journal(side, query).await
    }

    async fn glance(&self) -> Option<Both<HostView>> {
        self.hosts.glance().await
    }

    async fn happened(&self) {
        self.hosts.happened().await;
    }

    async fn run(&self, side: Side, steps: &[Step], authority: &Authority) -> Outcome {
        if side == Side::First {
            self.tape.lock().unwrap().push(Stage {
                steps: steps.to_vec(),
                authority: authority.clone(),
                question: Question::default(),
                before: self.last.lock().unwrap().clone(),
                seen: None,
            });
        }
        self.hosts.run(side, steps, authority).await
    }
}

/// Steps that need a kernel's DRBD, a cluster that runs, or a repository. Files of their own test their scripts.
fn needs_more(step: &Step) -> bool {
    match step {
        Step::InstallPackages { .. }
        | Step::MakePartition { .. }
        | Step::CreateMetadata { .. }
        | Step::RecordMetadata { .. }
        | Step::BringUp { .. }
        | Step::CreateFirstGeneration { .. }
        | Step::MakeFilesystem { .. }
        | Step::PushCib { .. }
        | Step::Unfence { .. }
        | Step::ForgetFailure { .. }
        | Step::Detach { .. }
        | Step::TakeDown { .. } => true,
        Step::HoldPackages { .. }
        | Step::WriteFile(_)
        | Step::SetHostname { .. }
        | Step::WriteHostsBlock { .. }
        | Step::EnableUnits { .. }
        | Step::DisableUnits { .. }
        | Step::RestartUnits { .. }
        | Step::OpenFirewall { .. }
        | Step::CloseFirewall { .. }
        | Step::ReloadCorosync
        | Step::ReloadUnits
        | Step::SeedCib { .. }
        | Step::CleanUp { .. }
        | Step::SetAdminPassword { .. }
        | Step::AuthenticatePcs { .. }
        | Step::GiveBack { .. }
        | Step::LeaveCluster
        | Step::Forget { .. } => false,
    }
}

/// The sample from bare hosts, of which the first has another name and a firewall, to Ready, with another token, and
/// off the hosts again.
fn life() -> Vec<Stage> {
    let tape = Arc::<Mutex<Vec<Stage>>>::default();
    let mut start = Start::bare();
    let disk = &mut start.world.machines.first.disk;
    disk.hostname = "debian".into();
    disk.firewall = Some(Filter {
        kind: Firewall::Nftables,
        by_hand: false,
        rules: Vec::new(),
    });
    let named = |pair: &mut Value| pair["spec"]["nodes"][0]["hostname"] = json!("Managed");
    let end = run(&start, None, 1, async |experiment| {
        let hosts = Recorded {
            hosts: experiment.hosts(),
            tape: tape.clone(),
            last: Arc::default(),
        };
        let (mut engine, mut screen) = (Engine::new(Duration::from_secs(15)), Screen::default());
        turns(&mut engine, &hosts, &work(named), &mut screen, Screen::is_ready).await;
        let with_token = work(|pair| {
            named(pair);
            pair["spec"]["corosync"] = json!({"token": 5000});
        });
        screen = Screen::default();
        turns(&mut engine, &hosts, &with_token, &mut screen, Screen::is_ready).await;
        experiment.shared.world().may_leave = true;
        turns(&mut engine, &hosts, &leaving(), &mut screen, |screen| {
            screen.has_left
        })
        .await;
        experiment.end(Ok(()))
    });
    assert_eq!(end.troubles, Vec::<String>::new());
    std::mem::take(&mut tape.lock().unwrap())
}

/// Marks of what follows a step that is not played here.
fn is_played(mark: &str) -> bool {
    !mark.starts_with("adjust-") && !mark.starts_with("unmask-")
}

/// What is compared, as text: everything that the steps played here bring about.
fn compared(host: &Host, question: &Question) -> BTreeMap<&'static str, String> {
    let runs = |name: &str| host.units.get(name).is_some_and(Unit::is_active);
    let units: Vec<_> = ["corosync", "pacemaker", "pcsd"]
        .into_iter()
        .filter_map(|name| Some((name, host.units.get(name)?)))
        .map(|(name, unit)| (name, unit.is_active(), unit.enabled))
        .collect();
    let files: Vec<_> = host
        .files
        .iter()
        .filter(|(path, _)| !path.starts_with("/etc/drbd.d/") && question.files.contains(path))
        .collect();
    BTreeMap::from([
        ("name", host.name.clone()),
        ("owner", format!("{:?}", host.owner)),
        ("units", format!("{units:#?}")),
        ("files", format!("{files:#?}")),
        (
            "pending",
            format!(
                "{:?}",
                host.pending
                    .iter()
                    .filter(|mark| is_played(mark))
                    .collect::<Vec<_>>()
            ),
        ),
        ("firewall", format!("{:?}", host.firewall)),
        ("hosts block", format!("{:?}", host.hosts_block)),
        ("corosync.conf", format!("{:?}", host.corosync_conf)),
        // A pacemaker that runs writes its own.
        (
            "configuration on disk",
            format!("{:?}", host.cib_on_disk.as_ref().filter(|_| !runs("pacemaker"))),
        ),
        (
            "password",
            format!(
                "{:?}",
                host.admin_password
                    .as_ref()
                    .map(|digest| digest.expose().to_vec())
            ),
        ),
        ("pcs", format!("{:?}", host.pcs_hosts)),
        ("known peer", format!("{:?}", host.known_peer)),
    ])
}

/// A systemctl with units that only their names tell of, in place of tools that would reach this machine's own.
const TOOLS: &str = r#"
mkdir -p /run/tools /run/active
cat > /run/tools/systemctl << 'END'
#!/bin/sh
verb='' units=''
while [ $# -gt 0 ]; do
  case $1 in
    --property) shift ;;
    -*) ;;
    *) if [ -z "$verb" ]; then verb=$1; else units="$units ${1%.service}"; fi ;;
  esac
  shift
done
wants=/etc/systemd/system/multi-user.target.wants
mkdir -p $wants
for unit in $units; do
  case $verb in
    enable) ln -sf "/lib/systemd/system/$unit.service" "$wants/$unit.service" ;;
    disable) rm -f "$wants/$unit.service" ;;
    start|restart) touch "/run/active/$unit" ;;
    stop) rm -f "/run/active/$unit" ;;
    is-active) [ -e "/run/active/$unit" ] || exit 3 ;;
    show)
      state=inactive
      [ ! -e "/run/active/$unit" ] || state=active
      printf 'Id=%s.service\nNames=%s.service\nLoadState=loaded\nActiveState=%s\nNeedDaemonReload=no\n\n' "$unit" "$unit" "$state"
      ;;
  esac
done
END
printf '#!/bin/sh\nhostname "$2"\n' > /run/tools/hostnamectl
printf '#!/bin/sh\nshift 4\nfor node; do case $node in addr=*) ;; *) all="${all:-}${all:+,}\\"$node\\":{\\"dest_list\\":[],\\"token\\":\\"t\\"}" ;; esac; done\necho "{\\"known_hosts\\":{$all}}" > /var/lib/pcsd/known-hosts\n' > /run/tools/pcs
for tool in apt-mark chpasswd crm_resource corosync-cfgtool nft; do printf '#!/bin/sh\ncat > /dev/null\n' > /run/tools/$tool; done
for tool in crm_mon cibadmin corosync-cmapctl drbdadm drbdsetup dpkg-query ping curl modinfo; do printf '#!/bin/sh\nexit 1\n' > /run/tools/$tool; done
chmod 0755 /run/tools/*
mount -t overlay overlay -o lowerdir=/run/tools:/usr/sbin /usr/sbin
grep -q ^haclient: /etc/group || echo 'haclient:x:64999:' >> /etc/group
grep -q ^hacluster: /etc/passwd || echo 'hacluster:x:64999:64999::/:/bin/false' >> /etc/passwd
grep -q ^tomcat: /etc/passwd || { echo 'tomcat:x:64998:64998::/:/bin/false' >> /etc/passwd; echo 'tomcat:x:64998:' >> /etc/group; }
mkdir -p /var/lib/tomcat10/webapps/ROOT
echo certificate > /var/lib/pcsd/pcsd.crt
rm -f /var/lib/hapair/owner
hostname debian
touch /run/active/nftables
# The archives' own way in: as UNPACK in ssh.rs has it.
unpack() { rm -rf /run/unpacked; mkdir /run/unpacked; tar -x -C /run/unpacked -f "$1"; (cd /run/unpacked; sh /run/unpacked/main); }
"#;

/// Plays stages with the real scripts, and returns what the real probe saw after each.
fn played(stages: &[Stage]) -> Vec<Host> {
    let folder = tempfile::tempdir().unwrap();
    let file = |kind: &str, at: usize| folder.path().join(format!("{kind}.{at:03}"));
    let mut script = TOOLS.to_owned();
    for (at, stage) in stages.iter().enumerate() {
        let mut steps: Vec<_> = stage.steps.clone();
        steps.retain(|step| !needs_more(step));
        if steps.is_empty() {
            // Whoever runs a stage is recorded all the same.
            steps.push(Step::ReloadUnits);
        }
        fs::write(file("stage", at), offline::stage(&steps, &stage.authority)).unwrap();
        fs::write(file("probe", at), offline::probe(&stage.question)).unwrap();
        for kind in ["stage", "probe"] {
            let (archive, answer) = (file(kind, at), file(&format!("{kind}-answer"), at));
            script += &format!("unpack {} > {}\n", archive.display(), answer.display());
        }
    }
    succeeds(&[], &script);
    let answer = |kind: &str, at: usize| fs::read(file(&format!("{kind}-answer"), at)).unwrap();
    stages
        .iter()
        .enumerate()
        .map(|(at, stage)| {
            let said = String::from_utf8(answer("stage", at)).unwrap();
            let failed = said
                .lines()
                .any(|line| line.starts_with("section ") && line.split(' ').nth(2) != Some("0"));
            assert!(!failed && said.ends_with("end\n"), "{said}");
            offline::seen(&answer("probe", at), &stage.question).unwrap()
        })
        .collect()
}

/// What differs between two hosts that went through these steps.
fn differences(steps: &[Step], simulated: &Host, other: &Host, question: &Question) -> Vec<String> {
    let names: Vec<_> = steps.iter().map(Step::name).collect();
    let (simulated, other) = (compared(simulated, question), compared(other, question));
    simulated
        .iter()
        // Packages enable units of their own, until the next stage disables them.
        .filter(|(what, value)| {
            other[*what] != **value && !(**what == "units" && names == ["install-packages"])
        })
        .map(|(what, value)| {
            format!(
                "after {names:?}: {what}: simulated {value}\nother {}",
                other[what]
            )
        })
        .collect()
}

#[test]
fn after_each_stage_a_host_is_what_the_simulator_showed_to_the_planner() {
    let stages: Vec<_> = life().into_iter().filter(|stage| stage.seen.is_some()).collect();
    let seen = played(&stages);
    let different: Vec<_> = stages
        .iter()
        .zip(&seen)
        .flat_map(|(stage, real)| {
            differences(&stage.steps, stage.seen.as_ref().unwrap(), real, &stage.question)
        })
        .collect();
    assert!(different.is_empty(), "{}", different.join("\n"));
    let played: BTreeSet<_> = stages
        .iter()
        .flat_map(|stage| &stage.steps)
        .filter(|step| !needs_more(step))
        .map(Step::name)
        .collect();
    let expected = [
        "authenticate-pcs",
        "close-firewall",
        "enable-units",
        "forget",
        "hold-packages",
        "leave-cluster",
        "open-firewall",
        "reload-corosync",
        "seed-cib",
        "set-admin-password",
        "set-hostname",
        "write-file",
        "write-hosts-block",
    ];
    assert_eq!(played, BTreeSet::from(expected), "another life than was thought");
}

#[test]
fn after_each_stage_a_host_is_as_it_is_foreseen() {
    let stages: Vec<_> = life().into_iter().filter(|stage| stage.seen.is_some()).collect();
    let mut different = Vec::new();
    let desired = work(|_| {}).desired;
    for stage in &stages {
        let mut hosts = Both::new(stage.before.clone(), Host::default());
        let desired = resolve(
            desired.clone(),
            &hosts.clone().map(|host| HostView::Seen(Box::new(host))),
        );
        let alone = plan::Stage {
            name: "on the first host",
            steps: Both::new(stage.steps.clone(), Vec::new()),
        };
        after(&alone, &desired, &mut hosts);
        // A plan does not know by which epoch it will be carried out.
        if let Some(record) = &mut hosts.first.owner {
            record.epoch = stage.authority.epoch;
        }
        let simulated = stage.seen.as_ref().unwrap();
        different.extend(differences(
            &stage.steps,
            simulated,
            &hosts.first,
            &stage.question,
        ));
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}
