//! Whether the API server's resource definitions have everything that this operator reads and writes. It
//! drops what they lack without a word: a switch that nobody sees, a status that nobody gets.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use hapair_crds::definitions;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Client;
use serde_json::Value;
use tokio::time::{Instant, sleep};

/// Open to everyone who is authenticated (`system:discovery`), unlike the definitions themselves.
const PUBLISHED: &str = "/openapi/v3/apis/hapair.dev/v1alpha1";
/// The API server publishes a changed definition a moment after it took it.
const PATIENCE: Duration = Duration::from_secs(15);

/// Returns once the definitions have what is needed; an error names what they lack.
pub async fn check(client: &Client) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    let mut told = false;
    loop {
        let lacking = lacking(client).await?;
        if lacking.is_empty() {
            return Ok(());
        }
        if Instant::now() > deadline {
            bail!(
                "the API server's resource definitions are older than hapair-operator {}, which needs {}: \
                 install those of its version first (config/crd, or \
                 the chart). The pairs stay as they are",
                env!("CARGO_PKG_VERSION"),
                lacking.join(", ")
            );
        }
        if !std::mem::replace(&mut told, true) {
            tracing::warn!(?lacking, "waiting for the resource definitions");
        }
        sleep(Duration::from_secs(1)).await;
    }
}

async fn lacking(client: &Client) -> Result<Vec<String>> {
    let request = http::Request::get(PUBLISHED).body(Vec::new())?;
    let published: Value = match client.request(request).await {
        Err(kube::Error::Api(answer)) if answer.code == 404 => Value::Null,
        answer => answer.context("the API server's schemas could not be read")?,
    };
    let mut lacking = Vec::new();
    for definition in definitions() {
        compare(&definition, &published, &mut lacking)?;
    }
    Ok(lacking)
}

/// Adds what the published schema of a kind lacks.
fn compare(
    definition: &CustomResourceDefinition,
    published: &Value,
    lacking: &mut Vec<String>,
) -> Result<()> {
    let kind = &definition.spec.names.kind;
    let schemas = published["components"]["schemas"].as_object();
    let is_ours = |schema: &&Value| {
        schema["x-kubernetes-group-version-kind"]
            .as_array()
            .is_some_and(|names| names.iter().any(|name| name["kind"] == **kind))
    };
    let Some(theirs) = schemas.and_then(|schemas| schemas.values().find(is_ours)) else {
        lacking.push(format!("the kind {kind}"));
        return Ok(());
    };
    let version = definition
        .spec
        .versions
        .first()
        .and_then(|version| version.schema.as_ref())
        .context("a kind without a schema")?;
    let ours = serde_json::to_value(&version.open_api_v3_schema)?;
    descend(&ours, theirs, "", &mut |path| {
        lacking.push(format!("{kind}'s {path}"))
    });
    Ok(())
}

/// Tells the paths of fields and values that one schema has and the other lacks.
fn descend(ours: &Value, theirs: &Value, path: &str, tell: &mut dyn FnMut(String)) {
    for (name, field) in ours["properties"].as_object().into_iter().flatten() {
        let path = if path.is_empty() {
            name.clone()
        } else {
            format!("{path}.{name}")
        };
        match theirs["properties"].get(name) {
            Some(theirs) => descend(field, theirs, &path, tell),
            None => tell(path),
        }
    }
    if ours["items"].is_object() {
        descend(&ours["items"], &theirs["items"], &format!("{path}[]"), tell);
    }
    for value in ours["enum"].as_array().into_iter().flatten() {
        if theirs["enum"]
            .as_array()
            .is_some_and(|values| !values.contains(value))
        {
            tell(format!("{path}: {value}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A server that publishes the HAPair with a change.
    fn lacking_after(change: impl FnOnce(&mut Value)) -> Vec<String> {
        let [definition, ..] = definitions();
        let mut schema = serde_json::to_value(
            &definition.spec.versions[0]
                .schema
                .as_ref()
                .expect("a schema")
                .open_api_v3_schema,
        )
        .expect("JSON");
        schema["x-kubernetes-group-version-kind"] =
            json!([{"group": "hapair.dev", "kind": "HAPair", "version": "v1alpha1"}]);
        change(&mut schema);
        let mut lacking = Vec::new();
        compare(
            &definition,
            &json!({"components": {"schemas": {"dev.hapair.v1alpha1.HAPair": schema}}}),
            &mut lacking,
        )
        .expect("a schema");
        lacking
    }

    fn without(schema: &mut Value, path: &str, field: &str) {
        let parent = schema
            .pointer_mut(path)
            .and_then(Value::as_object_mut)
            .expect("the field's parent");
        assert!(parent.remove(field).is_some(), "{path} has no {field}");
    }

    #[test]
    fn its_own_definitions_are_enough() {
        assert_eq!(lacking_after(|_| {}), Vec::<String>::new());
    }

    #[test]
    fn what_older_definitions_lack_is_named() {
        let old = |schema: &mut Value| {
            without(schema, "/properties/spec/properties", "preferredNode");
            without(
                schema,
                "/properties/spec/properties/nodes/items/properties",
                "standby",
            );
            schema["properties"]["spec"]["properties"]["deletionPolicy"]["enum"] = json!(["Retain"]);
        };
        let expected = [
            "HAPair's spec.deletionPolicy: \"Teardown\"",
            "HAPair's spec.nodes[].standby",
            "HAPair's spec.preferredNode",
        ];
        let mut found = lacking_after(old);
        found.sort();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_server_without_the_kind_is_told() {
        let mut lacking = Vec::new();
        compare(&definitions()[0], &Value::Null, &mut lacking).expect("a schema");
        assert_eq!(lacking, ["the kind HAPair"]);
    }
}
