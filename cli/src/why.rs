//! `kubectl hapair why`: a condition with its runbook.

use anyhow::{Result, bail};
use clap::Args;
use hapair_crds::{Condition, ConditionStatus};
use hapair_model::Reason;

use crate::{access::Session, advice, screen};

/// The arguments.
#[derive(Args)]
pub struct Arguments {
    /// A condition of the pair (Ready, Available, RedundancyHealthy…), or a reason as `kubectl get` shows it.
    #[arg(default_value = "Ready")]
    what: String,
    /// The pair; without it, the only one of the namespace.
    #[arg(long)]
    pair: Option<String>,
}

/// Explains it.
pub async fn run(session: &Session, arguments: &Arguments) -> Result<()> {
    let what = &arguments.what;
    if let Some(reason) = Reason::ALL
        .iter()
        .find(|reason| reason.name().eq_ignore_ascii_case(what))
    {
        return explain(reason.name(), &advice::remedy(reason.name()));
    }
    let pair = session.pair(arguments.pair.as_deref()).await?;
    let conditions = pair.status.iter().flat_map(|status| &status.conditions);
    let Some(condition) = conditions
        .clone()
        .find(|each| each.type_.eq_ignore_ascii_case(what))
    else {
        let known: Vec<_> = conditions.map(|condition| condition.type_.as_str()).collect();
        match known.is_empty() {
            true => bail!("the operator has not observed the pair yet: it has no conditions"),
            false => bail!(
                "{what:?} is no condition of the pair, and no reason. Its conditions: {}",
                known.join(", ")
            ),
        }
    };
    let Condition {
        type_,
        status,
        reason,
        message,
        ..
    } = condition;
    let holds = match status {
        ConditionStatus::True => "is True",
        ConditionStatus::False => "is False",
        ConditionStatus::Unknown => "is Unknown",
    };
    let (message, remedy) = advice::of(reason, message);
    anstream::println!("{type_} {holds}: {reason}\n{}\n", screen::plain(message));
    explain(reason, &screen::plain(&remedy))
}

fn explain(reason: &str, remedy: &str) -> Result<()> {
    anstream::println!("{reason}: {}\n\nWhat to do: {remedy}", advice::meaning(reason));
    Ok(())
}
