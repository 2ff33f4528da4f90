//! What would travel to a host and what its answer means, so that a test can have it run without SSH.

use std::io;

use hapair_model::{
    host::Authority,
    observed::{Host, Question},
    plan::Step,
};

use crate::{answered, bundle, frames};

/// The archive that asks a question. `main` in it is to be run as root, in the folder it is unpacked in.
pub fn probe(question: &Question) -> Vec<u8> {
    bundle::probe(question).archive
}

/// The archive that runs steps.
pub fn stage(steps: &[Step], authority: &Authority) -> Vec<u8> {
    bundle::stage(steps, authority).archive
}

/// What a host said to a question. Errors when the answer is not whole.
pub fn seen(answer: &[u8], question: &Question) -> io::Result<Host> {
    let sections = frames::read(answer).map_err(io::Error::other)?;
    Ok(answered(&sections, question))
}
