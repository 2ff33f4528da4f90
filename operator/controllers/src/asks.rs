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
    answers::{Diagnosis, Ending, Entry, Forecast, Gap, Logs, Part},
    host::{Connect, Hosts as _, JournalQuery, Readable, Reading},
    observed::Question,
};
use hapair_planner as planner;
use serde_json::Value;

use crate::{context::Context, forecast, prepare::prepare, refusal::Refusal};

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
            stages: Vec::new(),
            end: Ending::LetGo,
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
    let fresh = fresh_keys();
    let (desired, plan) = work.plan(&observed, &fresh);
    let foreseen = work.foresee(&observed, &fresh);
    let (mut stages, mut end) = (Vec::new(), forecast::ending(foreseen.end));
    let mut asked = forecast::Asked::new(&hosts, &desired, &observed);
    for stage in &foreseen.stages {
        match asked.about(stage).await {
            Ok(Some(coming)) => stages.push(coming),
            Err(refusal) if stages.is_empty() => return Err(refusal),
            Ok(None) | Err(_) => {
                end = Ending::Unknown;
                break;
            }
        }
    }
    Ok(Forecast {
        stages,
        end,
        findings: plan.findings.iter().map(forecast::cause).collect(),
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
    let query = JournalQuery {
        seconds,
        lines,
        units: planner::journal_units(&work.desired),
    };
    let secrets = secrets(&work);
    let mut logs = Logs::default();
    let hosts = connect(context, &work)?;
    let (first, second) = tokio::join!(
        hosts.journal(Side::First, &query),
        hosts.journal(Side::Second, &query)
    );
    for (node, answer) in by_node(&work, first, second) {
        let told = match answer {
            Ok(told) => told,
            Err(why) => {
                logs.gaps.push(Gap { node, why });
                continue;
            }
        };
        let mut entries: Vec<_> = told.into_iter().map(|line| Entry::of(&node, line)).collect();
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
    let hosts = connect(context, &work)?;
    let (first, second) = tokio::join!(
        hosts.read(Side::First, &Reading::State),
        hosts.read(Side::Second, &Reading::State)
    );
    for (node, answer) in by_node(&work, first, second) {
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

/// What each host answered, by its node's name.
fn by_node<T>(work: &Work, first: T, second: T) -> [(String, T); 2] {
    let nodes = &work.desired.nodes;
    [
        (nodes.first.name.clone(), first),
        (nodes.second.name.clone(), second),
    ]
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
    fn secrets_are_removed_wherever_they_stand() {
        let secrets = as_written(vec!["hunter22".into(), "hunter22&\"more".into()]);
        let text = r#"a hunter22, hunter22&"more, {"MESSAGE":"hunter22&\"more"}, <nvpair value="hunter22&amp;&quot;more"/>"#;
        assert_eq!(
            without(&secrets, text.into()),
            r#"a [removed], [removed], {"MESSAGE":"[removed]"}, <nvpair value="[removed]"/>"#
        );
    }
}
