//! Prints the supported releases as the table of docs/compatibility.md.

use hapair_model::desired::Preset;
use hapair_planner::{Installed, KnownRelease, releases};

fn main() {
    let presets: Vec<String> = Preset::ALL.iter().map(|preset| format!("`{preset}`")).collect();
    println!("| release | schema | {} |", presets.join(" | "));
    println!("|---|---|{}", "---|".repeat(presets.len()));
    releases().iter().for_each(|release| println!("{}", row(release)));
}

fn row(release: &KnownRelease) -> String {
    let cell = |installed: &Option<Installed>| match installed {
        Some(Installed { package, unit, .. }) => format!("{package}, {unit}.service"),
        None => "refused".to_owned(),
    };
    let presets: Vec<String> = release
        .presets
        .iter()
        .map(|(_, installed)| cell(installed))
        .collect();
    format!(
        "| {} | {} | {} |",
        release.name,
        release.schema,
        presets.join(" | ")
    )
}
