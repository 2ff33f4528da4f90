//! Which script carries out a step, and how a stage's answer reads.

use hapair_model::{
    observed::owner_in_words,
    outcome::Outcome,
    plan::{Content, FollowUp, Keep, PackageManager, Step},
};

use crate::{frames, output::Output};

/// Scripts that run on a host, by the name under which they travel.
pub const FILES: &[(&str, &str)] = &[
    ("authenticate-pcs", include_str!("../scripts/authenticate-pcs")),
    ("bring-up", include_str!("../scripts/bring-up")),
    ("check-adjust", include_str!("../scripts/check-adjust")),
    ("clean-up", include_str!("../scripts/clean-up")),
    ("close-firewall", include_str!("../scripts/close-firewall")),
    ("content.py", include_str!("../scripts/content.py")),
    ("create-metadata", include_str!("../scripts/create-metadata")),
    ("detach", include_str!("../scripts/detach")),
    ("disable-units", include_str!("../scripts/disable-units")),
    ("enable-units", include_str!("../scripts/enable-units")),
    ("forget", include_str!("../scripts/forget")),
    ("forget-failure", include_str!("../scripts/forget-failure")),
    ("give-back", include_str!("../scripts/give-back")),
    ("hold-packages", include_str!("../scripts/hold-packages")),
    ("install-packages", include_str!("../scripts/install-packages")),
    (
        "install-packages.apt",
        include_str!("../scripts/install-packages.apt"),
    ),
    (
        "install-packages.dnf",
        include_str!("../scripts/install-packages.dnf"),
    ),
    ("leave-cluster", include_str!("../scripts/leave-cluster")),
    ("make-partition", include_str!("../scripts/make-partition")),
    ("make-filesystem", include_str!("../scripts/make-filesystem")),
    (
        "make-filesystem.job",
        include_str!("../scripts/make-filesystem.job"),
    ),
    (
        "create-first-generation",
        include_str!("../scripts/create-first-generation"),
    ),
    ("open-firewall", include_str!("../scripts/open-firewall")),
    ("push-cib", include_str!("../scripts/push-cib")),
    ("record-metadata", include_str!("../scripts/record-metadata")),
    ("reload-corosync", include_str!("../scripts/reload-corosync")),
    ("reload-units", include_str!("../scripts/reload-units")),
    ("restart-units", include_str!("../scripts/restart-units")),
    ("safe-file.py", include_str!("../scripts/safe-file.py")),
    ("seed-cib", include_str!("../scripts/seed-cib")),
    (
        "set-admin-password",
        include_str!("../scripts/set-admin-password"),
    ),
    ("set-hostname", include_str!("../scripts/set-hostname")),
    ("signatures", include_str!("../scripts/signatures")),
    ("take-down", include_str!("../scripts/take-down")),
    ("unfence", include_str!("../scripts/unfence")),
    ("unmask", include_str!("../scripts/unmask")),
    ("verify-cib", include_str!("../scripts/verify-cib")),
    ("write-file", include_str!("../scripts/write-file")),
    ("write-hosts-block", include_str!("../scripts/write-hosts-block")),
];

/// A script with what it is given.
#[derive(Debug)]
pub struct Script {
    /// Its name in [`FILES`]: the step's.
    pub name: &'static str,
    /// Its arguments; none holds a newline.
    pub arguments: Vec<String>,
    /// Its standard input.
    pub input: Vec<u8>,
}

/// The script that carries out a step.
///
/// # Panics
/// When an argument has more than one line: on the host it would be two.
pub fn of(step: &Step) -> Script {
    let (name, arguments) = (step.name(), arguments(step));
    assert!(
        !arguments.iter().any(|argument| argument.contains('\n')),
        "an argument of {name} has more than one line"
    );
    Script {
        name,
        arguments,
        input: input(step),
    }
}

