//! What people ask of a pair's hosts through the operator: what it would do, what the journals say, what
//! state everything is in. An ask has a connection of its own and changes nothing; any replica answers,
//! leading or not.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use hapair_crds::HAPair;
use hapair_engine::fresh_keys;
use hapair_intake::{Held, PairName, Snapshot, Work, overlay, tears_down};
use hapair_model::{
    Both, Secret, Side,
    answers::{Cause, Coming, Diagnosis, Forecast, Gap, Logs, Part},
    desired::Desired,
    host::{Connect, Readable, Reading},
    observed::{HostView, Question},
    plan::{Finding, Next, Stage, Step},
    xml::Element,
};
use hapair_planner as planner;
use serde_json::Value;

use crate::{Context, journal, prepare::prepare};

/// Why there is no answer.
#[derive(Debug)]
pub enum Refusal {
    /// There is no such pair.
    NotFound(String),
    /// What was sent along cannot be used.
    Invalid(String),
    /// Something is missing that the answer needs.
    Unavailable(String),
}

const REMOVED: &str = "[removed]";
/// Shorter ones would remove ordinary words.
const SHORTEST_SECRET: usize = 6;

/// What would be done to the pair now or, with manifests in place of what the API server holds, then.
pub async fn forecast<C: Connect>(
    context: &Context<C>,
    name: &PairName,
    manifests: Vec<Value>,
) -> Result<Forecast, Refusal>
where
    C::Hosts: Readable,
{
    let stored = stored_work(context, name).await?;
    let mut work = if manifests.is_empty() {
        stored.clone()
    } else {
        with_manifests(context, name, &stored, manifests).await?
    };
    if work.is_leaving() && !tears_down(&work.pair) {
        return Ok(Forecast {
            next: Coming::LetGo,
            findings: Vec::new(),
            paused: false,
        });
    }
    let paused = std::mem::take(&mut work.desired.paused);
    let hosts = connect(context, &work)?;
    // Whoever may ask must not thereby make the hosts call other addresses.
    let known = planner::question(&stored.desired);
    let known = |side: Side| &known[side];
    let limit = |questions: Both<Question>| {
        let Both { first, second } = questions;
        Both::new(
            within(first, known(Side::First)),
            within(second, known(Side::Second)),
        )
    };
    let (observed, _) = work.observe_within(&hosts, limit).await;
    let (desired, plan) = work.plan(&observed, &fresh_keys());
    let next = match plan.next {
        Next::Rest => Coming::Rest,
        Next::Wait(what) => Coming::Wait(what),
        Next::Run(stage) => coming(&hosts, &desired, &observed, &stage).await?,
    };
    Ok(Forecast {
        next,
        findings: plan.findings.iter().map(cause).collect(),
        paused,
    })
}

/// A question that calls no address which another does not call.
fn within(mut question: Question, known: &Question) -> Question {
    question.probes.retain(|probe| known.probes.contains(probe));
    question
        .addresses
        .retain(|address| known.addresses.contains(address));
    question
}

async fn coming(
    hosts: &impl Readable,
    desired: &Desired,
    observed: &Both<HostView>,
    stage: &Stage,
) -> Result<Coming, Refusal> {
    let lines = |side: Side| stage.steps[side].iter().map(Step::summary).collect::<Vec<_>>();
    let steps = Side::BOTH.map(|side| (desired.nodes[side].name.clone(), lines(side)));
    let mut transition = None;
    for side in Side::BOTH {
        let planned = stage.steps[side].iter().find_map(|step| {
            if let Step::PushCib { cib, .. } = step {
                Some(cib)
            } else {
                None
            }
        });
        if let (Some(planned), Some(live)) =
            (planned, observed[side].host().and_then(|host| host.cib.as_ref()))
        {
            let cib = with_configuration(live, planned)
                .ok_or_else(|| Refusal::Unavailable("the planned CIB cannot be read".into()))?;
            let node = &desired.nodes[side].name;
            let texts = hosts.read(side, &Reading::Transition { cib }).await;
            let texts = texts.map_err(|why| {
                Refusal::Unavailable(format!(
                    "{node} could not be asked what the cluster would do: {why}"
                ))
            })?;
            transition = Some(
                summary_of(texts.get("transition").map_or("", String::as_str)).map_err(|said| {
                    Refusal::Unavailable(format!(
                        "crm_simulate on {node} did not tell what the cluster would do; it said: {said}"
                    ))
                })?,
            );
        }
    }
    Ok(Coming::Stage {
        name: stage.name.into(),
        steps: steps.into(),
        transition,
    })
}

/// The live CIB with its status, and the configuration of another.
fn with_configuration(live: &Element, planned: &str) -> Option<String> {
    let mut cib = live.clone();
    *cib.first_mut("configuration") = Element::parse(planned).ok()?.first("configuration")?.clone();
    Some(cib.to_string())
}

