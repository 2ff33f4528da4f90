//! What is known of each release that is supported, for docs/compatibility.md.

use hapair_model::desired::Preset;

use crate::{
    parts::service::{Installed, installed_preset},
    platform,
};

/// What is known of a supported release.
pub struct KnownRelease {
    /// For people.
    pub name: &'static str,
    /// The schema in which a new cluster's configuration is written.
    pub schema: &'static str,
    /// Package and unit of each preset; `None`: not packaged so that a pair could run it.
    pub presets: Vec<(Preset, Option<Installed>)>,
}

/// The releases that are supported.
pub fn releases() -> Vec<KnownRelease> {
    let known = |(name, platform): (&'static str, platform::Platform)| KnownRelease {
        name,
        schema: platform.dialect.schema,
        presets: Preset::ALL
            .iter()
            .map(|preset| (*preset, installed_preset(*preset, &platform)))
            .collect(),
    };
    platform::releases().map(known).collect()
}
