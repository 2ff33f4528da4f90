//! The loop that brings a pair to what is desired: observe → plan → run a stage → observe again …, until
//! nothing is left to do or something must wait. Where the pair is declared, where its state is told and who
//! lets it be changed is not known here: that is a [`Reporter`]'s and a [`Warrant`]'s.

mod connection;
mod engine;
mod keys;
mod pace;
mod progress;
mod reporter;
mod stage;
mod warrant;
mod whereabouts;

pub use engine::{Engine, NextTurn};
pub use keys::fresh_keys;
pub use pace::SOON;
pub use reporter::{Reporter, StageEnd};
pub use warrant::Warrant;
