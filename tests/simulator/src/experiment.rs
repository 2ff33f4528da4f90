//! One run of the operator against the simulated world: from a starting point, through what people do to its
//! objects, to rest.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    sync::Arc,
    time::Duration,
};

use hapair_controllers::{Context, Leader, LeaseName, Metrics};
use hapair_index::Index;
use hapair_model::{Both, digest, xml::Element};
use serde_json::Value;
use tokio::sync::{Semaphore, watch};

use crate::{
    api::{Api, Store, Weather},
    effects::{Effects, Fault, Gate},
    hosts::{Shared, Simulated},
    machine::Machine,
    objects::SECRETS,
    truth,
    world::World,
};

/// Where a run begins.
#[derive(Clone, Debug)]
pub struct Start {
    /// The machines.
    pub world: World,
    /// The objects.
    pub store: Store,
}

/// How a run ended.
#[derive(Debug)]
pub struct End {
    /// The machines.
    pub world: World,
    /// The objects.
    pub store: Store,
    /// Every effect.
    pub effects: Vec<String>,
    /// What went wrong: rules that were broken, or no end.
    pub troubles: Vec<String>,
}

/// One run, under way.
pub struct Experiment {
    /// The machines.
    pub shared: Shared,
    /// The objects.
    pub api: Api,
    gate: Gate,
    operators: u32,
    context: Option<Arc<Context<Simulated>>>,
}

/// Longer than any convergence.
const PATIENCE: u32 = 1800;
/// Seconds without an effect that count as rest: two resyncs and a bit.
const REST: u32 = 40;

impl Start {
    /// Two bare machines, and nothing declared but the Secrets.
    pub fn bare() -> Self {
        Self {
            world: World::bare(),
            store: Store::default(),
        }
    }

    /// Where a run ended.
    pub fn after(end: End) -> Self {
        Self {
            world: end.world,
            store: end.store,
        }
    }
}

/// Runs something to its end, on a runtime and a clock of its own.
pub fn run<F, R>(start: &Start, fault: Option<(usize, Fault)>, seed: u64, act: F) -> R
where
    F: AsyncFnOnce(&mut Experiment) -> R,
{
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let effects = Effects::with(fault);
        let shared = Shared::new(start.world.clone(), effects.clone());
        let api = Api::new(start.store.clone(), effects, seed);
        let mut experiment = Experiment {
            shared,
            api,
            gate: Gate::default(),
            operators: 0,
            context: None,
        };
        experiment.shared.live();
        tokio::spawn(truth::watch(experiment.shared.clone(), experiment.api.clone()));
        experiment.start_operator();
        act(&mut experiment).await
    })
}

impl Experiment {
    /// Starts an operator; the one before may be dead, paused or alive.
    pub fn start_operator(&mut self) -> Gate {
        self.gate = Gate::default();
        let context = self.operate(&self.api.clone(), &self.gate.clone());
        self.context = Some(context);
        self.gate.clone()
    }

    /// Another API server, restored from a backup of the first, with an operator of its own that has the same machines.
    pub fn restore(&mut self, backup: Store) -> Api {
        let api = Api::new(backup, self.shared.effects.clone(), 1);
        self.operate(&api, &Gate::default());
        api
    }

    fn operate(&mut self, api: &Api, gate: &Gate) -> Arc<Context<Simulated>> {
        self.operators += 1;
        let client = api.client(gate);
        let (index, changes) = Index::start(&client, &BTreeSet::new());
        let lease = LeaseName {
            namespace: "hapair-system".into(),
            name: "hapair-operator".into(),
            duration: Duration::from_secs(15),
        };
        let leader = Leader::campaign(client.clone(), lease, format!("operator-{}", self.operators));
        let (stop, stopping) = watch::channel(false);
        let context = Arc::new(Context {
            hosts: Simulated::new(self.shared.clone(), gate.clone()),
            client,
            index,
            leader,
            metrics: Metrics::default(),
            cluster: "cluster".into(),
            resync: Duration::from_secs(15),
            slots: Semaphore::new(1),
            stopping,
        });
        let running = context.clone();
        tokio::spawn(async move {
            hapair_controllers::run(running, changes).await;
            drop(stop);
        });
        context
    }

