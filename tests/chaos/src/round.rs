//! One round: a fault begins, the status tells the truth, the fault ends, the pair comes back.

use std::{
    fmt,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use hapair_world::client::{get, metric};
use rand::{RngExt, rngs::StdRng};

use crate::{
    faults::{Fault, Truth},
    ground::{Ground, LONG},
    takeover::{Foretold, Takeover},
    weakness::Weakness,
};

/// Why the status told no truth.
enum Untold {
    /// There was none left to tell: the node was a member again before it was fenced.
    Unfenced,
    /// What it said instead when its time was over.
    Late(String),
}

/// How a round went.
pub struct Round {
    number: u32,
    fault: Fault,
    weakness: Option<Weakness>,
    spec_changed: bool,
    takeover: Option<Takeover>,
    server_died: bool,
    without_service: Duration,
    truth: Option<Result<Duration, Untold>>,
    back: Duration,
    lost: usize,
    address_twice: Vec<String>,
    both_primary: Vec<String>,
    records: usize,
    refusal: Option<String>,
    screen: Option<String>,
}

impl Round {
    /// The head of the report's table.
    pub const HEADER: &str = "| Round | Fault | RedundancyHealthy before, and the other node | Without service \
        | Truth told | Ready again | Records | Lost \
        | Address twice | Two primaries |\n\
                              |---|---|---|---|---|---|---|---|---|---|";

    /// Whether nothing was lost, nothing there twice, the service not away for longer than the fault
    /// explains, and the status told the truth in time.
    pub fn is_good(&self) -> bool {
        let told = !matches!(self.truth, Some(Err(Untold::Late(_))));
        self.lost == 0
            && self.address_twice.is_empty()
            && self.both_primary.is_empty()
            && told
            && self.served()
            && !self.server_died
            && !self.takeover.as_ref().is_some_and(Takeover::is_a_lie)
    }

    /// The longest time without an answer to the client.
    pub fn without_service(&self) -> Duration {
        self.without_service
    }

    /// How many acknowledged records are lost.
    pub fn lost(&self) -> usize {
        self.lost
    }

    /// Whether the other node took over although RedundancyHealthy was not True.
    pub fn is_a_surprise(&self) -> bool {
        self.takeover.as_ref().is_some_and(Takeover::is_a_surprise)
    }

    /// What `kubectl hapair status` showed once the status told the truth, with what had happened, as
    /// Markdown.
    pub fn screen(&self) -> Option<String> {
        let (name, what) = self.fault.words();
        Some(format!(
            "### {name}\n\nThis happened: {what}.\n\n```console\n$ kubectl hapair status\n{}```\n",
            self.screen.as_ref()?
        ))
    }

    fn served(&self) -> bool {
        // Of a node that was robbed of what it needs nobody expects that it serves.
        self.weakness.is_some() || self.without_service.as_secs() <= self.fault.gap()
    }
}

impl fmt::Display for Round {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let truth = match &self.truth {
            None => "-".to_owned(),
            Some(Ok(took)) => format!("{:.0} s", took.as_secs_f32()),
            Some(Err(Untold::Unfenced)) => "passed unfenced".to_owned(),
            Some(Err(Untold::Late(what))) => format!("NO: {what}"),
        };
        let takeover = self
            .takeover
            .as_ref()
            .map_or_else(|| "-".to_owned(), ToString::to_string);
        let weakness = self
            .weakness
            .map_or_else(String::new, |weakness| format!("{}, then ", weakness.name()));
        write!(
            formatter,
            "| {} | {}{}{} | {takeover} | {:.1} s{} | {truth} | {:.0} s | {} | {} | {} | {} |",
            self.number,
            weakness,
            self.fault.words().0,
            if self.spec_changed {
                " + change of the spec"
            } else {
                ""
            },
            self.without_service.as_secs_f32(),
            if self.served() {
                String::new()
            } else {
                format!(", NOT {} s as at most", self.fault.gap())
            },
            self.back.as_secs_f32(),
            self.records,
            self.lost,
            self.address_twice.len(),
            self.both_primary.len(),
        )?;
        let refusal = self.refusal.as_ref().filter(|_| !self.served());
        for what in self.address_twice.iter().chain(&self.both_primary).chain(refusal) {
            write!(formatter, "\n    {what}")?;
        }
        if self.server_died {
            write!(formatter, "\n    THE NODE THAT SERVED DIED")?;
        }
        Ok(())
    }
}

