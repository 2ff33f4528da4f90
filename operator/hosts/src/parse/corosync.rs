//! corosync-cmapctl: lines of `key (type) = value`.

use std::collections::BTreeMap;

/// The cluster's name and the links to other nodes with their states. Our own node has links to itself in the map (`node1` on node 1); they
/// are always connected, so a link counts as connected only when it is to every node.
pub fn read(text: &str) -> (Option<String>, BTreeMap<u8, bool>) {
    let mut name = None;
    let mut links = BTreeMap::new();
    for (key, value) in text.lines().filter_map(entry) {
        if key == "totem.cluster_name" {
            name = Some(value.to_owned());
        } else if let Some(number) = link_number(key) {
            *links.entry(number).or_insert(true) &= value == "1";
        }
    }
    (name, links)
}

fn entry(line: &str) -> Option<(&str, &str)> {
    let (key, rest) = line.split_once(" (")?;
    Some((key, rest.split_once(") = ")?.1.trim()))
}

fn link_number(key: &str) -> Option<u8> {
    key.strip_prefix("stats.knet.node")?.split_once(".link")?.1.strip_suffix(".connected")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_that_is_down_to_the_peer_is_down() {
        let text = "totem.cluster_name (str) = web\nstats.knet.node1.link0.connected (u8) = 1\nstats.knet.node2.link0.connected (u8) = 0\n\
                    stats.knet.node1.link1.connected (u8) = 1\nstats.knet.node2.link1.connected (u8) = 1\n";
        let (name, links) = read(text);
        assert_eq!(name.as_deref(), Some("web"));
        assert_eq!(links, BTreeMap::from([(0, false), (1, true)]));
    }
}
