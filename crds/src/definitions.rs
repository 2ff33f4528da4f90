//! The CustomResourceDefinitions, as they are delivered.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSON, JSONSchemaProps,
};
use kube::CustomResourceExt;
use serde_json::json;

use crate::{FloatingIP, HAPair, ReplicatedVolume, ServiceGroup, UNOBSERVED};

/// All four.
pub fn definitions() -> [CustomResourceDefinition; 4] {
    [
        HAPair::crd(),
        ReplicatedVolume::crd(),
        FloatingIP::crd(),
        ServiceGroup::crd(),
    ]
    .map(|mut crd| {
        crd.spec
            .versions
            .iter_mut()
            .filter_map(|version| version.schema.as_mut()?.open_api_v3_schema.as_mut())
            .for_each(complete);
        crd
    })
}

/// What the derived schema lacks: what the kind is, and that nobody has looked at a new object yet. kstatus
/// takes one without any status for done.
fn complete(schema: &mut JSONSchemaProps) {
    let Some(properties) = schema.properties.as_mut() else {
        return;
    };
    schema.description = properties.get("spec").and_then(|spec| spec.description.clone());
    if let Some(status) = properties.get_mut("status") {
        status.default = Some(JSON(json!({"observedGeneration": UNOBSERVED})));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    /// Fields of enums below a schema, with their paths.
    fn enums(schema: &Value, path: &str, found: &mut Vec<(String, bool, String)>) {
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            let path = format!("{path}.{name}");
            if field["enum"].is_array() {
                found.push((
                    path.clone(),
                    required.contains(&json!(name)),
                    field["description"].as_str().unwrap_or_default().to_owned(),
                ));
            }
            enums(
                if field["items"].is_null() {
                    field
                } else {
                    &field["items"]
                },
                &path,
                found,
            );
        }
    }

    #[test]
    fn a_choice_says_what_it_means_when_it_is_absent() {
        let mut found = Vec::new();
        for crd in definitions() {
            let crd = serde_json::to_value(crd).expect("a definition");
            enums(
                &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"],
                "spec",
                &mut found,
            );
        }
        assert!(found.len() > 5, "{found:?}");
        for (path, required, description) in found {
            assert!(
                required || description.contains("absent"),
                "{path}: {description:?}"
            );
        }
    }
}
