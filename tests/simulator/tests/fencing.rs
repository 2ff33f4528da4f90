//! What becomes of each way to declare a fencing device.

use hapair_model::{
    Secret,
    desired::{FenceDevice, Tls},
};
use hapair_simulator::{by_hand::work, objects::SECRETS};
use serde_json::{Value, json};

/// The device of node1, declared so.
fn device(declared: Value) -> FenceDevice {
    let work = work(|pair| pair["spec"]["nodes"][0]["fencing"] = json!([declared]));
    assert_eq!(work.findings, []);
    work.desired.nodes.first.devices[0].clone()
}

fn parameter<'a>(device: &'a FenceDevice, name: &str) -> Option<&'a str> {
    let mut parameters = device.parameters.iter();
    parameters
        .find(|(known, _)| known == name)
        .map(|(_, value)| value.as_str())
}

const BMC: &str = "192.0.2.21";

#[test]
fn a_privilege_level_is_spelled_as_the_agent_does() {
    for (level, spelled) in [
        (json!("Operator"), Some("operator")),
        (json!("Administrator"), Some("administrator")),
        (Value::Null, None),
    ] {
        let mut ipmi = json!({"address": BMC, "secretRef": {"name": "node1-bmc"}});
        if !level.is_null() {
            ipmi["privilegeLevel"] = level;
        }
        let device = device(json!({"ipmi": ipmi}));
        assert_eq!(parameter(&device, "privlvl"), spelled);
        assert_eq!(parameter(&device, "username"), Some("admin"));
        assert_eq!(device.password, Some(Secret::new(SECRETS[1])));
    }
}

#[test]
fn a_certificate_is_judged_by_the_host_by_an_authority_or_not_at_all() {
    for (tls, expected) in [
        (Value::Null, Tls::System),
        (json!({"insecureSkipVerify": true}), Tls::Unverified),
        (
            json!({"certificateAuthority": {"name": "bmc-authority", "key": "ca.crt"}}),
            Tls::Authority(Secret::new("an authority")),
        ),
    ] {
        let mut redfish =
            json!({"address": BMC, "system": "/redfish/v1/Systems/1", "secretRef": {"name": "node1-bmc"}});
        if !tls.is_null() {
            redfish["tls"] = tls;
        }
        let device = device(json!({"redfish": redfish}));
        assert_eq!(device.tls, expected);
        assert_eq!(parameter(&device, "systems_uri"), Some("/redfish/v1/Systems/1"));
    }
}

#[test]
fn an_agent_has_the_user_in_a_parameter_and_the_password_apart() {
    let device = device(
        json!({"agent": {"name": "fence_pve", "plug": "101", "secretRef": {"name": "node1-bmc"}, "parameters": [{"name": "ip", "value": BMC}]}}),
    );
    assert_eq!(
        (device.agent.as_str(), device.plug.as_deref()),
        ("fence_pve", Some("101"))
    );
    assert_eq!(parameter(&device, "username"), Some("admin"));
    assert_eq!(parameter(&device, "password"), None);
    assert_eq!(device.password, Some(Secret::new(SECRETS[1])));
}

#[test]
fn a_user_whose_name_pacemaker_cannot_carry_is_named() {
    let odd = json!([{"ipmi": {"address": BMC, "secretRef": {"name": "odd-bmc"}}}]);
    let work = work(|pair| pair["spec"]["nodes"][0]["fencing"] = odd);
    let message = &work.findings[0].message;
    assert!(
        message.contains("secretRef: the username in the Secret odd-bmc: pacemaker does not carry"),
        "{message}"
    );
}
