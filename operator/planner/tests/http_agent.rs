//! The agent that asks a service, run against servers of its own.
#![allow(clippy::unwrap_used, reason = "what does not work fails the test")]

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    path::Path,
    process::{Command, ExitStatus, Output},
    sync::{
        Arc,
        atomic::{AtomicU16, Ordering},
    },
};

use hapair_model::desired::{Answer, HttpProbe};
use tempfile::TempDir;

const AGENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/files/http");
/// resource-agents' own library, as far as the agent uses it.
const LIBRARY: &str =
    "OCF_SUCCESS=0 OCF_ERR_GENERIC=1 OCF_ERR_UNIMPLEMENTED=3 OCF_ERR_CONFIGURED=6 OCF_NOT_RUNNING=7
ocf_exit_reason() { echo \"reason: $*\" >&2; }
ocf_log() { shift; echo \"log: $*\" >&2; }
";

/// The status of a service that takes requests and answers none.
const HUNG: u16 = 0;

/// A service that answers with one status, and a node that asks it.
struct Service {
    folder: TempDir,
    port: u16,
    status: Arc<AtomicU16>,
}

impl Service {
    fn answering(status: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (port, status) = (
            listener.local_addr().unwrap().port(),
            Arc::new(AtomicU16::new(status)),
        );
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("ocf-shellfuncs"), LIBRARY).unwrap();
        let answer = status.clone();
        std::thread::spawn(move || {
            let mut hung = vec![];
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let lines = BufReader::new(stream.try_clone().unwrap()).lines();
                lines
                    .take_while(|line| line.as_ref().is_ok_and(|line| !line.is_empty()))
                    .for_each(drop);
                match answer.load(Ordering::Relaxed) {
                    HUNG => hung.push(stream),
                    status => {
                        let _ = write!(
                            stream,
                            "HTTP/1.1 {status} .\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
                        );
                    }
                }
            }
        });
        Self { folder, port, status }
    }

    fn agent(&self, action: &str) -> Command {
        let mut agent = Command::new("timeout");
        agent.args(["40", "sh", AGENT, action]);
        agent.env("OCF_FUNCTIONS_DIR", self.folder.path());
        agent.env("HA_RSCTMP", self.folder.path());
        agent.env("OCF_RESOURCE_INSTANCE", "probe-web");
        agent.env("__OCF_ACTION", action);
        agent.env("OCF_RESKEY_url", format!("http://127.0.0.1:{}/page", self.port));
        agent
    }

    fn run(&self, action: &str, codes: Option<&str>) -> Output {
        let mut agent = self.agent(action);
        codes.map(|codes| agent.env("OCF_RESKEY_codes", codes));
        agent.output().unwrap()
    }

    /// Its monitor has failed, and pacemaker has stopped the probe; the service still fails.
    fn stopped_after_a_failure() -> Self {
        let service = Self::answering(200);
        assert_eq!(code(service.start().status), 0);
        service.status.store(503, Ordering::Relaxed);
        assert_eq!(code(service.run("monitor", None).status), 1);
        assert_eq!(code(service.run("stop", None).status), 0);
        service
    }

    fn start(&self) -> Output {
        self.run("start", None)
    }
}

fn code(status: ExitStatus) -> i32 {
    status.code().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_service_that_answers_is_started_and_looked_at() {
    let service = Service::answering(302);
    assert_eq!(code(service.run("monitor", None).status), 7, "before the start");
    assert_eq!(code(service.start().status), 0);
    assert_eq!(code(service.run("monitor", None).status), 0);
    assert_eq!(code(service.run("stop", None).status), 0);
    assert_eq!(code(service.run("monitor", None).status), 7);
}

#[test]
fn a_service_that_refuses_the_page_is_told_and_left_alone() {
    let service = Service::answering(404);
    let started = service.start();
    assert_eq!(code(started.status), 0);
    assert!(
        said(&started).contains("is refused with HTTP status 404"),
        "{}",
        said(&started)
    );
    assert_eq!(code(service.run("monitor", None).status), 0);
    service.status.store(401, Ordering::Relaxed);
    assert_eq!(code(service.run("monitor", None).status), 0);
}

#[test]
fn a_service_that_fails_is_not_left_alone() {
    let service = Service::answering(200);
    assert_eq!(code(service.start().status), 0);
    service.status.store(503, Ordering::Relaxed);
    let monitored = service.run("monitor", None);
    assert_eq!(code(monitored.status), 1);
    assert!(
        said(&monitored).contains("answered with HTTP status 503"),
        "{}",
        said(&monitored)
    );
}

#[test]
fn a_service_that_is_hung_fails_after_three_requests_without_an_answer() {
    let service = Service::answering(200);
    assert_eq!(code(service.start().status), 0);
    service.status.store(HUNG, Ordering::Relaxed);
    let monitored = service.run("monitor", None);
    assert_eq!(code(monitored.status), 1);
    let expected = "did not answer 3 times, 3 seconds each";
    assert!(said(&monitored).contains(expected), "{}", said(&monitored));
}

#[test]
fn a_service_that_answers_the_third_request_is_not_hung() {
    let service = Service::answering(200);
    assert_eq!(code(service.start().status), 0);
    service.status.store(HUNG, Ordering::Relaxed);
    let status = service.status.clone();
    let answers = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(2500));
        status.store(200, Ordering::Relaxed);
    });
    let mut monitor = service.agent("monitor");
    assert_eq!(
        code(monitor.env("OCF_RESKEY_timeout", "1").output().unwrap().status),
        0
    );
    answers.join().unwrap();
}

