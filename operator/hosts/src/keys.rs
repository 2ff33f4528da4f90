//! Host keys: which ones a host offers, compared with the pinned ones.

use std::{process::Stdio, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD, engine::general_purpose::STANDARD_NO_PAD};
use hapair_model::digest;
use tokio::process::Command;

/// The keys a host offers, as `type base64`, read with ssh-keyscan; none when it does not answer.
pub async fn offered(address: &str, port: u16) -> Vec<String> {
    let scan = Command::new("ssh-keyscan")
        .args(["-T", "3", "-p", &port.to_string(), "--", address])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .output();
    match tokio::time::timeout(Duration::from_secs(10), scan).await {
        Ok(Ok(output)) => String::from_utf8_lossy(&output.stdout)
            .lines()
            .filter_map(key)
            .collect(),
        _ => Vec::new(),
    }
}

/// The key on a line of a known_hosts file, without the host's name.
fn key(line: &str) -> Option<String> {
    let mut words = line.split_whitespace();
    let (host, kind, blob) = (words.next()?, words.next()?, words.next()?);
    (!host.starts_with('#')).then(|| format!("{kind} {blob}"))
}

/// A key's fingerprint as ssh-keygen -l shows it, with the key's type.
pub fn fingerprint(key: &str) -> String {
    let mut words = key.split_whitespace();
    let (kind, blob) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let bytes = STANDARD.decode(blob).unwrap_or_default();
    let hexadecimal = digest(&bytes);
    let raw: Vec<u8> = (0..hexadecimal.len())
        .step_by(2)
        .filter_map(|at| u8::from_str_radix(&hexadecimal[at..at + 2], 16).ok())
        .collect();
    format!("{kind} SHA256:{}", STANDARD_NO_PAD.encode(raw))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_reads_as_ssh_keygen_shows_it() {
        let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";
        assert_eq!(
            fingerprint(key),
            "ssh-ed25519 SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU"
        );
    }
}
