//! `fleet`: what the operator takes when it has a thousand pairs: memory, processor's time at rest, how soon it knows them all after a
//! restart, and how old its knowledge is. The API server is a real one. The hosts answer as the simulator's do at rest, behind the
//! trait that SSH is behind, so that the operator alone is measured.

mod hosts;
mod objects;
mod operator;
mod process;

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use clap::{Parser, Subcommand};
use hapair_cluster::{Binaries, Cluster};
use hapair_lab::{Lab, Namespace};

use process::{Figures, Operator};

/// The name of the network that all of it is in.
const NAME: &str = "fleet";
/// Four looks at each pair.
const REST: Duration = Duration::from_secs(60);
/// Longer than the first look at all of them.
const LONG: Duration = Duration::from_secs(1800);

#[derive(Parser)]
#[command(about = "Measures the operator with many pairs (root needed)")]
struct Arguments {
    #[command(subcommand)]
    operator: Option<Role>,
    /// So many pairs; several numbers are measured one after the other.
    #[arg(long, value_delimiter = ',', default_value = "10,1000")]
    pairs: Vec<usize>,
    /// So many of them whose hosts do not answer.
    #[arg(long, default_value_t = 0)]
    dead: usize,
}

#[derive(Subcommand)]
enum Role {
    /// The operator that is measured.
    #[command(hide = true)]
    Operator {
        /// The way to the API server.
        kubeconfig: PathBuf,
        /// UIDs of the pairs, by line.
        uids: PathBuf,
        /// How many of them are dead.
        dead: usize,
    },
}

fn main() -> Result<()> {
    let Arguments {
        operator,
        pairs,
        dead,
    } = Arguments::parse();
    match operator {
        Some(Role::Operator {
            kubeconfig,
            uids,
            dead,
        }) => operator::run(&kubeconfig, &uids, dead),
        None => measure(&pairs, dead),
    }
}

fn measure(numbers: &[usize], dead: usize) -> Result<()> {
    Lab::down(NAME)?;
    let binaries = Binaries::prepare(|what| eprintln!("  {what}"))?;
    Namespace::create(NAME)?.enter()?;
    let _end = End;
    let directory = hapair_lab::directory_of(NAME);
    let cluster = Cluster::start(&directory, binaries)?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let installed = cluster.run(&["kustomize", &root.join("config/default").display().to_string()])?;
    cluster.apply(&installed)?;
    cluster.run(&[
        "wait",
        "--for=condition=Established",
        "crd",
        "--all",
        "--timeout=60s",
    ])?;
    println!(
        "| Pairs | Known after a restart | Memory | Processor at rest | Age of knowledge, P99 | Writes in {} s |",
        REST.as_secs()
    );
    println!("|---|---|---|---|---|---|");
    let mut made = 0;
    for number in numbers {
        let began = Instant::now();
        let uids = objects::create(&cluster.kubeconfig(), made..*number)?;
        let list = directory.join("uids");
        let mut all = fs::read_to_string(&list).unwrap_or_default();
        all.extend(uids.iter().map(|uid| format!("{uid}\n")));
        fs::write(&list, all)?;
        made = *number;
        eprintln!(
            "  {number} pairs are declared after {:.0} s",
            began.elapsed().as_secs_f32()
        );
        let start = || Operator::start(&cluster.kubeconfig(), &list, dead);
        // The first one writes the status of the new ones.
        until_known(&mut start()?, *number)?;
        thread::sleep(REST);
        println!("{}", line(&cluster, &mut start()?, *number)?);
    }
    Ok(())
}

/// Starts from a restart, and ends after a rest.
fn line(cluster: &Cluster, operator: &mut Operator, pairs: usize) -> Result<String> {
    let known = until_known(operator, pairs)?;
    thread::sleep(REST);
    let (time, writes) = (operator.processor()?, revision(cluster)?);
    let began = Instant::now();
    thread::sleep(REST);
    let took = began.elapsed().as_secs_f64();
    let (time, writes) = (operator.processor()? - time, revision(cluster)? - writes);
    let Figures { oldest, steps, .. } = operator.figures()?;
    ensure!(
        steps == 0,
        "{steps} steps were sent to hosts at rest: what is measured is no rest"
    );
    Ok(format!(
        "| {pairs} | {:.1} s | {:.1} MiB | {:.0} % of one | {oldest:.1} s | {writes} |",
        known.as_secs_f64(),
        operator.memory()? / 1024.0,
        100.0 * time / took,
    ))
}

fn until_known(operator: &mut Operator, pairs: usize) -> Result<Duration> {
    let began = Instant::now();
    while operator.figures()?.known < pairs {
        ensure!(
            began.elapsed() < LONG,
            "{} of {pairs} pairs are known after {} s",
            operator.figures()?.known,
            LONG.as_secs()
        );
        thread::sleep(Duration::from_millis(100));
    }
    Ok(began.elapsed())
}

/// etcd's revision, which each write counts up; the Lease's renewals are among them.
fn revision(cluster: &Cluster) -> Result<u64> {
    let raw = cluster.run(&[
        "get",
        "--raw",
        "/api/v1/namespaces/kube-system/configmaps?limit=1",
    ])?;
    let list: serde_json::Value = serde_json::from_str(&raw)?;
    let revision = list["metadata"]["resourceVersion"].as_str();
    Ok(revision.context("a list without a resourceVersion")?.parse()?)
}

/// Takes the network and what runs in it down, whatever comes of the measurement.
struct End;

impl Drop for End {
    fn drop(&mut self) {
        if let Err(error) = Lab::down(NAME) {
            eprintln!("{error:#}");
        }
    }
}
