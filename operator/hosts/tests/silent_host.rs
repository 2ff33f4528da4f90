//! A host that takes connections and says nothing, asked by a real ssh client.
#![allow(clippy::unwrap_used, reason = "what does not work fails the test")]

use std::{
    fs,
    net::TcpListener,
    process::Command,
    time::{Duration, Instant},
};

use hapair_hosts::{Host, SshHosts};
use hapair_model::{
    Both, Secret,
    host::{Credentials, Hosts as _},
    observed::{HostView, Question, Silence},
};

/// Takes connections, and never answers one. Returns its port.
fn silent() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || listener.incoming().collect::<Vec<_>>());
    port
}

/// A port where nobody listens.
fn closed() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

fn hosts(ports: [u16; 2]) -> SshHosts {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(&key)
        .status();
    assert!(made.unwrap().success());
    let public = fs::read_to_string(key.with_extension("pub")).unwrap();
    let host = |port| {
        Host::new(Credentials {
            address: "127.0.0.1".into(),
            port,
            user: "root".into(),
            private_key: Secret::new(fs::read_to_string(&key).unwrap()),
            host_keys: vec![public.trim().to_owned()],
        })
        .unwrap()
    };
    SshHosts::new(Both::new(host(ports[0]), host(ports[1])))
}

#[tokio::test]
async fn a_host_that_was_silent_holds_no_look_up() {
    let hosts = hosts([silent(), closed()]);
    let questions = Both::from_fn(|_| Question::default());
    let first = Instant::now();
    let seen = hosts.observe(&questions).await;
    let is_unreachable = |view: &HostView| matches!(view, HostView::Silent(Silence::Unreachable(_)));
    assert!(seen.iter().all(|(_, view)| is_unreachable(view)), "{seen:?}");
    assert!(first.elapsed() > Duration::from_secs(5), "it was waited for");
    for _ in 0..3 {
        let next = Instant::now();
        let seen = hosts.observe(&questions).await;
        assert!(seen.iter().all(|(_, view)| is_unreachable(view)), "{seen:?}");
        assert!(next.elapsed() < Duration::from_secs(3), "{:?}", next.elapsed());
    }
}

/// What failed while nobody looked is not what is so now.
#[tokio::test]
async fn a_failure_that_is_over_is_not_told_again() {
    let hosts = hosts([silent(), closed()]);
    let questions = Both::from_fn(|_| Question::default());
    hosts.observe(&questions).await;
    let seen = hosts.observe(&questions).await;
    let why = |seen: &Both<HostView>| match &seen.first {
        HostView::Silent(Silence::Unreachable(why)) => why.clone(),
        view => panic!("{view:?}"),
    };
    let before = why(&seen);
    // Longer than an attempt lasts.
    tokio::time::sleep(Duration::from_secs(20)).await;
    let next = Instant::now();
    let seen = hosts.observe(&questions).await;
    assert_eq!(why(&seen), before);
    assert!(
        next.elapsed() > Duration::from_millis(900),
        "a new attempt was made, and waited for"
    );
}
