//! The two hosts over SSH: what is asked of them ([`probe`](assemble)), what is done to them (scripts), and
//! one parser for each tool.

mod assemble;
#[cfg(test)]
mod attack;
mod bundle;
mod frames;
mod glance;
mod keys;
mod line;
pub mod offline;
mod output;
mod parse;
mod reach;
mod script;
mod spans;
mod ssh;
mod watch;

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use hapair_model::{
    Both, Side,
    host::{Authority, Connect, Credentials, Hosts, JournalQuery, Line, Readable, Reading},
    observed::{self, HostView, Question, Silence},
    outcome::Outcome,
    plan::Step,
};

use bundle::Bundle;
use frames::{FrameError, Sections};
use glance::LastLook;
use output::Output;
use spans::StepSpans;
pub use ssh::Host;
use tracing::{Span, field::Empty, instrument};

/// The exit status of timeout(1) when the time was up.
const TIMED_OUT: i32 = 124;

/// What a host said to a question.
fn answered(sections: &Sections, question: &Question) -> observed::Host {
    observed::Host {
        probes: assemble::answers(sections, question),
        ..assemble::host(sections)
    }
}

/// Reaches hosts over SSH.
#[derive(Clone, Copy, Debug)]
pub struct Ssh;

impl Connect for Ssh {
    type Hosts = SshHosts;

    fn connect(&self, credentials: Both<Credentials>) -> std::io::Result<SshHosts> {
        Ok(SshHosts::new(Both::new(
            Host::new(credentials.first)?,
            Host::new(credentials.second)?,
        )))
    }
}

/// Both hosts of a pair, over SSH.
#[derive(Debug)]
pub struct SshHosts {
    hosts: Both<Host>,
    last_looks: Both<Mutex<Option<LastLook>>>,
    /// How many glances were asked for.
    glances: AtomicU64,
}

impl SshHosts {
    /// Two hosts; nothing is connected yet.
    pub fn new(hosts: Both<Host>) -> Self {
        Self {
            hosts,
            last_looks: Both::default(),
            glances: AtomicU64::new(0),
        }
    }

    fn last_look(&self, side: Side) -> MutexGuard<'_, Option<LastLook>> {
        let look = self.last_looks[side].lock();
        look.unwrap_or_else(PoisonError::into_inner)
    }

    #[instrument(name = "glance", skip_all, fields(server.address = self.hosts[side].address()))]
    async fn refresh(&self, side: Side, script: String, number: u64) -> Option<HostView> {
        let answer = self.hosts[side].glance(script).await?;
        let host = self.last_look(side).as_ref()?.refreshed(&answer, number)?;
        Some(HostView::Seen(Box::new(host)))
    }

    /// What a host answers to a bundle that only reads, or why it does not.
    async fn told(&self, side: Side, bundle: Bundle) -> Result<Output, String> {
        let answer = self.hosts[side].ask(bundle).await;
        answer.map_err(|silence| ssh::explain(&silence))
    }

    #[instrument(name = "probe", skip_all, fields(server.address = self.hosts[side].address()))]
    async fn look(&self, side: Side, question: &Question) -> HostView {
        *self.last_look(side) = None;
        match self.hosts[side].ask(bundle::probe(question)).await {
            Err(silence) => HostView::Silent(silence),
            Ok(output) => match frames::read(&output.stdout) {
                Ok(sections) => {
                    *self.last_look(side) = LastLook::keep(question, &output.stdout);
                    HostView::Seen(Box::new(answered(&sections, question)))
                }
                Err(FrameError::CutOff) if output.code == TIMED_OUT => {
                    let after = frames::last(&output.stdout).map_or_else(
                        || "no section was completed".to_owned(),
                        |name| format!("last completed section: {name}"),
                    );
                    HostView::Silent(Silence::Unreachable(format!("probe timed out; {after}")))
                }
                // A key may be in it.
                Err(error) if !question.keys.is_empty() => {
                    HostView::Silent(Silence::Garbled(error.to_string()))
                }
                Err(error) => HostView::Silent(Silence::Garbled(format!(
                    "{error}; it said: {}",
                    output.excerpt()
                ))),
            },
        }
    }
}

impl Hosts for SshHosts {
    async fn observe(&self, questions: &Both<Question>) -> Both<HostView> {
        let (first, second) = tokio::join!(
            self.look(Side::First, &questions.first),
            self.look(Side::Second, &questions.second)
        );
        Both::new(first, second)
    }

    async fn glance(&self) -> Option<Both<HostView>> {
        let number = self.glances.fetch_add(1, Ordering::Relaxed);
        let script = |side: Side| self.last_look(side).as_ref()?.script(number);
        let (first, second) = (script(Side::First)?, script(Side::Second)?);
        let (first, second) = tokio::join!(
            self.refresh(Side::First, first, number),
            self.refresh(Side::Second, second, number)
        );
        Some(Both::new(first?, second?))
    }

    async fn happened(&self) {
        tokio::select! {
            () = self.hosts[Side::First].happened() => {}
            () = self.hosts[Side::Second].happened() => {}
        }
    }

    async fn journal(&self, side: Side, query: &JournalQuery) -> Result<Vec<Line>, String> {
        let texts = texts(&self.told(side, bundle::journal(query)).await?)?;
        Ok(parse::journal::read(texts.values().map(String::as_str)))
    }

    #[instrument(name = "steps", skip_all, fields(server.address = self.hosts[side].address(), otel.status_code = Empty))]
    async fn run(&self, side: Side, steps: &[Step], authority: &Authority) -> Outcome {
        let mut spans = StepSpans::new(steps);
        let outcome = match self.hosts[side]
            .execute(bundle::stage(steps, authority), |answer| spans.told(answer))
            .await
        {
            Err(silence) => Outcome::Lost {
                message: ssh::explain(&silence),
            },
            Ok(output) => script::outcome(steps, &output),
        };
        if outcome != Outcome::Done {
            Span::current().record("otel.status_code", "ERROR");
        }
        outcome
    }
}

impl Readable for SshHosts {
    async fn read(&self, side: Side, reading: &Reading) -> Result<BTreeMap<String, String>, String> {
        let output = self.told(side, bundle::reading(reading)).await?;
        let is_cut_off = output.code == TIMED_OUT && frames::read(&output.stdout) == Err(FrameError::CutOff);
        if !is_cut_off || *reading != Reading::State {
            return texts(&output);
        }
        let mut texts = by_name(frames::whole(&output.stdout));
        let what =
            "The host did not tell everything in time: what would come after these parts is missing.\n";
        texts.insert("cut-off".into(), what.into());
        Ok(texts)
    }
}

/// Every text of an answer, by name; or why it is not taken.
fn texts(output: &Output) -> Result<BTreeMap<String, String>, String> {
    match frames::read(&output.stdout) {
        Ok(sections) => Ok(by_name(sections)),
        Err(FrameError::CutOff) if output.code == TIMED_OUT => {
            Err("a command did not end in time; the reply is incomplete".into())
        }
        Err(error) => Err(format!("{error}; it said: {}", output.excerpt())),
    }
}

fn by_name(sections: Sections) -> BTreeMap<String, String> {
    let texts = sections.into_iter();
    texts.map(|(name, section)| (name, section.text)).collect()
}
