//! A client that appends numbered records through the floating address, one after the other, and remembers
//! which were acknowledged.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use anyhow::Result;
use hapair_world::client::get;

/// The port of the service.
const PORT: u16 = 8080;

/// Pages of the service, which keeps its records on the volume: one appends a record and answers when it is
/// on the disk, the other shows them all.
pub const PAGES: [(&str, &str); 2] = [
    (
        "append.jsp",
        "<%@ page import=\"java.nio.*,java.nio.channels.*,java.nio.file.*\" \
         trimDirectiveWhitespaces=\"true\" %><%\
         String n = request.getParameter(\"n\");\
         synchronized (application) {\
         try (FileChannel file = FileChannel.open(Path.of(\"/var/log/tomcat10/records\"), \
         StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.APPEND)) {\
         file.write(ByteBuffer.wrap((n + \"\\n\").getBytes())); file.force(true); } }\
         out.print(\"ok \" + n); %>",
    ),
    (
        "records.jsp",
        "<%@ page import=\"java.nio.file.*\" trimDirectiveWhitespaces=\"true\" %><%\
         out.print(Files.readString(Path.of(\"/var/log/tomcat10/records\"))); %>",
    ),
];

/// The client, at work.
pub struct Client {
    address: String,
    state: Arc<Mutex<State>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

struct State {
    acknowledged: BTreeSet<u64>,
    last_answer: Instant,
    longest_gap: Duration,
    /// What was answered instead of an acknowledgement, the last time.
    refusal: Option<String>,
}

impl Client {
    /// Starts writing.
    pub fn start(address: &str) -> Self {
        let state = State {
            acknowledged: BTreeSet::new(),
            last_answer: Instant::now(),
            longest_gap: Duration::ZERO,
            refusal: None,
        };
        let (state, stop) = (Arc::new(Mutex::new(state)), Arc::new(AtomicBool::new(false)));
        let thread = {
            let (address, state, stop) = (address.to_owned(), state.clone(), stop.clone());
            std::thread::spawn(move || write(&address, &state, &stop))
        };
        Self {
            address: address.to_owned(),
            state,
            stop,
            thread: Some(thread),
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Forgets the gaps so far.
    pub fn begin_round(&self) {
        let mut state = self.state();
        (state.longest_gap, state.refusal) = (Duration::ZERO, None);
    }

    /// The longest time without an answer since the round began.
    pub fn longest_gap(&self) -> Duration {
        let state = self.state();
        state.longest_gap.max(state.last_answer.elapsed())
    }

    /// What the client last got instead of an acknowledgement since the round began.
    pub fn refusal(&self) -> Option<String> {
        self.state().refusal.clone()
    }

    /// Acknowledged records that the service does not have any more.
    pub fn lost(&self) -> Result<Vec<u64>> {
        let acknowledged = self.state().acknowledged.clone();
        let text = get(&self.address, PORT, "/records.jsp")?;
        let present: BTreeSet<u64> = text.lines().filter_map(|line| line.trim().parse().ok()).collect();
        Ok(acknowledged.difference(&present).copied().collect())
    }

    /// How many records were acknowledged so far.
    pub fn acknowledged(&self) -> usize {
        self.state().acknowledged.len()
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn write(address: &str, state: &Mutex<State>, stop: &AtomicBool) {
    let mut number = 0;
    while !stop.load(Ordering::Relaxed) {
        number += 1;
        let answer = get(address, PORT, &format!("/append.jsp?n={number}"));
        let mut state = state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if answer
            .as_ref()
            .is_ok_and(|body| body.trim() == format!("ok {number}"))
        {
            let gap = state.last_answer.elapsed();
            state.longest_gap = state.longest_gap.max(gap);
            state.last_answer = Instant::now();
            state.acknowledged.insert(number);
        } else {
            state.refusal = Some(
                answer
                    .unwrap_or_else(|error| format!("{error:#}"))
                    .chars()
                    .take(300)
                    .collect(),
            );
        }
        drop(state);
        std::thread::sleep(Duration::from_millis(200));
    }
}
