//! A host tells that something has happened on it, by a program that runs beside the probes for as long as somebody
//! listens (`scripts/watch.py`). Nothing is decided on what it tells: a probe finds out what it was. What is lost with
//! it is time.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use openssh::Stdio;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    sync::Notify,
    task::JoinHandle,
};

use crate::line::Line;

const PROGRAM: &[u8] = include_bytes!("../scripts/watch.py");
/// What the program prints when something has happened. Anything else only tells that the host is alive.
const HAPPENED: u8 = b'!';
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
}

impl Watch {
    /// Starts it. `happened` is notified whenever something has happened, and when the host falls silent.
    pub fn begin(line: Arc<Line>, happened: Arc<Notify>) -> Self {
        let begun = Instant::now();
        let silence = Arc::<Notify>::default();
        let fell_silent = silence.clone();
        let task = tokio::spawn(async move {
            let end = listen(&line, &happened).await;
            tracing::debug!(address = line.address(), %end, "the watch on the host has ended");
            if matches!(end, End::Silent) {
                fell_silent.notify_one();
            }
            if begun.elapsed() > SHORT {
                happened.notify_one();
            }
        });
        Self { task, begun, silence }
    }

    /// Whether it is time for another one.
    pub fn is_over(&self) -> bool {
        self.task.is_finished() && self.begun.elapsed() > PAUSE
    }

    /// Notified once the host has said nothing for [`SILENT`].
    pub fn silence(&self) -> Arc<Notify> {
        self.silence.clone()
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
async fn listen(line: &Line, happened: &Notify) -> End {
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
    let mut bytes = [0; 256];
    loop {
        match tokio::time::timeout(SILENT, stdout.read(&mut bytes)).await {
            Err(_) => return End::Silent,
            Ok(Ok(0)) => return End::Because("it has ended".into()),
            Ok(Err(error)) => return End::Because(error.to_string()),
            Ok(Ok(count)) => {
                if bytes[..count].contains(&HAPPENED) {
                    happened.notify_one();
                }
            }
        }
        // It goes on for as long as somebody answers.
        if let Err(error) = stdin.write_all(b".").await {
            return End::Because(error.to_string());
        }
    }
}
