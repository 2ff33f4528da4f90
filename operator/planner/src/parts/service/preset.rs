//! Services as the distributions package them. Each has a file of its own here, and a line in [`definition`].

mod nginx;
mod postgresql;
mod tomcat;

use hapair_model::{
    desired::{Desired, Preset, ServiceKind},
    plan::File,
};

use super::services;
use crate::platform::Platform;

/// What is known of a preset.
pub struct Definition {
    /// How a distribution packages it; `None`: not so that a pair could run it.
    pub installed: fn(&Platform) -> Option<Installed>,
    /// Files beside those of the package that its unit needs.
    pub files: fn(&Installed) -> Vec<File>,
    /// Files that its packages make when they are first configured, and that no package lists.
    pub made: &'static [&'static str],
    /// Units of other daemons that some of those files are for.
    pub neighbours: &'static [&'static str],
    /// The user as whom it writes its data, where its unit does not say so.
    pub user: Option<&'static str>,
    /// Directories below which a group may have files without more being delegated.
    pub paths: &'static [&'static str],
}

/// A preset as one distribution packages it.
#[derive(Clone, Copy)]
pub struct Installed {
    /// The package.
    pub package: &'static str,
    /// The unit that the cluster runs.
    pub unit: &'static str,
    /// Another unit that would start it at boot.
    pub starter: Option<&'static str>,
}

impl Installed {
    /// Its units.
    pub fn units(self) -> impl Iterator<Item = &'static str> {
        self.starter.into_iter().chain([self.unit])
    }
}

/// Every preset.
const fn definition(preset: Preset) -> &'static Definition {
    match preset {
        Preset::Tomcat => &tomcat::TOMCAT,
        Preset::Nginx => &nginx::NGINX,
        Preset::Postgresql => &postgresql::POSTGRESQL,
    }
}

fn all() -> impl Iterator<Item = &'static Definition> {
    Preset::ALL.iter().copied().map(definition)
}

/// The presets of all groups, each once.
pub fn of(desired: &Desired) -> impl Iterator<Item = Preset> {
    let is_declared = |preset: &Preset| services(desired).any(|kind| *kind == ServiceKind::Preset(*preset));
    Preset::ALL.iter().copied().filter(is_declared)
}

/// How a distribution packages a preset.
pub fn installed(preset: Preset, platform: &Platform) -> Option<Installed> {
    (definition(preset).installed)(platform)
}

/// The files that a preset needs beside those of its package.
pub fn files(preset: Preset, platform: &Platform) -> Vec<File> {
    installed(preset, platform).map_or_else(Vec::new, |installed| (definition(preset).files)(&installed))
}

/// The units of all presets, each with its package.
pub fn units(platform: &Platform) -> Vec<(&'static str, &'static str)> {
    let installed = all().filter_map(|each| (each.installed)(platform));
    installed
        .flat_map(|installed| installed.units().map(move |unit| (unit, installed.package)))
        .collect()
}

/// The user as whom a preset writes its data, where its unit does not say so.
pub fn user(preset: Preset) -> Option<&'static str> {
    definition(preset).user
}

/// Files that packages of presets make when they are first configured.
pub fn made() -> impl Iterator<Item = &'static str> {
    all().flat_map(|each| each.made).copied()
}

/// Units of other daemons that let go of a service's volume when it starts or stops.
pub fn neighbours_of(kind: &ServiceKind) -> &'static [&'static str] {
    match kind {
        ServiceKind::Preset(preset) => definition(*preset).neighbours,
        ServiceKind::Systemd(_) | ServiceKind::Ocf { .. } => &[],
    }
}

/// Units of other daemons to which presets give files.
pub fn neighbours() -> impl Iterator<Item = &'static str> {
    all().flat_map(|each| each.neighbours).copied()
}

/// Directories below which a group may have files without more being delegated.
pub fn delegated_paths() -> impl Iterator<Item = &'static str> {
    all().flat_map(|each| each.paths).copied()
}