/// The lines of crm_simulate's transition summary, as in "Move ip-web ( node1 -> node2 )".
fn summary_of(text: &str) -> Result<Vec<String>, String> {
    let (_, rest) = text
        .split_once("Transition Summary:")
        .ok_or_else(|| text.chars().take(300).collect::<String>())?;
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    Ok(rest
        .lines()
        .skip(1)
        .map_while(|line| line.trim_start().strip_prefix("* "))
        .map(words)
        .collect())
}

fn cause(finding: &Finding) -> Cause {
    Cause {
        about: finding.about.to_string(),
        reason: finding.reason.to_string(),
        message: finding.message.clone(),
    }
}

/// What the journals of both hosts hold about the cluster, DRBD and the services: so many seconds back, so
/// many lines of each at the most.
pub async fn logs<C: Connect>(
    context: &Context<C>,
    name: &PairName,
    seconds: u32,
    lines: u32,
) -> Result<Logs, Refusal>
where
    C::Hosts: Readable,
{
    let work = stored_work(context, name).await?;
    let reading = Reading::Journal {
        seconds,
        lines,
        units: planner::journal_units(&work.desired),
    };
    let secrets = secrets(&work);
    let mut logs = Logs::default();
    for (node, answer) in read_both(context, &work, &reading).await? {
        let texts = match answer {
            Ok(texts) => texts,
            Err(why) => {
                logs.gaps.push(Gap { node, why });
                continue;
            }
        };
        let mut entries = journal::read(&node, texts.values());
        entries
            .iter_mut()
            .for_each(|entry| entry.message = without(&secrets, std::mem::take(&mut entry.message)));
        let most = lines as usize;
        if entries.len() > most {
            entries.drain(..entries.len() - most);
            logs.shortened.push(node);
        }
        logs.entries.extend(entries);
    }
    logs.entries.sort_by_key(|entry| entry.time);
    Ok(logs)
}

/// What both hosts say about themselves.
pub async fn diagnosis<C: Connect>(context: &Context<C>, name: &PairName) -> Result<Diagnosis, Refusal>
where
    C::Hosts: Readable,
{
    let work = stored_work(context, name).await?;
    let secrets = secrets(&work);
    let mut diagnosis = Diagnosis::default();
    for (node, answer) in read_both(context, &work, &Reading::State).await? {
        match answer {
            Ok(texts) => {
                let part = |(name, text)| Part {
                    node: node.clone(),
                    name,
                    text: without(&secrets, text),
                };
                diagnosis.parts.extend(texts.into_iter().map(part));
            }
            Err(why) => diagnosis.gaps.push(Gap { node, why }),
        }
    }
    Ok(diagnosis)
}

async fn stored_work<C>(context: &Context<C>, name: &PairName) -> Result<Work, Refusal> {
    let stored = context.index.snapshot(name).map_err(Refusal::Unavailable)?;
    let Some(pair) = stored.pair.clone() else {
        let missing = "there is no HAPair of this name that the operator serves";
        return Err(Refusal::NotFound(format!(
            "{missing}: {name}. A new one is applied with spec.paused: true before it is asked about"
        )));
    };
    prepared(context, pair, stored).await
}

/// What there would be to work on if these manifests were applied. They name no host and no Secret that the
/// pair does not have already: whoever may ask must not thereby send the operator, with its key, to other
/// hosts, or learn of Secrets.
async fn with_manifests<C>(
    context: &Context<C>,
    name: &PairName,
    stored: &Work,
    manifests: Vec<Value>,
) -> Result<Work, Refusal> {
    let snapshot = overlay(stored.snapshot.clone(), name, manifests).map_err(Refusal::Invalid)?;
    let pair = snapshot.pair.clone().unwrap_or_else(|| stored.pair.clone());
    let instead = "apply it with spec.paused: true, and ask for the plan then";
    if pair.spec.ssh != stored.pair.spec.ssh || reached(&pair) != reached(&stored.pair) {
        let what = "the manifest reaches the hosts in another way (spec.ssh, address or ssh of a node)";
        return Err(Refusal::Invalid(format!("{what}: {instead}")));
    }
    let new = |named: BTreeSet<String>, known: BTreeSet<String>| named.difference(&known).next().cloned();
    let secret = new(
        hapair_intake::secrets(&snapshot),
        hapair_intake::secrets(&stored.snapshot),
    )
    .map(|name| format!("Secret {name}"));
    let map = || {
        new(
            hapair_intake::config_maps(&snapshot),
            hapair_intake::config_maps(&stored.snapshot),
        )
        .map(|name| format!("ConfigMap {name}"))
    };
    if let Some(named) = secret.or_else(map) {
        return Err(Refusal::Invalid(format!(
            "the manifest names the {named}, which the pair does not use yet: {instead}"
        )));
    }
    prepared(context, pair, snapshot).await
}

