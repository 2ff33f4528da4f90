//! Three rounds of faults, while a client writes.

use anyhow::{Result, ensure};
use hapair_chaos::{Fault, Ground, Round, play};
use hapair_world::World;
use rand::{SeedableRng, rngs::StdRng};

/// A change that loses its connections, a node that is lost, a cluster that crashes; `make chaos` draws from
/// all there are.
const FAULTS: [Fault; 3] = [Fault::SshDropped, Fault::StandbyPowerCut, Fault::PacemakerKilled];

/// Nothing is lost, nothing is there twice, the status tells of it, and the pair comes back by itself.
pub fn three_rounds(world: &mut World) -> Result<()> {
    let sample = world.sample()?;
    let mut ground = Ground::prepare(world, sample)?;
    let mut random = StdRng::seed_from_u64(40);
    println!("{}", Round::HEADER);
    for (number, fault) in (1..).zip(FAULTS) {
        let round = play(&mut ground, number, fault, None, &mut random)?;
        println!("{round}");
        ensure!(
            round.is_good(),
            "{}\nround {number} went wrong",
            ground.world.evidence()
        );
    }
    Ok(())
}
