//! Whether RedundancyHealthy of the pair tells the truth: it is read before the node that serves is lost, and then the other node serves, or does not.

use std::{
    fmt,
    time::{Duration, Instant},
};

use anyhow::Result;

use crate::{ground::Ground, weakness::Weakness};

/// What was foretold of a takeover.
pub struct Foretold {
    status: String,
    reason: String,
}

impl Foretold {
    /// Reads the condition. Of a node that was robbed of something the operator has its time to see that.
    pub fn read(ground: &Ground, weakness: Option<Weakness>) -> Result<Self> {
        let read = || -> Result<Self> {
            let (status, reason, _) = ground
                .world
                .condition("hapair/web", "RedundancyHealthy")?
                .unwrap_or_default();
            Ok(Self { status, reason })
        };
        let limit = Duration::from_secs(weakness.map_or(0, Weakness::within));
        let start = Instant::now();
        loop {
            let foretold = read()?;
            if !foretold.is_promised() || start.elapsed() >= limit {
                return Ok(foretold);
            }
            std::thread::sleep(Duration::from_millis(500));
        }
    }

    fn is_promised(&self) -> bool {
        self.status == "True"
    }
}

/// What was foretold, and what came of it.
pub struct Takeover {
    foretold: Foretold,
    /// Whether the other node served in time. Otherwise nothing did, or the node that was lost, again.
    served: bool,
}

impl Takeover {
    /// Waits until records are acknowledged again that were not `before`, until `deadline`. `lost` is the node that served before.
    pub fn of(
        foretold: Foretold,
        ground: &Ground,
        lost: usize,
        before: usize,
        deadline: Instant,
    ) -> Result<Self> {
        // One may have been on its way.
        let serves = || ground.client.acknowledged() > before + 1;
        while !serves() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(200));
        }
        let served = serves() && ground.active()? != lost;
        Ok(Self { foretold, served })
    }

    /// A promise that was not kept.
    pub fn is_a_lie(&self) -> bool {
        self.foretold.is_promised() && !self.served
    }

    /// A takeover that nobody had promised.
    pub fn is_a_surprise(&self) -> bool {
        !self.foretold.is_promised() && self.served
    }
}

impl fmt::Display for Takeover {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Foretold { status, reason } = &self.foretold;
        let came = match self.served {
            true => "served",
            false if self.is_a_lie() => "DID NOT SERVE",
            false => "did not serve",
        };
        write!(formatter, "{status}/{reason}: {came}")
    }
}
