//! Which script carries out a step, and how a stage's answer reads.

use hapair_model::{
    outcome::Outcome,
    plan::{Content, File, FollowUp, PackageManager, Step},
};

use crate::{frames, ssh::Output};

/// Scripts that run on a host, by the name under which they travel.
pub const FILES: &[(&str, &str)] = &[
    ("authenticate-pcs", include_str!("../scripts/authenticate-pcs")),
    ("bring-up", include_str!("../scripts/bring-up")),
    ("clean-up", include_str!("../scripts/clean-up")),
    ("close-firewall", include_str!("../scripts/close-firewall")),
    ("create-metadata", include_str!("../scripts/create-metadata")),
    ("disable-units", include_str!("../scripts/disable-units")),
    ("enable-units", include_str!("../scripts/enable-units")),
    ("forget", include_str!("../scripts/forget")),
    ("hold-packages", include_str!("../scripts/hold-packages")),
    ("install-packages", include_str!("../scripts/install-packages")),
    ("install-packages.apt", include_str!("../scripts/install-packages.apt")),
    ("install-packages.dnf", include_str!("../scripts/install-packages.dnf")),
    ("leave-cluster", include_str!("../scripts/leave-cluster")),
    ("make-partition", include_str!("../scripts/make-partition")),
    ("make-filesystem", include_str!("../scripts/make-filesystem")),
    ("make-filesystem.job", include_str!("../scripts/make-filesystem.job")),
    ("mint", include_str!("../scripts/mint")),
    ("open-firewall", include_str!("../scripts/open-firewall")),
    ("push-cib", include_str!("../scripts/push-cib")),
    ("reload-corosync", include_str!("../scripts/reload-corosync")),
    ("reload-units", include_str!("../scripts/reload-units")),
    ("restart-units", include_str!("../scripts/restart-units")),
    ("seed-cib", include_str!("../scripts/seed-cib")),
    ("set-admin-password", include_str!("../scripts/set-admin-password")),
    ("set-hostname", include_str!("../scripts/set-hostname")),
    ("signatures", include_str!("../scripts/signatures")),
    ("take-down", include_str!("../scripts/take-down")),
    ("verify-cib", include_str!("../scripts/verify-cib")),
    ("write-file", include_str!("../scripts/write-file")),
    ("write-hosts-block", include_str!("../scripts/write-hosts-block")),
];

/// A script with what it is given.
#[derive(Debug)]
pub struct Script {
    /// Its name in [`FILES`].
    pub name: &'static str,
    /// Its arguments; none holds a newline.
    pub arguments: Vec<String>,
    /// Its standard input.
    pub input: Vec<u8>,
}

/// The script that carries out a step.
pub fn of(step: &Step) -> Script {
    let script = |name, arguments: Vec<String>| Script { name, arguments, input: Vec::new() };
    match step {
        Step::InstallPackages { manager, packages, mask } => {
            let manager = match manager {
                PackageManager::Apt => "apt",
                PackageManager::Dnf => "dnf",
            };
            script("install-packages", [&[manager.to_owned(), mask.join(",")], packages.as_slice()].concat())
        }
        Step::HoldPackages { packages } => script("hold-packages", packages.clone()),
        Step::WriteFile(file) => write_file(file),
        Step::SetHostname { name } => script("set-hostname", vec![name.clone()]),
        Step::WriteHostsBlock { lines } => Script { input: lines.join("\n").into_bytes(), ..script("write-hosts-block", vec![]) },
        Step::EnableUnits { units } => script("enable-units", units.clone()),
        Step::DisableUnits { units } => script("disable-units", units.clone()),
        Step::OpenFirewall { firewall } => script("open-firewall", vec![firewall.name().into()]),
        Step::CloseFirewall { firewall } => script("close-firewall", vec![firewall.name().into()]),
        Step::ReloadCorosync => script("reload-corosync", vec![]),
        Step::ReloadUnits => script("reload-units", vec![]),
        Step::MakePartition { disk, name, size_mib, overwrite } => script(
            "make-partition",
            vec![
                disk.clone(),
                name.clone(),
                size_mib.map(|size| size.to_string()).unwrap_or_default(),
                overwrite.clone().unwrap_or_default(),
            ],
        ),
        Step::CreateMetadata { resource, device, overwrite, minor, port } => script(
            "create-metadata",
            vec![resource.clone(), device.clone(), overwrite.clone().unwrap_or_default(), minor.to_string(), port.to_string()],
        ),
        Step::RestartUnits { units } => script("restart-units", units.clone()),
        Step::BringUp { resource } => script("bring-up", vec![resource.clone()]),
        Step::Mint { resource, minor, skip_sync } => {
            script("mint", vec![resource.clone(), minor.to_string(), if *skip_sync { "skip" } else { "copy" }.into()])
        }
        Step::MakeFilesystem { resource, minor, filesystem, mount_point, owner, mode, copy } => script(
            "make-filesystem",
            vec![
                resource.clone(),
                minor.to_string(),
                (*filesystem).into(),
                mount_point.clone(),
                owner.clone(),
                mode.clone(),
                if *copy { "copy" } else { "empty" }.into(),
            ],
        ),
        Step::SeedCib { cib } => Script { input: cib.clone().into_bytes(), ..script("seed-cib", vec![]) },
        Step::PushCib { cib, planned_on } => Script { input: cib.clone().into_bytes(), ..script("push-cib", vec![planned_on.clone()]) },
        Step::CleanUp { resource } => script("clean-up", vec![resource.clone()]),
        Step::SetAdminPassword { digest, password } => {
            Script { input: [digest.expose(), b"\n", password.expose()].concat(), ..script("set-admin-password", vec![]) }
        }
        Step::AuthenticatePcs { nodes, password } => {
            let arguments = nodes.iter().flat_map(|(name, address)| [name.clone(), address.clone()]).collect();
            Script { input: password.expose().to_vec(), ..script("authenticate-pcs", arguments) }
        }
        Step::TakeDown { resource } => script("take-down", vec![resource.clone()]),
        Step::LeaveCluster => script("leave-cluster", vec![]),
        Step::Forget { files } => script("forget", files.clone()),
    }
}

