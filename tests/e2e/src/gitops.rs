//! A pair that lives in Git, under the real Argo CD: a first sync in waves, a switchover, a mistake, a
//! removal that a person has to confirm.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use hapair_lab::Config;
use hapair_world::{NAMESPACE, World};

use crate::{
    argocd::{Application, ArgoCd},
    checks::{LONG, served_by},
    visitor::{Visitor, Visits},
};

/// How long nothing may be found to differ from Git, at rest. Argo CD compares every ten seconds.
const REST: Duration = Duration::from_secs(30);
const OBJECTS: [(&str, &str); 4] = [
    ("HAPair", "web"),
    ("ReplicatedVolume", "logs"),
    ("FloatingIP", "web"),
    ("ServiceGroup", "tomcat"),
];

/// The samples in waves: Secrets, the pair with all that belongs to it, and something else of the team's
/// afterwards.
const WAVES: &str = "\
resources: [secrets.yaml, tomcat.yaml, notice.yaml]
patches:
  - target: {kind: Secret}
    patch: '{kind: any, apiVersion: any, metadata: {name: any, annotations: \
    {argocd.argoproj.io/sync-wave: \"-1\"}}}'
";
const NOTICE: &str = "\
apiVersion: v1
kind: ConfigMap
metadata: {name: notice, annotations: {argocd.argoproj.io/sync-wave: \"1\"}}
data: {notice: The page is there}
";

/// Plays it.
pub fn run(config: Config) -> Result<()> {
    let start = Instant::now();
    let say = |what: &str| println!("{:7.1} s  {what}", start.elapsed().as_secs_f32());
    let programs = ArgoCd::prepare(say)?;
    let mut world = World::up(config, say)?;
    world.start_operator(&["--resync-seconds=5"])?;
    let argo = ArgoCd::start(&world, &programs)?;
    say("Argo CD has been started");

    let declared = world.sample()?;
    let secrets = world.secrets()?;
    let files = [
        ("secrets.yaml", secrets.as_str()),
        ("tomcat.yaml", &declared),
        ("notice.yaml", NOTICE),
        ("kustomization.yaml", WAVES),
    ];
    let commit = argo.repository.commit("The pair", &files)?;
    argo.apply_application(&world)?;
    let seen = first_sync(&world, &argo, &commit)?;
    say(&format!(
        "ok      a first sync in waves waits for the pair and is not failed by it ({})",
        seen.join(", ")
    ));

    stays_as_declared(&world, &argo, &commit)?;
    say("ok      nothing that the operator or the API server fills in differs from Git");

    let commit = argo.repository.commit(
        "node1 needs new memory",
        &[(
            "tomcat.yaml",
            &declared.replacen("standby: false", "standby: true", 1),
        )],
    )?;
    served_by(&world, "node2", LONG)?;
    argo.wait(&world, &commit, "Healthy", LONG)?;
    say("ok      a commit that puts node1 into standby moves the service to node2");

    let elsewhere = "203.0.113.100/24";
    let mistaken = declared.replace(&format!("{}/24", world.floating_address()), elsewhere);
    ensure!(
        mistaken != declared,
        "the sample's address is declared otherwise than expected here"
    );
    let commit = argo
        .repository
        .commit("node1 is back; another address", &[("tomcat.yaml", &mistaken)])?;
    argo.wait(&world, &commit, "Degraded", LONG)?;
    let message = world.wait(
        "the FloatingIP to be Degraded, with the operator's message",
        LONG,
        |world| {
            let told = argo.told(world).ok()?;
            let (health, message) = told.health_of("FloatingIP", "web")?;
            (health == "Degraded" && message.contains(elsewhere)).then(|| message.to_owned())
        },
    )?;
    ensure!(
        world.page().is_some(),
        "the page is gone with a commit that cannot be carried out"
    );
    let available = world.condition("hapair/web", "Available")?.unwrap_or_default();
    ensure!(
        available.0 == "True",
        "the page is there, and the status says otherwise: {available:?}"
    );
    say(&format!(
        "ok      a commit that cannot be carried out is Degraded, and the page stays ({message})"
    ));

    let commit = argo
        .repository
        .commit("The address as it was", &[("tomcat.yaml", &declared)])?;
    argo.wait(&world, &commit, "Healthy", LONG)?;
    say("ok      the commit that takes it back is enough");

    let owner = owner(&world)?;
    let visitor = Visitor::start(world.floating_address());
    let nothing = WAVES.replace("tomcat.yaml, ", "");
    argo.repository
        .commit("No pair any more", &[("kustomization.yaml", &nothing)])?;
    world.wait("a question before the pair is removed", LONG, |world| {
        asks_first(&argo.told(world).ok()?).then_some(())
    })?;
    for (kind, name) in OBJECTS {
        let object = world.object(&format!("{kind}/{name}"))?;
        ensure!(
            object["metadata"]["deletionTimestamp"].is_null(),
            "{kind}/{name} was deleted without a person's word"
        );
    }
    argo.approve(&world)?;
    world.wait("the four objects to be gone", LONG, |world| {
        let left = world
            .cluster
            .run(&["get", "-n", NAMESPACE, "hapairs,harv,hafip,hasg", "-o", "name"])
            .ok()?;
        left.trim().is_empty().then_some(())
    })?;
    say("ok      a commit without the pair asks first, and then removes the declaration");

    let again = declared.replacen(
        "  preferredNode: node1",
        &format!("  preferredNode: node1\n  takeOverFrom: {owner}"),
        1,
    );
    let commit = argo.repository.commit(
        "The pair again",
        &[("kustomization.yaml", WAVES), ("tomcat.yaml", &again)],
    )?;
    argo.wait(&world, &commit, "Healthy", LONG)?;
    let Visits { found, missed, .. } = visitor.end()?;
    ensure!(
        missed == 0 && found > 20,
        "the page was there {found} times, and {missed} times it was not"
    );
    say(&format!(
        "ok      deletionPolicy Retain: declared again it is taken over, and the page was there {found} of \
         {found} times"
    ));
    Ok(())
}

/// Whose the hosts are, as they remember it: the Kubernetes cluster and the HAPair, by UID.
fn owner(world: &World) -> Result<String> {
    let cluster = world.cluster.run(&[
        "get",
        "namespace",
        "kube-system",
        "-o",
        "jsonpath={.metadata.uid}",
    ])?;
    let pair = world.object("hapair/web")?["metadata"]["uid"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    Ok(format!("{cluster}/{pair}"))
}

/// Follows a first sync to its end. Nothing on the way may fail it, and Healthy must be true. Returns how
/// healthy the Application was, in order.
fn first_sync(world: &World, argo: &ArgoCd, commit: &str) -> Result<Vec<String>> {
    let mut seen: Vec<String> = Vec::new();
    world.wait("the first sync", LONG, |world| {
        let told = argo.told(world).ok()?;
        let now = format!("{} {}", told.phase(), told.health());
        if seen.last() != Some(&now) {
            seen.push(now);
        }
        let ended = told.phase() != "Running" && told.phase() != "-";
        (ended && told.is_synced_to(commit) && told.health() != "Progressing" || told.health() == "Degraded")
            .then_some(())
    })?;
    ensure!(
        seen.last().is_some_and(|last| last == "Succeeded Healthy"),
        "the first sync went {}",
        seen.join(", ")
    );
    let (status, reason, message) = world.condition("hapair/web", "Ready")?.unwrap_or_default();
    ensure!(
        status == "True",
        "the Application is Healthy, and the pair is not: {reason}: {message}"
    );
    Ok(seen)
}

/// At rest, Argo CD finds nothing to do.
fn stays_as_declared(world: &World, argo: &ArgoCd, commit: &str) -> Result<()> {
    let finished = argo.told(world)?.finished().clone();
    let start = Instant::now();
    while start.elapsed() < REST {
        let told = argo.told(world)?;
        ensure!(
            told.is_synced_to(commit) && told.health() == "Healthy",
            "at rest, the Application's status is {:#}",
            told.0["status"]
        );
        ensure!(
            told.finished() == &finished,
            "at rest, Argo CD synced again: {}",
            told.message()
        );
        std::thread::sleep(Duration::from_secs(1));
    }
    Ok(())
}

fn asks_first(told: &Application) -> bool {
    told.phase() == "Running" && told.message().contains("pruning confirmation")
}