fn arguments(step: &Step) -> Vec<String> {
    match step {
        Step::InstallPackages {
            manager,
            packages,
            mask,
        } => {
            let manager = match manager {
                PackageManager::Apt => "apt",
                PackageManager::Dnf => "dnf",
            };
            [&[manager.to_owned(), mask.join(",")], packages.as_slice()].concat()
        }
        Step::HoldPackages { packages } => packages.clone(),
        Step::WriteFile(file) => {
            let keep = match file.keep {
                Keep::Nothing => "",
                Keep::Versions => "versions",
                Keep::Original => "original",
            };
            let mark = file.follow_up.as_ref().map(FollowUp::mark).unwrap_or_default();
            vec![
                file.path.clone(),
                file.mode.clone(),
                file.owner.clone(),
                keep.into(),
                mark,
            ]
        }
        Step::SetHostname { name } => vec![name.clone()],
        Step::EnableUnits { units } | Step::DisableUnits { units } | Step::RestartUnits { units } => {
            units.clone()
        }
        Step::OpenFirewall { firewall } | Step::CloseFirewall { firewall } => vec![firewall.name().into()],
        Step::MakePartition {
            disk,
            name,
            size_mib,
            overwrite,
        } => {
            let size = size_mib.map(|size| size.to_string()).unwrap_or_default();
            vec![
                disk.clone(),
                name.clone(),
                size,
                overwrite.clone().unwrap_or_default(),
            ]
        }
        Step::CreateMetadata {
            resource,
            device,
            overwrite,
            minor,
            port,
        } => {
            vec![
                resource.clone(),
                device.clone(),
                overwrite.clone().unwrap_or_default(),
                minor.to_string(),
                port.to_string(),
            ]
        }
        Step::RecordMetadata {
            resource,
            uuid,
            minor,
            port,
        } => vec![
            resource.clone(),
            uuid.clone(),
            minor.to_string(),
            port.to_string(),
        ],
        Step::CreateFirstGeneration {
            resource,
            minor,
            skip_sync,
        } => {
            vec![
                resource.clone(),
                minor.to_string(),
                if *skip_sync { "skip" } else { "copy" }.into(),
            ]
        }
        Step::MakeFilesystem {
            resource,
            minor,
            filesystem,
            mount_point,
            owner,
            mode,
            copy,
        } => vec![
            resource.clone(),
            minor.to_string(),
            (*filesystem).into(),
            mount_point.clone(),
            owner.clone(),
            mode.clone(),
            if *copy { "copy" } else { "empty" }.into(),
        ],
        Step::Detach { resource, disk } => vec![resource.clone(), disk.clone().unwrap_or_default()],
        Step::PushCib { planned_on, .. } => vec![planned_on.clone()],
        Step::Unfence { resource, minor } => vec![resource.clone(), minor.to_string()],
        Step::ForgetFailure {
            resource,
            node,
            interval_ms,
        } => vec![resource.clone(), node.clone(), interval_ms.to_string()],
        Step::BringUp { resource } | Step::CleanUp { resource } | Step::TakeDown { resource } => {
            vec![resource.clone()]
        }
        Step::AuthenticatePcs { nodes, .. } => nodes
            .iter()
            .flat_map(|(name, address)| [name.clone(), address.clone()])
            .collect(),
        Step::GiveBack { paths } => paths.clone(),
        Step::Forget { files } => files.clone(),
        Step::WriteHostsBlock { .. }
        | Step::ReloadCorosync
        | Step::ReloadUnits
        | Step::SeedCib { .. }
        | Step::SetAdminPassword { .. }
        | Step::LeaveCluster => Vec::new(),
    }
}

/// What is long, or must be seen by nobody, is no argument.
fn input(step: &Step) -> Vec<u8> {
    match step {
        Step::WriteFile(file) => match &file.content {
            Content::Text(text) | Content::WithDrbdSecret(text) => text.clone().into_bytes(),
            Content::Secret(secret) => secret.expose().to_vec(),
        },
        Step::WriteHostsBlock { lines } => lines.join("\n").into_bytes(),
        Step::SeedCib { cib } | Step::PushCib { cib, .. } => cib.clone().into_bytes(),
        Step::SetAdminPassword { digest, password } => [digest.expose(), b"\n", password.expose()].concat(),
        Step::AuthenticatePcs { password, .. } => password.expose().to_vec(),
        _ => Vec::new(),
    }
}

/// Exit statuses of `scripts/run`.
const MANAGED_ELSEWHERE: i32 = 97;
const SUPERSEDED: i32 = 98;

