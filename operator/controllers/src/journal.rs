//! Lines of `journalctl --output=json`: an object a line, fields as systemd.journal-fields(7) names them.

use hapair_model::told::Entry;
use serde_json::Value;

/// The entries of a node's journal. Lines that are not understood are left out; there is no decision in them.
pub fn read<'a>(node: &'a str, text: &'a str) -> impl Iterator<Item = Entry> + 'a {
    text.lines().filter_map(move |line| entry(node, &serde_json::from_str(line).ok()?))
}

fn entry(node: &str, line: &Value) -> Option<Entry> {
    let field = |name: &str| line.get(name).and_then(Value::as_str);
    Some(Entry {
        time: field("__REALTIME_TIMESTAMP")?.parse().ok()?,
        node: node.to_owned(),
        source: field("SYSLOG_IDENTIFIER").unwrap_or("unknown").to_owned(),
        priority: field("PRIORITY").and_then(|priority| priority.parse().ok()).unwrap_or(6),
        message: message(line.get("MESSAGE")?)?,
    })
}

/// A text, or the bytes of one that is not valid UTF-8 or holds control characters.
fn message(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(bytes) => {
            let bytes: Vec<u8> = bytes.iter().filter_map(|byte| u8::try_from(byte.as_u64()?).ok()).collect();
            Some(String::from_utf8_lossy(&bytes).into_owned())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_and_what_is_none_is_left_out() {
        let lines = r#"{"__REALTIME_TIMESTAMP":"1763930000000001","PRIORITY":"5","SYSLOG_IDENTIFIER":"corosync","MESSAGE":"  [TOTEM ] up"}
-- No entries --
{"__REALTIME_TIMESTAMP":"1763930000000002","SYSLOG_IDENTIFIER":"kernel","MESSAGE":[100,114,98,100,27]}
{"__REALTIME_TIMESTAMP":"soon","MESSAGE":"x"}
{"__REALTIME_TIMESTAMP":"1763930000000003","MESSAGE":null}
"#;
        let entries: Vec<_> = read("node1", lines).collect();
        assert_eq!(entries.len(), 2, "{entries:?}");
        assert_eq!((entries[0].time, entries[0].priority, entries[0].source.as_str()), (1_763_930_000_000_001, 5, "corosync"));
        assert_eq!((entries[1].priority, entries[1].message.as_str()), (6, "drbd\u{1b}"));
    }
}
