//! The objects of the sample, for the simulated machines.

use serde_json::{Value, json};

/// The values of all Secrets: none of them may be anywhere but in its file.
pub const SECRETS: [&str; 4] = [
    "the-ssh-key",
    "the-bmc-password",
    "the-other-bmc-password",
    "the-hacluster-password",
];

/// The sample's pair and children.
pub fn sample() -> Vec<Value> {
    let text = include_str!("../../../config/samples/tomcat.yaml");
    text.split("\n---\n")
        .map(|document| serde_saphyr::from_str(document).expect("the sample is YAML"))
        .collect()
}

/// The Secrets that the sample names.
pub fn secrets() -> Vec<Value> {
    let secret = |name: &str, pairs: &[(&str, &str)]| {
        let data: serde_json::Map<_, _> = pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), json!(base64(value))))
            .collect();
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": data})
    };
    vec![
        secret("web-ssh", &[("ssh-privatekey", SECRETS[0])]),
        secret("node1-bmc", &[("username", "admin"), ("password", SECRETS[1])]),
        secret("node2-bmc", &[("username", "admin"), ("password", SECRETS[2])]),
        secret("web-hacluster", &[("password", SECRETS[3])]),
    ]
}

/// An object of the sample, by kind.
pub fn of_kind(kind: &str) -> Value {
    sample()
        .into_iter()
        .find(|object| object["kind"] == kind)
        .expect("the sample has one")
}

/// An object of the sample with a change to its spec.
pub fn changed(kind: &str, change: impl FnOnce(&mut Value)) -> Value {
    let mut object = of_kind(kind);
    change(&mut object["spec"]);
    object
}

fn base64(text: &str) -> String {
    let bytes = k8s_openapi::ByteString(text.as_bytes().to_vec());
    serde_json::to_value(bytes)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default()
}
