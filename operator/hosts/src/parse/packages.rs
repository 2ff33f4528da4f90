//! dpkg-query and rpm, both made to print `status wanted name version`.

use std::collections::BTreeMap;

/// Installed packages with their versions, and those that are held.
pub fn read(text: &str) -> (BTreeMap<String, String>, Vec<String>) {
    let mut installed = BTreeMap::new();
    let mut held = Vec::new();
    for line in text.lines() {
        let words: Vec<_> = line.split_whitespace().collect();
        let ["installed", wanted, name, version] = words.as_slice() else {
            continue;
        };
        installed.insert((*name).to_owned(), (*version).to_owned());
        if *wanted == "hold" {
            held.push((*name).to_owned());
        }
    }
    (installed, held)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_that_was_removed_but_not_purged_is_not_installed() {
        let (installed, held) = read(
            "installed hold pcs 0.11.5-1+deb12u1\nconfig-files deinstall corosync 3.1.7\nnot-installed \
             unknown drbd-utils \n",
        );
        assert_eq!(installed.into_keys().collect::<Vec<_>>(), ["pcs"]);
        assert_eq!(held, ["pcs"]);
    }

    #[test]
    fn rpm_is_made_to_print_the_same() {
        assert_eq!(
            read("installed install pcs 0.11.8-1.el9\n").0["pcs"],
            "0.11.8-1.el9"
        );
    }
}