/// As pacemaker restarts the probe alone: a start that waited would keep the group on the node for two minutes.
#[test]
fn a_start_right_after_a_failed_monitor_does_not_wait_for_a_service_that_is_hung() {
    let service = Service::stopped_after_a_failure();
    let started = service.start();
    assert_eq!(code(started.status), 1, "{started:?}");
    assert!(
        said(&started).contains("does not answer, though the service runs"),
        "{}",
        said(&started)
    );
}

/// As pacemaker restarts the service and the probe behind it.
#[test]
fn a_start_after_the_service_was_started_anew_waits_for_it() {
    let service = Service::stopped_after_a_failure();
    // Longer than a start that follows at once.
    std::thread::sleep(std::time::Duration::from_secs(5));
    let status = service.status.clone();
    let answers = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_secs(8));
        status.store(200, Ordering::Relaxed);
    });
    assert_eq!(code(service.start().status), 0);
    answers.join().unwrap();
}

#[test]
fn where_statuses_are_listed_no_other_is_an_answer() {
    let service = Service::answering(401);
    assert_eq!(code(service.run("start", Some("200 401")).status), 0);
    assert_eq!(code(service.run("monitor", Some("200 401")).status), 0);
    assert_eq!(code(service.run("monitor", Some("200")).status), 1);
    service.status.store(204, Ordering::Relaxed);
    assert_eq!(code(service.run("monitor", Some("200 401")).status), 1);
}

/// What pacemaker acts upon and what the status says are the same.
#[test]
fn the_operator_judges_as_the_agent_does() {
    let text = fs::read_to_string(Path::new(AGENT)).unwrap();
    let ask = text
        .split("ask() {")
        .nth(1)
        .unwrap()
        .split("\n}\n")
        .next()
        .unwrap();
    for codes in [vec![], vec![200, 401]] {
        let probe = HttpProbe {
            port: 80,
            path: "/".into(),
            codes: codes.clone(),
            timeout: 3,
            failure_threshold: 3,
        };
        let listed: Vec<_> = codes.iter().map(u16::to_string).collect();
        let silent = format!("curl() {{ :; }}\nask() {{{ask}\n}}\nask; echo $said");
        let output = Command::new("sh")
            .args(["-c", &silent])
            .env("OCF_RESKEY_codes", listed.join(" "))
            .env("OCF_RESKEY_url", "")
            .output()
            .unwrap();
        assert_eq!(
            String::from_utf8_lossy(&output.stdout).trim(),
            "fails",
            "without an answer of curl itself"
        );
        for status in [0, 199, 200, 204, 302, 399, 400, 401, 404, 499, 500, 503] {
            let script = format!("curl() {{ printf %03d {status}; }}\nask() {{{ask}\n}}\nask; echo $said");
            let mut shell = Command::new("sh");
            shell
                .args(["-c", &script])
                .env("OCF_RESKEY_codes", listed.join(" "));
            let output = shell.env("OCF_RESKEY_url", "").output().unwrap();
            let expected = match probe.judge(status) {
                Answer::Serves => "serves",
                Answer::Refuses => "refuses",
                Answer::Fails => "fails",
            };
            assert_eq!(
                String::from_utf8_lossy(&output.stdout).trim(),
                expected,
                "{status} of {codes:?}"
            );
        }
    }
}