    /// The machines, for whoever drives them without an operator.
    pub fn hosts(&self) -> Simulated {
        Simulated::new(self.shared.clone(), self.gate.clone())
    }

    /// The figures of the operator that was started last.
    pub fn figures(&self) -> String {
        self.context
            .as_ref()
            .map(|context| context.metrics.render())
            .unwrap_or_default()
    }

    /// The hold on the operator that was started last.
    pub fn operator(&self) -> Gate {
        self.gate.clone()
    }

    /// Applies objects, one after the other as they reach a real server.
    pub fn apply(&self, objects: impl IntoIterator<Item = Value>) {
        objects.into_iter().for_each(|object| self.api.apply(object));
    }

    /// Goes on until nothing changes any more; an operator that dies is followed by another.
    pub async fn settle(&mut self) -> Result<(), String> {
        let mut quiet = 0;
        let mut seen = usize::MAX;
        for _ in 0..PATIENCE {
            tokio::time::sleep(Duration::from_secs(1)).await;
            if self.gate.is_dead() {
                self.start_operator();
                quiet = 0;
            }
            let effects = self.shared.effects.log().len();
            quiet = if effects == seen && self.machines_rest() {
                quiet + 1
            } else {
                0
            };
            seen = effects;
            if quiet > REST {
                return Ok(());
            }
        }
        let last: Vec<_> = self.shared.effects.log().into_iter().rev().take(8).collect();
        Err(format!("no rest within {PATIENCE} s; last effects: {last:?}"))
    }

    fn machines_rest(&self) -> bool {
        let world = self.shared.world();
        let rests = |machine: &Machine| {
            let resyncs = machine.memory.legs.values().any(|leg| leg.resync > 0);
            machine.memory.jobs.is_empty() && machine.booting == 0 && !resyncs && !machine.memory.peer_unclean
        };
        world.machines.all(rests)
    }

    /// A condition of an object: status, reason and message.
    pub fn condition(&self, plural: &str, name: &str, type_: &str) -> Option<(String, String, String)> {
        self.api.condition(plural, name, type_)
    }

    /// Waits for a condition of the pair to have this status.
    pub async fn wait_for(&mut self, type_: &str, status: &str) -> Result<(), String> {
        for _ in 0..PATIENCE {
            if self
                .condition("hapairs", "web", type_)
                .is_some_and(|(now, _, _)| now == status)
            {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
            if self.gate.is_dead() {
                self.start_operator();
            }
        }
        Err(format!(
            "{type_} is not {status} within {PATIENCE} s: {:?}",
            self.condition("hapairs", "web", type_)
        ))
    }

    /// Good weather from now on.
    pub fn clear_up(&self) {
        self.api.set_weather(Weather::default());
    }

    /// What there is at the end, with everything that went wrong on the way.
    pub fn end(&self, rest: Result<(), String>) -> End {
        let world = self.shared.world().clone();
        let store = self.api.store().clone();
        let mut troubles = world.broken.clone();
        troubles.extend(rest.err());
        troubles.extend(leaked(&world, &store));
        troubles.dedup();
        End {
            world,
            store,
            effects: self.shared.effects.log(),
            troubles,
        }
    }
}

/// Secrets that are where they must not be.
fn leaked(world: &World, store: &Store) -> Vec<String> {
    let text = store.text();
    let mut found: Vec<_> = SECRETS
        .iter()
        .filter(|secret| text.contains(**secret))
        .map(|secret| format!("{secret} is in the API"))
        .collect();
    for (side, machine) in world.machines.iter() {
        let cib = machine
            .disk
            .cib
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default();
        for secret in SECRETS {
            if cib.contains(secret) {
                found.push(format!("{secret} is in the CIB of {}", world.names[side]));
            }
            for (path, file) in &machine.disk.files {
                let open = !matches!(file.mode.as_str(), "600" | "400" | "700");
                if open && String::from_utf8_lossy(&file.content).contains(secret) {
                    found.push(format!("{secret} is in {path}, which others may read"));
                }
            }
        }
    }
    found
}

impl End {
    /// Everything that matters of an end: two runs that end alike print the same.
    pub fn fingerprint(&self) -> String {
        let machines = Both::from_fn(|side| machine(&self.world.machines[side]));
        let mut text = format!("{}\n{}", machines.first, machines.second);
        for plural in ["hapairs", "replicatedvolumes", "floatingips", "servicegroups"] {
            for object in self.store.of_kind(plural) {
                let _ = writeln!(
                    text,
                    "{plural} {} {}",
                    object["metadata"]["name"], object["metadata"]["finalizers"]
                );
                for condition in object["status"]["conditions"].as_array().into_iter().flatten() {
                    let _ = writeln!(
                        text,
                        "  {} {} {}",
                        condition["type"], condition["status"], condition["reason"]
                    );
                }
            }
        }
        text
    }

