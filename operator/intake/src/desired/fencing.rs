//! Fence devices, with what they need to be spoken to.

use hapair_crds as crds;
use hapair_model::{
    Reason,
    desired::{FenceDevice, Tls},
    plan::Subject,
};

use super::Intake;
use crate::conflicts::cannot_be_carried;

impl Intake<'_> {
    pub(super) fn device(&mut self, field: &str, device: &crds::FencingDevice) -> Option<FenceDevice> {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        if let Some(ipmi) = &device.ipmi {
            let field = format!("{field}.ipmi.secretRef");
            let user = self.username(&field, &ipmi.secret_ref.name)?;
            let password = self.secret(Subject::Pair, &field, &ipmi.secret_ref.name, "password")?;
            let mut parameters = vec![
                pair("ip", &ipmi.address),
                pair("username", &user),
                pair("lanplus", "1"),
                pair("method", "onoff"),
            ];
            parameters.extend(ipmi.port.map(|port| pair("ipport", &port.to_string())));
            parameters.extend(ipmi.cipher_suite.map(|suite| pair("cipher", &suite.to_string())));
            parameters.extend(
                ipmi.privilege_level
                    .map(|level| pair("privlvl", privilege(level))),
            );
            return Some(FenceDevice {
                agent: "fence_ipmilan".into(),
                parameters,
                plug: None,
                password: Some(password),
                tls: Tls::System,
            });
        }
        if let Some(redfish) = &device.redfish {
            let field = format!("{field}.redfish.secretRef");
            let user = self.username(&field, &redfish.secret_ref.name)?;
            let password = self.secret(Subject::Pair, &field, &redfish.secret_ref.name, "password")?;
            let tls = self.tls(&field, redfish.tls.as_ref())?;
            let parameters = vec![
                pair("ip", &redfish.address),
                pair("username", &user),
                pair("systems_uri", &redfish.system),
            ];
            return Some(FenceDevice {
                agent: "fence_redfish".into(),
                parameters,
                plug: None,
                password: Some(password),
                tls,
            });
        }
        let agent = device.agent.as_ref()?;
        let mut parameters: Vec<_> = agent
            .parameters
            .iter()
            .flatten()
            .map(|parameter| pair(&parameter.name, &parameter.value))
            .collect();
        let mut password = None;
        if let Some(reference) = &agent.secret_ref {
            let field = format!("{field}.agent.secretRef");
            parameters.push(pair("username", &self.username(&field, &reference.name)?));
            password = Some(self.secret(Subject::Pair, &field, &reference.name, "password")?);
        }
        Some(FenceDevice {
            agent: agent.name.clone(),
            parameters,
            plug: agent.plug.clone(),
            password,
            tls: Tls::System,
        })
    }

    /// It goes into the cluster's configuration.
    fn username(&mut self, field: &str, secret: &str) -> Option<String> {
        let text = self.secret(Subject::Pair, field, secret, "username")?;
        let user = String::from_utf8_lossy(text.expose()).trim().to_owned();
        if let Some(why) = cannot_be_carried(&user) {
            let message = format!("{field}: the username in the Secret {secret}: {why}");
            self.find(Subject::Pair, Reason::InvalidSpec, message);
            return None;
        }
        Some(user)
    }

    fn tls(&mut self, field: &str, tls: Option<&crds::FencingTls>) -> Option<Tls> {
        let Some(tls) = tls else { return Some(Tls::System) };
        let Some(reference) = &tls.certificate_authority else {
            return Some(if tls.insecure_skip_verify == Some(true) {
                Tls::Unverified
            } else {
                Tls::System
            });
        };
        let field = field.replace("secretRef", "tls.certificateAuthority");
        let authority = self.sources.config_map(&field, &reference.name, &reference.key);
        authority
            .map(Tls::Authority)
            .map_err(|message| self.find(Subject::Pair, Reason::SourceMissing, message))
            .ok()
    }
}

/// As fence_ipmilan spells it.
fn privilege(level: crds::PrivilegeLevel) -> &'static str {
    match level {
        crds::PrivilegeLevel::Administrator => "administrator",
        crds::PrivilegeLevel::Operator => "operator",
    }
}
