//! What a reason means and what to do, from the one list that the operator and docs/reasons.md share. A message may have a
//! remedy of its own, which counts before the list's.

use hapair_model::{Reason, reason::remedy_of};

/// What a reason means.
pub fn meaning(reason: &str) -> String {
    halves(reason).map_or_else(|| unknown(reason), |(meaning, _)| meaning)
}

/// What has happened, and what a person can do about it.
pub fn of<'a>(reason: &str, message: &'a str) -> (&'a str, String) {
    let (message, own) = remedy_of(message);
    (message, own.map_or_else(|| remedy(reason), str::to_owned))
}

/// What has happened, without the remedy, which the screen has in one place.
pub fn happened(message: &str) -> &str {
    remedy_of(message).0
}

/// What a person can do, in general.
pub fn remedy(reason: &str) -> String {
    halves(reason).map_or_else(|| unknown(reason), |(_, remedy)| remedy)
}

fn halves(reason: &str) -> Option<(String, String)> {
    let known = Reason::ALL.iter().find(|known| known.name() == reason)?;
    let text = known
        .runbook()
        .split("\n\n")
        .map(|paragraph| paragraph.replace('\n', " "))
        .collect::<Vec<_>>()
        .join("\n");
    let (meaning, remedy) = text.split_once("What to do: ")?;
    Some((meaning.trim().to_owned(), remedy.trim().to_owned()))
}

fn unknown(reason: &str) -> String {
    format!(
        "this plugin ({}) does not know the reason {reason}: the operator may be newer",
        env!("CARGO_PKG_VERSION")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remedy_of_the_messages_own_counts_first() {
        let (message, remedy) = of("SplitBrain", "it has diverged. What to do: choose");
        assert_eq!((message, remedy.as_str()), ("it has diverged.", "choose"));
        let (message, remedy) = of("AsDeclared", "everything is as declared");
        assert_eq!(
            (message, remedy.as_str()),
            ("everything is as declared", "nothing.")
        );
    }

    #[test]
    fn every_reason_has_both_halves() {
        for reason in Reason::ALL {
            let (meaning, remedy) =
                halves(reason.name()).unwrap_or_else(|| panic!("{} says nothing to do", reason.name()));
            assert!(!meaning.is_empty() && !remedy.is_empty(), "{}", reason.name());
        }
        assert!(meaning("Newer").contains("does not know"));
    }
}
