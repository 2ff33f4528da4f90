//! What the pair's groups may use of its hosts. The steps of a plan run as root: whoever may write a
//! ServiceGroup has what the HAPair delegates, and no more.

use hapair_crds::{Delegation, HAPair};
use hapair_model::{
    Reason,
    desired::{Group, ServiceKind},
    plan::{Finding, Subject},
};

use crate::places::is_within;

/// Everything that groups want and the pair does not delegate.
pub fn find(pair: &HAPair, groups: &[Group]) -> Vec<Finding> {
    let delegation = pair.spec.delegation.clone().unwrap_or_default();
    groups
        .iter()
        .flat_map(|group| of_group(&delegation, group))
        .collect()
}

fn of_group(delegation: &Delegation, group: &Group) -> Vec<Finding> {
    let find = |(field, entry, value): (String, &str, &str)| {
        Finding::new(
            Subject::Group(group.name.clone()),
            Reason::NotDelegated,
            format!(
                "{field}: {value} is not delegated to the pair's groups (spec.delegation.{entry} of the HAPair)"
            ),
        )
    };
    let files = group
        .files
        .iter()
        .enumerate()
        .filter(|(_, file)| !has_path(delegation, &file.path));
    let files = files.map(|(at, file)| (format!("spec.files[{at}].path"), "paths", file.path.as_str()));
    let services = group.services.iter().filter_map(|service| match &service.kind {
        ServiceKind::Systemd(unit) if !has_unit(delegation, unit) => Some((
            format!("spec.services[name={}].systemd.unit", service.name),
            "units",
            unit.as_str(),
        )),
        ServiceKind::Ocf { agent, .. } if !delegation.agents.iter().flatten().any(|each| each == agent) => {
            Some((
                format!("spec.services[name={}].ocf.agent", service.name),
                "agents",
                agent.as_str(),
            ))
        }
        ServiceKind::Systemd(_) | ServiceKind::Ocf { .. } | ServiceKind::Preset(_) => None,
    });
    files.chain(services).map(find).collect()
}

fn has_path(delegation: &Delegation, path: &str) -> bool {
    match &delegation.paths {
        Some(paths) => paths.iter().any(|each| is_within(path, each)),
        None => hapair_planner::delegated_paths().any(|each| is_within(path, each)),
    }
}

fn has_unit(delegation: &Delegation, unit: &str) -> bool {
    let is_it = |each: &String| {
        each == unit
            || each.ends_with('@')
                && unit
                    .strip_prefix(each.as_str())
                    .is_some_and(|instance| !instance.is_empty())
    };
    delegation
        .units
        .iter()
        .flatten()
        .any(|each| is_it(&each.trim_end_matches(".service").to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delegation(paths: Option<&[&str]>, units: &[&str]) -> Delegation {
        let owned = |list: &[&str]| list.iter().map(|each| (*each).to_owned()).collect();
        Delegation {
            paths: paths.map(owned),
            units: Some(owned(units)),
            agents: None,
        }
    }

    #[test]
    fn a_directory_is_delegated_with_everything_below_it_and_nothing_beside() {
        let own = delegation(Some(&["/srv/shop"]), &[]);
        assert!(
            has_path(&own, "/srv/shop/a/b") && !has_path(&own, "/srv/shopping") && !has_path(&own, "/srv")
        );
        assert!(
            !has_path(&own, "/var/lib/tomcat10/webapps/ROOT/index.html"),
            "what is named stands for the default"
        );
        let default = Delegation::default();
        assert!(
            has_path(&default, "/var/lib/tomcat10/webapps/ROOT/index.html")
                && !has_path(&default, "/var/lib/tomcat10/conf/server.xml")
        );
    }

    #[test]
    fn a_template_is_delegated_with_its_instances() {
        let own = delegation(None, &["shop", "worker@"]);
        assert!(has_unit(&own, "shop") && has_unit(&own, "worker@1"));
        assert!(!has_unit(&own, "shopping") && !has_unit(&Delegation::default(), "shop"));
    }
}
