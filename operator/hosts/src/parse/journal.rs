//! Lines of `journalctl --output=json`: an object a line, fields as systemd.journal-fields(7) names them.

use std::collections::BTreeMap;

use hapair_model::host::Line;
use serde_json::Value;

/// The lines of a host's journal, each once, in the order of time. Lines that are not understood are left
/// out; there is no decision in them.
pub fn read<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<Line> {
    let lines = texts
        .flat_map(|text| text.lines())
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let by_cursor: BTreeMap<String, Line> = lines
        .filter_map(|line| Some((line.get("__CURSOR")?.as_str()?.to_owned(), read_line(&line)?)))
        .collect();
    let mut all: Vec<_> = by_cursor.into_values().collect();
    all.sort_by_key(|line| line.time);
    all
}

fn read_line(line: &Value) -> Option<Line> {
    let field = |name: &str| line.get(name).and_then(Value::as_str);
    Some(Line {
        time: field("__REALTIME_TIMESTAMP")?.parse().ok()?,
        source: field("SYSLOG_IDENTIFIER").unwrap_or("unknown").to_owned(),
        priority: field("PRIORITY")
            .and_then(|priority| priority.parse().ok())
            .unwrap_or(6),
        message: message(line.get("MESSAGE")?)?,
    })
}

/// A text, or the bytes of one that is not valid UTF-8 or holds control characters.
fn message(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(bytes) => {
            let bytes: Vec<u8> = bytes
                .iter()
                .filter_map(|byte| u8::try_from(byte.as_u64()?).ok())
                .collect();
            Some(String::from_utf8_lossy(&bytes).into_owned())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_once_and_what_is_none_is_left_out() {
        let line = |cursor: u32, rest: &str| {
            format!(
                "{{\"__CURSOR\":\"s=1;i={cursor}\",\"__REALTIME_TIMESTAMP\":\"176393000000000{cursor}\",{rest}}}\n"
            )
        };
        let kernel = line(2, r#""SYSLOG_IDENTIFIER":"kernel","MESSAGE":[100,114,98,100,27]"#);
        let corosync = line(
            1,
            r#""PRIORITY":"5","SYSLOG_IDENTIFIER":"corosync","MESSAGE":"  [TOTEM ] up""#,
        );
        let texts = [
            kernel + &corosync + "-- No entries --\n" + &line(3, r#""MESSAGE":null"#),
            corosync,
        ];
        let lines = read(texts.iter().map(String::as_str));
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert_eq!(
            (lines[0].time, lines[0].priority, lines[0].source.as_str()),
            (1_763_930_000_000_001, 5, "corosync")
        );
        assert_eq!((lines[1].priority, lines[1].message.as_str()), (6, "drbd\u{1b}"));
    }
}