/// What a stage's answer means.
pub fn outcome(steps: &[Step], output: &Output) -> Outcome {
    match output.code {
        MANAGED_ELSEWHERE => {
            let (owner, name) = output.stderr.trim().split_once(' ').unzip();
            return Outcome::ManagedElsewhere {
                owner: owner_in_words(owner.unwrap_or(output.stderr.trim()), name),
            };
        }
        SUPERSEDED => {
            return Outcome::Superseded {
                epoch: output
                    .stderr
                    .trim()
                    .lines()
                    .last()
                    .and_then(|line| line.parse().ok())
                    .unwrap_or(u64::MAX),
            };
        }
        _ => {}
    }
    let Ok(sections) = frames::read(&output.stdout) else {
        // The host has ended it, and said why: no signal has, and no connection (ssh(1): 255).
        if let (Some(step), 1..=127) = (steps.first(), output.code) {
            return Outcome::Failed {
                step: step.name().into(),
                message: format!("{} (exit status {})", output.excerpt(), output.code),
            };
        }
        return Outcome::Lost {
            message: format!(
                "the answer to a stage is incomplete (exit status {}): {}",
                output.code,
                output.excerpt()
            ),
        };
    };
    for (number, step) in steps.iter().enumerate() {
        let name = step.name();
        match sections.get(&format!("{number:03}")) {
            Some(section) if section.code == 0 => {}
            Some(section) => {
                let message = format!("{} (exit status {})", last_lines(&section.text), section.code);
                return Outcome::Failed {
                    step: name.into(),
                    message,
                };
            }
            None => {
                return Outcome::Lost {
                    message: format!("the answer does not speak of the step {name}"),
                };
            }
        }
    }
    Outcome::Done
}

/// The end of what a tool printed: what went wrong stands there, and a status has limits.
fn last_lines(text: &str) -> String {
    let lines: Vec<_> = text.trim().lines().collect();
    lines[lines.len().saturating_sub(6)..]
        .join("\n")
        .chars()
        .take(1500)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_script_travels_with_a_stage_but_those_that_are_started() {
        let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/scripts"))
            .expect("the folder of scripts");
        let mut names: Vec<_> = folder
            .map(|entry| {
                entry
                    .expect("an entry")
                    .file_name()
                    .into_string()
                    .expect("a name")
            })
            .collect();
        let started = [
            "fresh",
            "probe",
            "run",
            "read-journal",
            "read-state",
            "read-transition",
            "watch.py",
        ];
        names.retain(|name| !started.contains(&name.as_str()));
        names.sort();
        let mut listed: Vec<_> = FILES.iter().map(|(name, _)| (*name).to_owned()).collect();
        listed.sort();
        assert_eq!(listed, names);
    }

    #[test]
    fn a_step_is_carried_out_by_the_script_of_its_name() {
        let step = Step::InstallPackages {
            manager: PackageManager::Apt,
            packages: vec!["pcs".into()],
            mask: vec!["a".into(), "b".into()],
        };
        let script = of(&step);
        assert_eq!(script.arguments, ["apt", "a,b", "pcs"]);
        assert!(FILES.iter().any(|(name, _)| *name == script.name));
    }

    /// A full disk, a lock that somebody holds.
    #[test]
    fn a_stage_that_the_host_ends_before_its_first_step_is_no_lost_connection() {
        let ended = |code: i32| {
            outcome(
                &[Step::ReloadUnits],
                &Output {
                    code,
                    stdout: Vec::new(),
                    stderr: "cannot create /var/lib/hapair/owner.new: No space left on device".into(),
                },
            )
        };
        let Outcome::Failed { step, message } = ended(2) else {
            panic!("{:?}", ended(2))
        };
        assert_eq!(step, "reload-units");
        assert!(
            message.contains("No space left on device") && message.contains("exit status 2"),
            "{message}"
        );
        for code in [255, 129, -1, 0] {
            assert!(matches!(ended(code), Outcome::Lost { .. }), "{code}");
        }
    }

    #[test]
    fn a_stage_that_ends_early_names_the_step_that_failed() {
        let steps = [Step::ReloadUnits, Step::ReloadCorosync];
        let stdout = b"section 000 0 0\n\nsection 001 3 4\nno!\n\nend\n".to_vec();
        let outcome = outcome(
            &steps,
            &Output {
                code: 0,
                stdout,
                stderr: String::new(),
            },
        );
        assert_eq!(
            outcome,
            Outcome::Failed {
                step: "reload-corosync".into(),
                message: "no! (exit status 3)".into()
            }
        );
    }
}
