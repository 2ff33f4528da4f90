//! `kubectl hapair manifest`: what declared something that is left over, to be applied again.

use anyhow::{Context, Result, bail};
use hapair_crds::Retained;
use kube::ResourceExt;

use crate::{access::Session, left_over};

/// Shows the manifest of an object that was deleted with Retain.
pub async fn run(session: &Session, arguments: &left_over::Arguments) -> Result<()> {
    let pair = session.pair(arguments.pair.as_deref()).await?;
    let (name, what) = (pair.name_any(), &arguments.released);
    let status = pair.status.unwrap_or_default();
    let kept: Vec<_> = status
        .retained
        .iter()
        .filter(|each| each.released.contains(what))
        .collect();
    if kept.is_empty() && status.released.contains(what) {
        bail!("{name} has not kept what declared {what}. It is where it was applied from");
    }
    if kept.is_empty() {
        return Err(left_over::unknown(what, &name, &status));
    }
    let manifests: Vec<_> = kept.into_iter().map(yaml).collect::<Result<_>>()?;
    anstream::print!("{}", manifests.join("---\n"));
    Ok(())
}

fn yaml(retained: &Retained) -> Result<String> {
    let Retained {
        kind, name, manifest, ..
    } = retained;
    let manifest = manifest.as_deref().with_context(|| {
        format!(
            "the manifest of {kind} {name} was not kept: it is longer than 32 KiB, all that are kept together are longer than 256 KiB, or the \
             operator did not understand all of it. It is where it was applied from"
        )
    })?;
    let object: serde_json::Value = serde_json::from_str(manifest)
        .with_context(|| format!("the manifest of {kind} {name} in status.retained is not JSON"))?;
    Ok(serde_saphyr::to_string(&object)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_manifest_that_kubectl_takes() {
        let retained = |manifest: Option<&str>| Retained {
            kind: "FloatingIP".into(),
            name: "web".into(),
            released: vec!["ip-web".into()],
            manifest: manifest.map(str::to_owned),
        };
        let json = r#"{"apiVersion":"hapair.dev/v1alpha1","kind":"FloatingIP","metadata":{"name":"web"},"spec":{"address":"192.0.2.100","prefix":24}}"#;
        let text = yaml(&retained(Some(json))).unwrap();
        assert!(text.contains("  address: \"192.0.2.100\"\n"), "{text}");
        let again: serde_json::Value = serde_saphyr::from_str(&text).unwrap();
        assert_eq!(again, serde_json::from_str::<serde_json::Value>(json).unwrap());
        assert!(yaml(&retained(None)).unwrap_err().to_string().contains("32 KiB"));
    }
}