    /// The status of a condition of the pair.
    pub fn pair_is(&self, type_: &str) -> Option<String> {
        let pair = self.store.of_kind("hapairs").next()?;
        let condition = pair["status"]["conditions"]
            .as_array()?
            .iter()
            .find(|each| each["type"] == type_)?;
        condition["status"].as_str().map(str::to_owned)
    }
}

fn machine(machine: &Machine) -> String {
    let disk = &machine.disk;
    let mut text = format!("machine {}: on {}\n", disk.hostname, machine.on);
    let _ = writeln!(text, "  packages {:?} held {:?}", disk.packages, disk.held);
    let _ = writeln!(
        text,
        "  enabled {:?} active {:?}",
        disk.enabled, machine.memory.active
    );
    for (path, file) in &disk.files {
        // Keys and UUIDs are drawn anew in each run.
        let content = if path.ends_with("key") || path.ends_with("/peer") {
            "a key".to_owned()
        } else {
            digest(&file.content)
        };
        let _ = writeln!(text, "  {path} {} {} {content}", file.mode, file.owner);
    }
    let _ = writeln!(text, "  hosts {:?} pcs {:?}", disk.hosts_block, disk.pcs_hosts);
    // A leg that is down reads its file when it comes up.
    let is_down = |mark: &String| {
        mark.strip_prefix("adjust-")
            .is_some_and(|leg| !machine.memory.legs.contains_key(leg))
    };
    let _ = writeln!(
        text,
        "  pending {:?}",
        disk.pending
            .iter()
            .filter(|mark| !is_down(mark))
            .collect::<Vec<_>>()
    );
    let _ = writeln!(
        text,
        "  owner {:?} password {}",
        disk.owner.as_ref().map(|record| &record.owner),
        disk.admin_password.is_some()
    );
    let records: BTreeMap<_, _> = disk
        .volume_records
        .iter()
        .map(|(name, record)| (name, (record.minor, record.port, record.device_uuid.is_some())))
        .collect();
    let _ = writeln!(text, "  volumes {records:?}");
    for (path, device) in &disk.devices {
        let metadata = device
            .metadata
            .as_ref()
            .map(|metadata| (metadata.is_blank(), metadata.consistent));
        let _ = writeln!(
            text,
            "  {path} {:?} {metadata:?} {:?}",
            device.partitions, device.label
        );
    }
    for (name, leg) in &machine.memory.legs {
        let _ = writeln!(
            text,
            "  leg {name} primary {} {:?} {:?}",
            leg.primary, leg.connection, leg.disk
        );
    }
    let _ = writeln!(
        text,
        "  runs {:?} {:?}",
        machine.memory.resources, machine.memory.addresses
    );
    if let Some(cib) = &disk.cib {
        cib.children
            .iter()
            .filter(|section| section.name == "configuration")
            .for_each(|section| text += &in_order(section).to_string());
    }
    text
}

/// A configuration whose elements stand in the order of their ids. What was declared later stands behind what was there, and means
/// the same.
fn in_order(configuration: &Element) -> Element {
    let mut ordered = configuration.clone();
    for section in &mut ordered.children {
        section.children.sort_by_key(|each| each.id().map(str::to_owned));
    }
    ordered
}
