//! corosync-cmapctl: lines of `key (type) = value`.

/// The name of the cluster that runs.
pub fn cluster_name(text: &str) -> Option<String> {
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix("totem.cluster_name (")?.split_once(") = "));
    value.map(|(_, name)| name.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_running_cluster_tells_its_name() {
        assert_eq!(
            cluster_name("totem.cluster_name (str) = web\n").as_deref(),
            Some("web")
        );
        assert_eq!(
            cluster_name("Can't get key totem.cluster_name. Error CS_ERR_NOT_EXIST"),
            None
        );
    }
}
