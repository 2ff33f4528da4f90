//! The planner's modules stand in layers: whoever is read first needs nothing of what comes later.
#![allow(clippy::unwrap_used, reason = "what does not work fails the test")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// The sources of each module at the top, with those below it.
fn modules() -> BTreeMap<String, Vec<PathBuf>> {
    let mut modules: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![source.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let within = path.strip_prefix(&source).unwrap();
            let module = within.iter().next().unwrap().to_str().unwrap();
            let module = module.strip_suffix(".rs").unwrap_or(module).to_owned();
            modules.entry(module).or_default().push(path);
        }
    }
    modules.remove("lib");
    modules
}

/// The modules at the top that a source names after `crate::`.
fn named(source: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for rest in source.split("crate::").skip(1) {
        let Some(list) = rest.strip_prefix('{') else {
            names.insert(word(rest));
            continue;
        };
        let mut depth = 0;
        let mut begins = true;
        for (at, character) in list.char_indices() {
            match character {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => begins = true,
                _ if begins && !character.is_whitespace() => {
                    names.insert(word(&list[at..]));
                    begins = false;
                }
                _ => {}
            }
        }
    }
    names
}

fn word(text: &str) -> String {
    let is_part = |character: &char| character.is_ascii_alphanumeric() || *character == '_';
    text.chars().take_while(is_part).collect()
}

#[test]
fn no_module_needs_one_that_needs_it() {
    let modules = modules();
    let mut open: BTreeMap<_, BTreeSet<_>> = modules
        .iter()
        .map(|(module, sources)| {
            let needed = sources
                .iter()
                .flat_map(|source| named(&fs::read_to_string(source).unwrap()));
            let others = needed.filter(|other| other != module && modules.contains_key(other));
            (module.clone(), others.collect())
        })
        .collect();
    assert!(
        open.values().any(|needed| !needed.is_empty()),
        "no module was found to need another"
    );
    while let Some(module) = open
        .iter()
        .find(|(_, needed)| needed.is_empty())
        .map(|(module, _)| module.clone())
    {
        open.remove(&module);
        open.values_mut().for_each(|needed| {
            needed.remove(&module);
        });
    }
    assert!(open.is_empty(), "these need each other, or what does: {open:#?}");
}
