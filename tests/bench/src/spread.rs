//! What was measured several times.

use std::fmt;

/// Seconds, one for each time.
#[derive(Default)]
pub struct Spread(Vec<f64>);

impl Spread {
    /// Once more.
    pub fn add(&mut self, seconds: f64) {
        self.0.push(seconds);
        self.0.sort_by(f64::total_cmp);
    }

    /// So much of a hundred is not above it; 0 when nothing was measured.
    pub fn percentile(&self, part: usize) -> f64 {
        let at = (self.0.len() * part / 100).min(self.0.len().saturating_sub(1));
        self.0.get(at).copied().unwrap_or_default()
    }

    /// Half are not above it.
    pub fn median(&self) -> f64 {
        self.percentile(50)
    }

    /// How often it was measured.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

/// The shortest, the median and the longest, as cells of a table.
impl fmt::Display for Spread {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [shortest, median, longest] = [0, 50, 100].map(|part| self.percentile(part));
        write!(formatter, "{shortest:.1} s | {median:.1} s | {longest:.1} s")
    }
}
