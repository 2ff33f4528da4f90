//! The program that tells of what happens on a host (`scripts/watch.py`).
#![allow(clippy::unwrap_used, reason = "what does not work fails the test")]

use std::{
    fs,
    io::{Read as _, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/watch.py");
/// Longer than anything here takes on a busy machine.
const LONG: Duration = Duration::from_secs(30);

/// The program, with tools of the test's own in place of those that it listens to.
struct Watch {
    process: Child,
    /// Closed when the operator goes away.
    beats: Option<ChildStdin>,
    said: Receiver<u8>,
    folder: tempfile::TempDir,
}

impl Watch {
    /// `journalctl` does this; the other tools never say anything.
    fn start(journalctl: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for tool in ["drbdsetup", "ip", "findmnt"] {
            tool_in(folder.path(), tool, "exec sleep 1000");
        }
        tool_in(folder.path(), "journalctl", journalctl);
        let path = format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", folder.path().display());
        let mut process = Command::new("python3")
            .args(["-IS", PROGRAM])
            .env("PATH", path)
            .env("FOLDER", folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = process.stdout.take().unwrap();
        let (sender, said) = channel();
        thread::spawn(move || {
            let mut byte = [0];
            while stdout.read(&mut byte).unwrap_or(0) > 0 && sender.send(byte[0]).is_ok() {}
        });
        Self {
            beats: process.stdin.take(),
            process,
            said,
            folder,
        }
    }

    /// What it says, each byte answered, until something has happened or it has been so long.
    fn happens_within(&mut self, limit: Duration) -> bool {
        let start = Instant::now();
        while start.elapsed() < limit {
            let Ok(byte) = self.said.recv_timeout(Duration::from_millis(100)) else {
                continue;
            };
            self.beats.as_mut().unwrap().write_all(b".").unwrap();
            if byte == b'!' {
                return true;
            }
            assert_eq!(byte, b'.');
        }
        false
    }

    fn ends(&mut self) {
        let start = Instant::now();
        while self.process.try_wait().unwrap().is_none() {
            assert!(start.elapsed() < LONG, "it does not end");
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// A file in the folder, once it has a line.
    fn line_of(&self, name: &str) -> String {
        let (path, start) = (self.folder.path().join(name), Instant::now());
        loop {
            match fs::read_to_string(&path) {
                Ok(text) if text.ends_with('\n') => return text,
                _ => assert!(start.elapsed() < LONG, "no {name}"),
            }
            thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn tool_in(folder: &Path, name: &str, does: &str) {
    let path = folder.join(name);
    fs::write(&path, format!("#!/bin/sh\n{does}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn what_a_tool_prints_is_told_once_and_silence_and_noise_are_not() {
    let mut watch = Watch::start("mkfifo $FOLDER/events; echo $$ > $FOLDER/pid; exec cat $FOLDER/events");
    watch.line_of("pid");
    let mut events = fs::OpenOptions::new()
        .write(true)
        .open(watch.folder.path().join("events"))
        .unwrap();
    events
        .write_all(
            b" warning: fence_ipmilan[9598] stderr: [ from pipes import quote ]\n notice: High CPU load detected: 2.4\n",
        )
        .unwrap();
    assert!(!watch.happens_within(Duration::from_secs(3)));
    events
        .write_all(b"change resource name:logs role:Primary\nchange device\n")
        .unwrap();
    assert!(watch.happens_within(LONG));
    assert!(!watch.happens_within(Duration::from_secs(3)));
}

#[test]
fn it_ends_with_its_tools_when_the_connection_ends() {
    let mut watch = Watch::start("echo $$ > $FOLDER/pid; exec sleep 1000");
    let tool = PathBuf::from(format!("/proc/{}", watch.line_of("pid").trim()));
    assert!(tool.exists());
    drop(watch.beats.take());
    watch.ends();
    let start = Instant::now();
    while tool.exists() {
        assert!(start.elapsed() < LONG, "a tool goes on");
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn it_ends_when_nobody_answers_although_the_connection_stands() {
    let mut watch = Watch::start("exec sleep 1000");
    let start = Instant::now();
    watch.ends();
    assert!(start.elapsed() > Duration::from_secs(9), "{:?}", start.elapsed());
}

#[test]
fn a_flood_is_told_a_few_times_a_second() {
    let mut watch = Watch::start("exec yes");
    let start = Instant::now();
    let mut told = 0;
    while start.elapsed() < Duration::from_secs(3) {
        told += u32::from(watch.happens_within(Duration::from_secs(1)));
    }
    assert!((1..=35).contains(&told), "{told}");
}

#[test]
fn a_tool_that_ends_is_started_again_later_each_time() {
    let mut watch = Watch::start("date >> $FOLDER/starts");
    watch.line_of("starts");
    let start = Instant::now();
    while watch.line_of("starts").lines().count() < 3 {
        assert!(start.elapsed() < LONG, "it is not started again");
        assert!(!watch.happens_within(Duration::from_millis(500)));
    }
    // One second, then two.
    assert!(start.elapsed() > Duration::from_secs(2), "{:?}", start.elapsed());
}

/// A script that it is sent, as the operator sends it.
fn ask(watch: &mut Watch, script: &str) {
    let script = format!("word=a b=c\n\n{script}");
    let words = format!("?{:08}{script}", script.len());
    watch.beats.as_mut().unwrap().write_all(words.as_bytes()).unwrap();
}

/// What it hands on of a glance.
fn answer(watch: &mut Watch) -> String {
    let start = Instant::now();
    let mut next = || loop {
        assert!(start.elapsed() < LONG, "no answer");
        if let Ok(byte) = watch.said.recv_timeout(Duration::from_millis(100)) {
            return byte;
        }
        watch.beats.as_mut().unwrap().write_all(b".").unwrap();
    };
    while next() != b'=' {}
    let digits: Vec<_> = (0..8).map(|_| next()).collect();
    let length: usize = String::from_utf8(digits).unwrap().parse().unwrap();
    String::from_utf8((0..length).map(|_| next()).collect()).unwrap()
}

#[test]
fn a_glance_is_taken_and_handed_on_and_its_folder_is_gone() {
    let mut watch = Watch::start("exec sleep 1000");
    ask(
        &mut watch,
        "stat --format '%a' \"$1\"; echo \"$word\"; touch \"$1/x\"; echo \"$1\"",
    );
    let told = answer(&mut watch);
    let lines: Vec<_> = told.lines().collect();
    let [mode, word, folder] = lines[..] else {
        panic!("{told}")
    };
    assert_eq!((mode, word), ("700", "a b=c"));
    assert!(
        folder.starts_with("/run/hapair.") && !Path::new(folder).exists(),
        "{folder}"
    );
    ask(&mut watch, "head -c 200000 /dev/zero | tr '\\0' x");
    assert_eq!(answer(&mut watch).len(), 200_000);
}

#[test]
fn a_glance_that_hangs_is_ended_by_the_next_and_by_its_time() {
    let mut watch = Watch::start("exec sleep 1000");
    ask(&mut watch, "echo $$ > $FOLDER/first; exec sleep 1000");
    let first = PathBuf::from(format!("/proc/{}", watch.line_of("first").trim()));
    ask(&mut watch, "echo begun; sleep 1000; echo end");
    let start = Instant::now();
    assert_eq!(answer(&mut watch), "begun\n", "its time is over");
    assert!(start.elapsed() > Duration::from_secs(9), "{:?}", start.elapsed());
    assert!(!first.exists(), "the first goes on");
}
