//! Tasks that the operator cannot do without.

use std::panic::AssertUnwindSafe;

use futures::FutureExt as _;

/// EX_SOFTWARE (sysexits.h).
const DEFECT: i32 = 70;

/// Runs a task that the operator cannot do without. When it panics, which is a defect, the operator ends:
/// whoever runs it starts it anew, while an operator that lives on without its watches or its Lease would
/// look well and do nothing. What it had begun on a host is taken up as after any crash.
pub fn essential(what: &'static str, task: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(async move {
        if AssertUnwindSafe(task).catch_unwind().await.is_err() {
            tracing::error!("{what} panicked, which is a defect; the operator ends");
            std::process::exit(DEFECT);
        }
    });
}