/// Plays a round, with the other node robbed of something first. An error is a pair that does not come back.
pub fn play(
    ground: &mut Ground,
    number: u32,
    fault: Fault,
    weakness: Option<Weakness>,
    random: &mut StdRng,
) -> Result<Round> {
    let spec_changed =
        fault == Fault::SshDropped || random.random_range(0..4) == 0 && fault != Fault::ApiServerKilled;
    let hold = Duration::from_millis(random.random_range(2000..15_000));
    let active = ground.active()?;
    let before = Lives::of(ground, active)?;
    if let Some(weakness) = weakness {
        weakness
            .begin(ground, active)
            .with_context(|| format!("round {number}: {weakness:?} could not be begun"))?;
    }
    let foretold = match fault.takes_the_serving_node() {
        true => Some(Foretold::read(ground, weakness)?),
        false => None,
    };
    ground.client.begin_round();
    ground.watch.take();
    let start = Instant::now();
    fault
        .begin(ground, active)
        .with_context(|| format!("round {number}: {fault:?} could not be begun"))?;
    let records = ground.client.acknowledged();
    if spec_changed && fault != Fault::SshDropped {
        ground.change_spec()?;
    }
    // Two faults at once are told as either.
    let truth = fault.truth().filter(|_| weakness.is_none());
    let truth = truth.map(|truth| told(ground, &truth, start));
    let screen = truth
        .as_ref()
        .filter(|told| told.is_ok())
        .and_then(|_| ground.world.plugin(&["status"]).ok());
    let deadline = start + Duration::from_secs(fault.gap());
    let takeover = foretold
        .map(|foretold| Takeover::of(foretold, ground, active, records, deadline))
        .transpose()?;
    if fault.leaves_both_alive() {
        // One that did not serve is not missed: its power is what tells.
        ground.world.wait("a node to be fenced", LONG, |world| {
            let is_new = |node: usize| world.lab.boot(node).is_ok_and(|boot| boot != before.boots[node]);
            (0..2).any(is_new).then_some(())
        })?;
    }
    std::thread::sleep(hold.saturating_sub(start.elapsed()));
    let ended = Instant::now();
    fault
        .end(ground, active)
        .with_context(|| format!("round {number}: {fault:?} could not be ended"))?;
    if let Some(weakness) = weakness {
        weakness
            .end(ground, active)
            .with_context(|| format!("round {number}: {weakness:?} could not be ended"))?;
    }
    come_back(ground)
        .with_context(|| format!("round {number}: the pair did not come back from {fault:?}"))?;
    let back = ended.elapsed();
    let after = Lives::of(ground, active)?;
    let server_died = fault.leaves_both_alive() && after.boots[active] != before.boots[active];
    let passed_unfenced = fault.may_pass_unfenced() && before.corosync_came_back_at_once(&after);
    let truth = truth.map(|told| {
        told.map_err(|untold| {
            if passed_unfenced {
                Untold::Unfenced
            } else {
                Untold::Late(untold)
            }
        })
    });
    let lost = ground
        .world
        .wait("the records", LONG, |_| ground.client.lost().ok())?;
    let (both_primary, address_twice, looks, answers) = ground.watch.take();
    let blind = looks.contains(&0) || answers == 0;
    anyhow::ensure!(
        !blind,
        "round {number}: a watcher saw nothing ({looks:?} roles, {answers} ARP answers)"
    );
    Ok(Round {
        number,
        fault,
        weakness,
        spec_changed,
        takeover,
        server_died,
        without_service: ground.client.longest_gap(),
        truth,
        back,
        lost: lost.len(),
        address_twice,
        both_primary,
        records: ground.client.acknowledged(),
        refusal: ground.client.refusal(),
        screen,
    })
}

/// How soon pacemaker is back after corosync was killed, in seconds, where the cluster has not decided to
/// fence the node yet: what systemd takes to start both, on a slow machine.
const AT_ONCE: f64 = 10.0;

/// What has lived since when: both hosts, and corosync on the one that serves, in seconds since its boot.
struct Lives {
    boots: [String; 2],
    now: f64,
    corosync: f64,
}

impl Lives {
    fn of(ground: &Ground, active: usize) -> Result<Self> {
        let lab = &ground.world.lab;
        let seconds = |command: &str| -> Result<f64> { Ok(lab.run(active, command)?.trim().parse()?) };
        let corosync = seconds("systemctl show corosync -p ExecMainStartTimestampMonotonic --value")? / 1e6;
        Ok(Self {
            boots: [lab.boot(0)?, lab.boot(1)?],
            now: seconds("cut -d ' ' -f 1 /proc/uptime")?,
            corosync,
        })
    }

    /// Whether nothing but corosync had ended by then, and it was away but for a moment.
    fn corosync_came_back_at_once(&self, then: &Self) -> bool {
        self.boots == then.boots && (self.now..self.now + AT_ONCE).contains(&then.corosync)
    }
}

/// How long it takes until the status tells the truth.
fn told(ground: &Ground, truth: &Truth, start: Instant) -> Result<Duration, String> {
    let mut last = String::new();
    while start.elapsed() < Duration::from_secs(truth.within) {
        if let Ok(Some((status, reason, _))) = ground.world.condition("hapair/web", truth.condition) {
            if status == truth.status && truth.reasons.contains(&reason.as_str()) {
                return Ok(start.elapsed());
            }
            last = format!("{}={status}/{reason}", truth.condition);
        }
        std::thread::sleep(Duration::from_millis(500));
    }
    Err(format!("after {} s {last}", truth.within))
}

/// Waits until the operator has looked again, the pair is Ready, and it serves what is declared.
fn come_back(ground: &mut Ground) -> Result<()> {
    let probes = || metric("hapair_probes_total").ok();
    let before = probes().unwrap_or(0);
    // Two looks at two hosts; an operator that was started anew counts from nothing.
    let looked = || probes().is_some_and(|now| if now < before { now >= 4 } else { now >= before + 4 });
    ground
        .world
        .wait("two looks of the operator", LONG, |_| looked().then_some(()))?;
    let page = format!("page {}", ground.page);
    let address = ground.world.floating_address();
    ground
        .world
        .wait("Ready and Available, with the declared page", LONG, |world| {
            let pair = world.object("hapair/web").ok()?;
            let holds = |type_: &str| {
                hapair_world::condition_of(&pair, type_).is_some_and(|(status, _, _)| status == "True")
            };
            let current = pair["status"]["observedGeneration"] == pair["metadata"]["generation"];
            let serves = || get(&address, 8080, "/page.html").is_ok_and(|body| body.contains(&page));
            (current && holds("Ready") && holds("Available") && serves()).then_some(())
        })?;
    let before = ground.client.acknowledged();
    ground.world.wait("another record", LONG, |_| {
        (ground.client.acknowledged() > before).then_some(())
    })
}
