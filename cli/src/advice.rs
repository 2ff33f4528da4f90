//! What a reason means and what to do, from the one list that the operator and docs/reasons.md share.

use hapair_model::Reason;

/// What a reason means.
pub fn meaning(reason: &str) -> String {
    halves(reason).map_or_else(|| unknown(reason), |(meaning, _)| meaning)
}

/// What a person can do.
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
    fn every_reason_has_both_halves() {
        for reason in Reason::ALL {
            let (meaning, remedy) =
                halves(reason.name()).unwrap_or_else(|| panic!("{} says nothing to do", reason.name()));
            assert!(!meaning.is_empty() && !remedy.is_empty(), "{}", reason.name());
        }
        assert!(meaning("Newer").contains("does not know"));
    }
}
