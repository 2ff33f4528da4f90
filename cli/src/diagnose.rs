//! `kubectl hapair diagnose`: everything that someone who looks into a fault would ask for, in one file
//! without secrets.

use std::{fs::File, path::PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use hapair_model::answers::{Diagnosis, Forecast, Gap};
use jiff::Timestamp;
use kube::ResourceExt;
use serde::Serialize;

use crate::{
    access::Session,
    ask::{Asker, ask},
    forecast,
    overview::{Overview, events},
    screen,
};

/// The arguments.
#[derive(Args)]
pub struct Arguments {
    /// The pair; without it, the only one of the namespace.
    name: Option<String>,
    /// Where to write; without it, a name with the pair and the time in this directory.
    #[arg(long)]
    file: Option<PathBuf>,
    #[command(flatten)]
    asker: Asker,
}

/// Writes the bundle.
pub async fn run(session: &Session, arguments: &Arguments) -> Result<()> {
    let now = Timestamp::now();
    let mut overview = Overview::of(session, arguments.name.as_deref()).await?;
    let name = overview.pair.name_any();
    let folder = format!(
        "hapair-{}-{name}-{}",
        session.namespace,
        now.strftime("%Y%m%dT%H%M%SZ")
    );
    let path = arguments
        .file
        .clone()
        .unwrap_or_else(|| PathBuf::from(format!("{folder}.tar")));
    let file = File::create_new(&path).with_context(|| format!("make {}", path.display()))?;
    let mut bundle = Bundle {
        tar: tar::Builder::new(file),
        folder,
        time: now.as_second().try_into().unwrap_or_default(),
    };

    let mut gaps = Vec::new();
    bundle.add(
        "status.txt",
        anstream::adapter::strip_str(&screen::draw(&overview, now, 100))
            .to_string()
            .as_bytes(),
    )?;
    overview.drop_managed_fields();
    bundle.add_json("objects.json", &overview)?;
    bundle.add_json("events.json", &events(session, &name).await)?;
    match ask::<Forecast>(session, &arguments.asker, &name, "plan", None).await {
        Ok(forecast) => bundle.add("plan.txt", forecast::text(&forecast).as_bytes())?,
        Err(error) => gaps.push(format!("plan: {error:#}")),
    }
    match ask::<Diagnosis>(session, &arguments.asker, &name, "diagnose", None).await {
        Ok(diagnosis) => {
            for part in &diagnosis.parts {
                bundle.add(&format!("{}/{}", part.node, part.name), part.text.as_bytes())?;
            }
            gaps.extend(
                diagnosis
                    .gaps
                    .iter()
                    .map(|Gap { node, why }| format!("{node}: {why}")),
            );
        }
        Err(error) => gaps.push(format!("hosts: {error:#}")),
    }
    bundle.add(
        "gaps.txt",
        gaps.iter()
            .map(|gap| gap.clone() + "\n")
            .collect::<String>()
            .as_bytes(),
    )?;
    bundle.tar.into_inner()?.sync_all()?;
    anstream::println!("{}", path.display());
    gaps.iter()
        .for_each(|gap| anstream::eprintln!("not in it: {}", screen::plain(gap)));
    Ok(())
}

struct Bundle {
    tar: tar::Builder<File>,
    folder: String,
    time: u64,
}

impl Bundle {
    fn add(&mut self, name: &str, content: &[u8]) -> Result<()> {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(self.time);
        // Names come from hosts: one that leads elsewhere is refused by the library.
        self.tar
            .append_data(&mut header, format!("{}/{name}", self.folder), content)
            .with_context(|| format!("write {name}"))
    }

    fn add_json(&mut self, name: &str, value: &impl Serialize) -> Result<()> {
        self.add(name, &serde_json::to_vec_pretty(value)?)
    }
}
