//! The connection to a pair's hosts.

use hapair_model::{
    Both,
    host::{Connect, Credentials},
};

/// The hosts of a pair, connected anew only when the credentials change.
#[derive(Debug)]
pub struct Connection<C: Connect>(Option<(Both<Credentials>, C::Hosts)>);

impl<C: Connect> Default for Connection<C> {
    fn default() -> Self {
        Self(None)
    }
}

impl<C: Connect> Connection<C> {
    /// The hosts, when they were connected before.
    pub fn hosts(&self) -> Option<&C::Hosts> {
        self.0.as_ref().map(|(_, hosts)| hosts)
    }

    /// The hosts, when they were connected before with these credentials.
    pub fn at(&self, credentials: &Both<Credentials>) -> Option<&C::Hosts> {
        let (_, hosts) = self.0.as_ref().filter(|(present, _)| present == credentials)?;
        Some(hosts)
    }

    /// The hosts with these credentials.
    pub fn with(&mut self, connect: &C, credentials: &Both<Credentials>) -> std::io::Result<&C::Hosts> {
        if self.0.as_ref().is_none_or(|(present, _)| present != credentials) {
            self.0 = Some((credentials.clone(), connect.connect(credentials.clone())?));
        }
        match &self.0 {
            Some((_, hosts)) => Ok(hosts),
            None => Err(std::io::Error::other("the hosts were just made")),
        }
    }
}