/// Files of the cluster, whose earlier versions are kept on the host.
const KEPT: [&str; 2] = ["/etc/corosync/corosync.conf", "/etc/drbd.d/"];

fn write_file(file: &File) -> Script {
    let input = match &file.content {
        Content::Text(text) | Content::WithDrbdSecret(text) => text.clone().into_bytes(),
        Content::Secret(secret) => secret.expose().to_vec(),
    };
    let keep = if KEPT.iter().any(|path| file.path.starts_with(path)) { "keep" } else { "" };
    let mark = file.follow_up.as_ref().map(FollowUp::mark).unwrap_or_default();
    Script { name: "write-file", arguments: vec![file.path.clone(), file.mode.clone(), file.owner.clone(), keep.into(), mark], input }
}

/// Exit statuses of `scripts/run`.
const MANAGED_ELSEWHERE: i32 = 97;
const SUPERSEDED: i32 = 98;

/// What a stage's answer means.
pub fn outcome(steps: &[Step], output: &Output) -> Outcome {
    match output.code {
        MANAGED_ELSEWHERE => return Outcome::ManagedElsewhere { owner: output.stderr.trim().into() },
        SUPERSEDED => return Outcome::Superseded { epoch: output.stderr.trim().parse().unwrap_or(u64::MAX) },
        _ => {}
    }
    let Ok(sections) = frames::read(&output.stdout) else {
        return Outcome::Lost {
            message: format!("the answer to a stage is incomplete (exit status {}): {}", output.code, output.excerpt()),
        };
    };
    for (number, step) in steps.iter().enumerate() {
        let name = of(step).name;
        match sections.get(&format!("{number:03}")) {
            Some(section) if section.code == 0 => {}
            Some(section) => {
                let message = format!("{} (exit status {})", last_lines(&section.text), section.code);
                return Outcome::Failed { step: name.into(), message };
            }
            None => return Outcome::Lost { message: format!("the answer does not speak of the step {name}") },
        }
    }
    Outcome::Done
}

/// The end of what a tool printed: what went wrong stands there, and a status has limits.
fn last_lines(text: &str) -> String {
    let lines: Vec<_> = text.trim().lines().collect();
    lines[lines.len().saturating_sub(6)..].join("\n").chars().take(1500).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_script_a_step_names_travels_with_the_stage() {
        let step = Step::InstallPackages { manager: PackageManager::Apt, packages: vec!["pcs".into()], mask: vec!["a".into(), "b".into()] };
        let script = of(&step);
        assert_eq!(script.arguments, ["apt", "a,b", "pcs"]);
        assert!(FILES.iter().any(|(name, _)| *name == script.name));
        assert!(FILES.iter().any(|(name, _)| *name == "install-packages.apt"));
    }

    #[test]
    fn a_stage_that_ends_early_names_the_step_that_failed() {
        let steps = [Step::ReloadUnits, Step::ReloadCorosync];
        let stdout = b"section 000 0 0\n\nsection 001 3 4\nno!\n\nend\n".to_vec();
        let outcome = outcome(&steps, &Output { code: 0, stdout, stderr: String::new() });
        assert_eq!(outcome, Outcome::Failed { step: "reload-corosync".into(), message: "no! (exit status 3)".into() });
    }
}