async fn prepared<C>(context: &Context<C>, pair: Arc<HAPair>, snapshot: Snapshot) -> Result<Work, Refusal> {
    match prepare(&context.client, &context.cluster, pair, snapshot).await {
        Ok(Ok(work)) => Ok(work),
        Ok(Err(Held { reason, message })) => Err(Refusal::Unavailable(format!("{reason}: {message}"))),
        Err(error) => Err(Refusal::Unavailable(format!(
            "the API server did not answer the operator: {error}"
        ))),
    }
}

/// How each node's host is reached.
fn reached(pair: &HAPair) -> BTreeMap<&str, (&str, &hapair_crds::NodeSsh)> {
    pair.spec
        .nodes
        .iter()
        .map(|node| (node.name.as_str(), (node.address.as_str(), &node.ssh)))
        .collect()
}

fn connect<C: Connect>(context: &Context<C>, work: &Work) -> Result<C::Hosts, Refusal> {
    let hosts = context.hosts.connect(work.credentials.clone());
    hosts.map_err(|error| Refusal::Unavailable(format!("the ssh client could not be prepared: {error}")))
}

/// Each node's name with its texts, or why there are none.
async fn read_both<C: Connect>(
    context: &Context<C>,
    work: &Work,
    reading: &Reading,
) -> Result<[(String, Result<BTreeMap<String, String>, String>); 2], Refusal>
where
    C::Hosts: Readable,
{
    let hosts = connect(context, work)?;
    let (first, second) = tokio::join!(
        hosts.read(Side::First, reading),
        hosts.read(Side::Second, reading)
    );
    let nodes = &work.desired.nodes;
    Ok([
        (nodes.first.name.clone(), first),
        (nodes.second.name.clone(), second),
    ])
}

/// The lines of every value that the pair takes from a Secret or writes into a file. DRBD's secret is known
/// on the hosts only, and removed there.
fn secrets(work: &Work) -> Vec<String> {
    let passwords = work
        .desired
        .nodes
        .iter()
        .flat_map(|(_, node)| &node.devices)
        .filter_map(|device| device.password.as_ref());
    let files = work
        .desired
        .groups
        .iter()
        .flat_map(|group| &group.files)
        .flat_map(|file| [&file.content.first, &file.content.second]);
    let all = [&work.credentials.first.private_key]
        .into_iter()
        .chain(&work.desired.admin_password)
        .chain(passwords)
        .chain(files);
    let lines = |secret: &Secret| {
        String::from_utf8_lossy(secret.expose())
            .lines()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    as_written(
        all.flat_map(lines)
            .filter(|line| line.len() >= SHORTEST_SECRET)
            .collect(),
    )
}

/// Texts also as JSON and XML write them; the longest first, since one may be a part of another.
fn as_written(mut found: Vec<String>) -> Vec<String> {
    let json = |line: &String| {
        Value::from(line.as_str())
            .to_string()
            .trim_matches('"')
            .to_owned()
    };
    let xml = |line: &String| {
        line.replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
            .replace('"', "&quot;")
            .replace('\'', "&apos;")
    };
    found.extend(
        found
            .iter()
            .flat_map(|line| [json(line), xml(line)])
            .collect::<Vec<_>>(),
    );
    found.sort_by_key(|line| std::cmp::Reverse(line.len()));
    found.dedup();
    found
}

fn without(secrets: &[String], text: String) -> String {
    secrets.iter().fold(text, |text, secret| {
        if text.contains(secret) {
            text.replace(secret, REMOVED)
        } else {
            text
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_transition_summary_ends_where_its_lines_end() {
        let text = "Current cluster status:\n  * Online: [ node1 node2 ]\n\nTransition Summary:\n  * \
            Stop       ip-web      (          node1 )  \
                    due to node availability\n  * Move       x     ( node1 -> node2 )\n\nExecuting Cluster \
                    Transition:\n  * Resource action: x\n";
        assert_eq!(
            summary_of(text).unwrap(),
            [
                "Stop ip-web ( node1 ) due to node availability",
                "Move x ( node1 -> node2 )"
            ]
        );
        assert_eq!(
            summary_of("Transition Summary:\n\n").unwrap(),
            Vec::<String>::new()
        );
        assert!(
            summary_of("crm_simulate: not found")
                .unwrap_err()
                .contains("not found")
        );
    }

    #[test]
    fn secrets_are_removed_wherever_they_stand() {
        let secrets = as_written(vec!["hunter22".into(), "hunter22&\"more".into()]);
        let text = r#"a hunter22, hunter22&"more, {"MESSAGE":"hunter22&\"more"}, <nvpair value="hunter22&amp;&quot;more"/>"#;
        assert_eq!(
            without(&secrets, text.into()),
            r#"a [removed], [removed], {"MESSAGE":"[removed]"}, <nvpair value="[removed]"/>"#
        );
    }
}
