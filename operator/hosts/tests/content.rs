//! Whether a device holds data without a signature: the script, on files that stand for devices.

use std::{fs::File, os::unix::fs::FileExt, process::Command};

const SIZE: u64 = 256 << 20;

/// What the script prints of a device of zeroes with these bytes at these places.
fn content(writes: &[(u64, usize)]) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("device");
    let device = File::create(&path).expect("a file");
    device.set_len(SIZE).expect("its size");
    for (offset, length) in writes {
        device.write_all_at(&vec![7; *length], *offset).expect("room");
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/content.py");
    let output = Command::new("python3")
        .args(["-IS", script])
        .arg(&path)
        .output()
        .expect("python3");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[test]
fn zeroes_are_blank() {
    assert_eq!(content(&[]), "");
}

#[test]
fn a_single_byte_in_the_first_or_last_16_mib_is_data() {
    for offset in [0, (16 << 20) - 1, SIZE - (16 << 20), SIZE - 1] {
        assert_eq!(content(&[(offset, 1)]), "data", "at {offset}");
    }
}

#[test]
fn data_in_between_is_found_when_it_is_as_long_as_the_way_between_two_looks() {
    for start in [20 << 20, 101 << 20, 200 << 20] {
        assert_eq!(content(&[(start, 1 << 20)]), "data", "at {start}");
    }
}

#[test]
fn a_device_that_cannot_be_read_is_an_error_and_not_blank() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/content.py");
    let output = Command::new("python3")
        .args(["-IS", script, "/nonexistent"])
        .output()
        .expect("python3");
    assert!(!output.status.success() && output.stdout.is_empty());
}
