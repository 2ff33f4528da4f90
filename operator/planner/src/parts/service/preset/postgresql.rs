//! PostgreSQL.

use super::{Definition, Installed};
use crate::platform::{Family, Platform};

/// PostgreSQL as Debian packages it. Each version is a package; its postinst makes the cluster `main`, which is an
/// instance of a unit, and postgresql.service starts all instances (postgresql-common, README.systemd). Enterprise Linux
/// leaves it to an administrator to make the data directory.
pub const POSTGRESQL: Definition = Definition {
    installed,
    files: |_| Vec::new(),
    made: &[],
    neighbours: &[],
    // pg_ctlcluster, which the unit runs, becomes it.
    user: Some("postgres"),
    paths: &[],
};

fn installed(platform: &Platform) -> Option<Installed> {
    let (package, unit) = match platform.family {
        Family::Debian(11) => ("postgresql-13", "postgresql@13-main"),
        Family::Debian(12) => ("postgresql-15", "postgresql@15-main"),
        Family::Debian(13) => ("postgresql-17", "postgresql@17-main"),
        Family::Debian(_) | Family::EnterpriseLinux(_) => return None,
    };
    Some(Installed {
        package,
        unit,
        starter: Some("postgresql"),
    })
}
