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

#[cfg(test)]
mod tests {
    use std::{env, process::Command, time::Duration};

    use super::*;

    /// In the environment of the process that is to end.
    const PANICS: &str = "HAPAIR_TEST_PANICS";

    /// The test runs itself once more, in a process of its own: one that ends takes every other test with it.
    #[test]
    fn a_panic_of_a_watch_or_of_the_campaign_ends_the_operator() {
        if env::var_os(PANICS).is_some() {
            let runtime = tokio::runtime::Runtime::new().expect("a runtime");
            runtime.block_on(async {
                essential("a watch", async { panic!("a defect") });
                tokio::time::sleep(Duration::from_secs(60)).await;
            });
            return;
        }
        let ended = Command::new(env::current_exe().expect("this program"))
            .args([
                "--exact",
                "essential::tests::a_panic_of_a_watch_or_of_the_campaign_ends_the_operator",
            ])
            .env(PANICS, "1")
            .output()
            .expect("the same test");
        assert_eq!(ended.status.code(), Some(DEFECT), "{ended:?}");
    }
}
