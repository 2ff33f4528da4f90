//! A connection to a host that is up.

use std::sync::Arc;

use hapair_model::host::Credentials;
use openssh::{OwningCommand, Session};
use tempfile::TempDir;

/// The user who needs no sudo.
pub const ROOT: &str = "root";

/// A connection, with the folder that its ssh client works in.
#[derive(Debug)]
pub struct Line {
    /// Dropped before the folder: it ends ssh's master through the control socket.
    pub session: Session,
    credentials: Arc<Credentials>,
    _folder: Arc<TempDir>,
}

impl Line {
    /// A connection that was just made.
    pub fn new(session: Session, credentials: Arc<Credentials>, folder: Arc<TempDir>) -> Self {
        Self {
            session,
            credentials,
            _folder: folder,
        }
    }

    /// Where it leads.
    pub fn address(&self) -> &str {
        &self.credentials.address
    }

    /// A program, to be run on the host as root.
    pub fn command(&self, program: &str, arguments: &[&str]) -> OwningCommand<&Session> {
        let mut command = if self.credentials.user == ROOT {
            self.session.command(program)
        } else {
            let mut sudo = self.session.command("sudo");
            sudo.args(["-n", program]);
            sudo
        };
        command.args(arguments);
        command
    }
}
