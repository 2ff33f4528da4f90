//! Service groups: their services and files.

use hapair_crds as crds;
use hapair_model::{
    Both, Reason, Secret, Side,
    desired::{Group, GroupFile, HttpProbe, Preset, Service, ServiceKind},
    plan::Subject,
};
use kube::ResourceExt;

use super::Intake;

impl Intake<'_> {
    pub(super) fn group(&mut self, group: &crds::ServiceGroup) -> Group {
        let names = |list: &Option<Vec<crds::LocalReference>>| {
            list.iter()
                .flatten()
                .map(|reference| reference.name.clone())
                .collect()
        };
        let about = Subject::Group(group.name_any());
        Group {
            name: group.name_any(),
            volumes: names(&group.spec.volumes),
            floating_ips: names(&group.spec.floating_ips),
            services: group.spec.services.iter().flatten().filter_map(service).collect(),
            files: group
                .spec
                .files
                .iter()
                .flatten()
                .enumerate()
                .filter_map(|(at, file)| self.file(&about, at, file))
                .collect(),
            probe: group.spec.probe.as_ref().map(|probe| HttpProbe {
                port: number(probe.http.port),
                path: probe.http.path.clone().unwrap_or_else(|| "/".into()),
                codes: probe
                    .http
                    .codes
                    .iter()
                    .flatten()
                    .map(|code| number(*code))
                    .collect(),
                timeout: probe.timeout_seconds.map_or(3, number),
                failure_threshold: probe.failure_threshold.map_or(3, number),
            }),
        }
    }

    fn file(&mut self, about: &Subject, at: usize, file: &crds::File) -> Option<GroupFile> {
        let field = format!("spec.files[{at}]");
        let content = match (&file.content, &file.config_map_key_ref, &file.secret_key_ref) {
            (Some(content), _, _) => Ok(Secret::new(content.clone())),
            (None, Some(reference), _) => self.sources.config_map(
                &format!("{field}.configMapKeyRef"),
                &reference.name,
                &reference.key,
            ),
            (None, None, Some(reference))
                if crate::references::secrets_of_pair(self.pair).contains(&reference.name) =>
            {
                let message = format!(
                    "{field}.secretKeyRef: the Secret {:?} is the pair's own, a key to its hosts or to their \
                     power; no file is made of it",
                    reference.name
                );
                self.find(about.clone(), Reason::NotDelegated, message);
                return None;
            }
            (None, None, Some(reference)) => {
                self.sources
                    .secret(&format!("{field}.secretKeyRef"), &reference.name, &reference.key)
            }
            (None, None, None) => Err(format!(
                "{field}: one of content, configMapKeyRef and secretKeyRef is needed"
            )),
        };
        let content = content
            .map_err(|message| self.find(about.clone(), Reason::SourceMissing, message))
            .ok()?;
        let nodes = self.pair.spec.nodes_by_name();
        let on = |side: Side| match (file.expand, nodes.get(usize::from(side == Side::Second))) {
            (Some(crds::Expansion::Variables), Some((_, node))) => {
                Secret::new(String::from_utf8_lossy(content.expose()).replace("$(NODE_NAME)", &node.name))
            }
            _ => content.clone(),
        };
        let mode = if file.secret_key_ref.is_some() {
            "600"
        } else {
            "644"
        };
        let or_root = |name: &Option<String>| name.clone().unwrap_or_else(|| "root".into());
        Some(GroupFile {
            path: file.path.clone(),
            content: Both::from_fn(on),
            owner: format!("{}:{}", or_root(&file.owner), or_root(&file.group)),
            mode: file.mode.clone().unwrap_or_else(|| mode.into()),
        })
    }
}

/// The fields that name presets.
fn preset(service: &crds::Service) -> Option<Preset> {
    let fields = [
        (&service.tomcat, Preset::Tomcat),
        (&service.nginx, Preset::Nginx),
        (&service.postgresql, Preset::Postgresql),
    ];
    let declared = fields.into_iter().find(|(field, _)| field.is_some())?;
    Some(declared.1)
}

fn service(service: &crds::Service) -> Option<Service> {
    let kind = match (preset(service), &service.systemd, &service.ocf) {
        (Some(preset), _, _) => ServiceKind::Preset(preset),
        (None, Some(systemd), _) => {
            ServiceKind::Systemd(systemd.unit.trim_end_matches(".service").to_owned())
        }
        (None, None, Some(ocf)) => ServiceKind::Ocf {
            agent: ocf.agent.clone(),
            parameters: ocf
                .parameters
                .iter()
                .flatten()
                .map(|parameter| (parameter.name.clone(), parameter.value.clone()))
                .collect(),
        },
        (None, None, None) => return None,
    };
    let seconds = |limit: Option<i32>| limit.and_then(|limit| u32::try_from(limit).ok());
    let (start_timeout, stop_timeout) = (
        seconds(service.start_timeout_seconds),
        seconds(service.stop_timeout_seconds),
    );
    Some(Service {
        name: service.name.clone(),
        kind,
        start_timeout,
        stop_timeout,
    })
}

/// A number whose range the API server has checked.
fn number(value: i32) -> u16 {
    u16::try_from(value).unwrap_or_default()
}
