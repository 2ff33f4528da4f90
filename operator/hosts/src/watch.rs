//! A host tells that something has happened on it, by a program that runs beside the probes for as long as somebody
//! listens (`scripts/watch.py`). Nothing is decided on what it tells: a probe finds out what it was, or a glance, which the
//! program takes when it is asked to. What is lost with it is time.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use openssh::Stdio;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    sync::{Notify, mpsc, oneshot},
    task::JoinHandle,
};

use crate::line::Line;

const PROGRAM: &[u8] = include_bytes!("../scripts/watch.py");
/// What the program prints when something has happened.
const HAPPENED: u8 = b'!';
/// What it prints before the answer of a glance. Anything else only tells that the host is alive.
const ANSWER: u8 = b'=';
/// How many digits a length has.
const DIGITS: usize = 8;
/// Far more than any glance finds.
const MOST_BYTES: usize = 4 << 20;
/// The program prints something every two seconds.
pub const SILENT: Duration = Duration::from_secs(5);
/// One that ends sooner cannot run there, or is ended by somebody: that it ended tells nothing.
const SHORT: Duration = Duration::from_secs(10);
/// From one beginning to the next on the same connection.
const PAUSE: Duration = Duration::from_secs(60);

/// The program on one host. It ends when this is dropped.
#[derive(Debug)]
pub struct Watch {
    task: JoinHandle<()>,
    begun: Instant,
    silence: Arc<Notify>,
    glances: Glances,
}

/// Where glances are asked for: a script, and where its output goes.
pub type Glances = mpsc::Sender<(String, oneshot::Sender<Vec<u8>>)>;

impl Watch {
    /// Starts it. `happened` is notified whenever something has happened, and when the host falls silent.
    pub fn begin(line: Arc<Line>, happened: Arc<Notify>) -> Self {
        let begun = Instant::now();
        let silence = Arc::<Notify>::default();
        let fell_silent = silence.clone();
        let (glances, asked) = mpsc::channel(1);
        let task = tokio::spawn(async move {
            let end = listen(&line, &happened, asked).await;
            tracing::debug!(address = line.address(), %end, "the watch on the host has ended");
            if matches!(end, End::Silent) {
                fell_silent.notify_one();
            }
            if begun.elapsed() > SHORT {
                happened.notify_one();
            }
        });
        Self {
            task,
            begun,
            silence,
            glances,
        }
    }

    /// Whether it is time for another one.
    pub fn is_over(&self) -> bool {
        self.task.is_finished() && self.begun.elapsed() > PAUSE
    }

    /// Notified once the host has said nothing for [`SILENT`].
    pub fn silence(&self) -> Arc<Notify> {
        self.silence.clone()
    }

    /// Where a glance is asked for.
    pub fn glances(&self) -> Glances {
        self.glances.clone()
    }

    /// Ends it, and waits until it holds nothing any more.
    pub async fn end(mut self) {
        self.task.abort();
        let _ = (&mut self.task).await;
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Why a watch has ended.
#[derive(Debug, thiserror::Error)]
enum End {
    /// The host has said nothing for [`SILENT`].
    #[error("nothing for {} s", SILENT.as_secs())]
    Silent,
    /// Something else.
    #[error("{0}")]
    Because(String),
}

/// Listens until the program ends or the host falls silent.
async fn listen(
    line: &Line,
    happened: &Notify,
    mut asked: mpsc::Receiver<(String, oneshot::Sender<Vec<u8>>)>,
) -> End {
    let bootstrap = format!("import sys; exec(sys.stdin.buffer.read({}))", PROGRAM.len());
    let mut command = line.command("python3", &["-IS", "-c", &bootstrap, "hapair-watch"]);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = match command.spawn().await {
        Ok(child) => child,
        Err(error) => return End::Because(error.to_string()),
    };
    let (Some(mut stdin), Some(mut stdout)) = (child.stdin().take(), child.stdout().take()) else {
        return End::Because("it has no standard input or output".into());
    };
    if let Err(error) = stdin.write_all(PROGRAM).await {
        return End::Because(error.to_string());
    }
    let (mut told, mut waiting) = (Told::default(), None);
    let mut silent_at = tokio::time::Instant::now() + SILENT;
    let mut bytes = [0; 4096];
    loop {
        let words = tokio::select! {
            read = tokio::time::timeout_at(silent_at, stdout.read(&mut bytes)) => match read {
                Err(_) => return End::Silent,
                Ok(Ok(0)) => return End::Because("it has ended".into()),
                Ok(Err(error)) => return End::Because(error.to_string()),
                Ok(Ok(count)) => {
                    silent_at = tokio::time::Instant::now() + SILENT;
                    told.buffer.extend_from_slice(&bytes[..count]);
                    if told.take(|answer| waiting.take().map(|asker: oneshot::Sender<_>| asker.send(answer))) {
                        happened.notify_one();
                    }
                    if told.buffer.len() > MOST_BYTES {
                        return End::Because("it does not stop telling".into());
                    }
                    // It goes on for as long as somebody answers.
                    b".".to_vec()
                }
            },
            Some((script, asker)) = asked.recv() => {
                waiting = Some(asker);
                format!("?{:0DIGITS$}{script}", script.len()).into_bytes()
            }
        };
        if let Err(error) = stdin.write_all(&words).await {
            return End::Because(error.to_string());
        }
    }
}

/// What the program has printed and nobody has read yet.
#[derive(Default)]
struct Told {
    buffer: Vec<u8>,
}

impl Told {
    /// Reads all that has come whole. Whether something has happened.
    fn take<R>(&mut self, mut answered: impl FnMut(Vec<u8>) -> R) -> bool {
        let (mut happened, mut at) = (false, 0);
        while let Some(byte) = self.buffer.get(at) {
            if *byte != ANSWER {
                happened |= *byte == HAPPENED;
                at += 1;
                continue;
            }
            let begin = at + 1 + DIGITS;
            let length = self.buffer.get(at + 1..begin).map(length);
            let Some(answer) = length.and_then(|length| self.buffer.get(begin..begin + length)) else {
                break;
            };
            answered(answer.to_vec());
            at = begin + answer.len();
        }
        self.buffer.drain(..at);
        happened
    }
}

/// What is no number is taken for more than anybody waits for.
fn length(digits: &[u8]) -> usize {
    let number = std::str::from_utf8(digits)
        .ok()
        .and_then(|digits| digits.parse().ok());
    number.unwrap_or(MOST_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_told_from_what_comes_between_them_however_it_is_cut() {
        let text = b"..!=00000005a!=.b.=00000000!.=00000003xyz";
        for cut in 0..=text.len() {
            let (mut told, mut answers, mut happened) = (Told::default(), Vec::new(), 0);
            for part in [&text[..cut], &text[cut..]] {
                told.buffer.extend_from_slice(part);
                happened += u32::from(told.take(|answer| answers.push(String::from_utf8(answer).unwrap())));
            }
            assert_eq!(answers, ["a!=.b", "", "xyz"], "cut at {cut}");
            assert!(happened > 0 && told.buffer.is_empty(), "cut at {cut}");
        }
    }
}
