//! What an execution left.

/// What an execution left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Exit status; -1 when it is not known.
    pub code: i32,
    /// Standard output, without the first line that told it was root.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: String,
}

impl Output {
    /// A little of what was said, for a message.
    pub fn excerpt(&self) -> String {
        let text = format!(
            "{} {}",
            String::from_utf8_lossy(&self.stdout[..self.stdout.len().min(200)]),
            self.stderr
        );
        text.trim().chars().take(400).collect()
    }
}
