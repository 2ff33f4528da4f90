//! Apache Tomcat.

use hapair_model::plan::File;

use super::{Definition, Installed};
use crate::{
    files::{MANAGED, drop_in, text},
    platform::{Family, Platform},
};

/// Apache Tomcat.
pub const TOMCAT: Definition = Definition {
    installed,
    files,
    // Of Debian's tomcat9 and tomcat10 (their postinst).
    made: &[
        "/var/lib/tomcat9/webapps/ROOT/index.html",
        "/var/lib/tomcat9/webapps/ROOT/META-INF/context.xml",
        "/var/lib/tomcat10/webapps/ROOT/index.html",
        "/var/lib/tomcat10/webapps/ROOT/META-INF/context.xml",
    ],
    neighbours: &["rsyslog"],
    user: None,
    paths: &[
        "/var/lib/tomcat/webapps",
        "/var/lib/tomcat10/webapps",
        "/var/lib/tomcat9/webapps",
    ],
};

fn installed(platform: &Platform) -> Option<Installed> {
    let name = match platform.family {
        Family::Debian(11) => "tomcat9",
        Family::Debian(_) => "tomcat10",
        Family::EnterpriseLinux(_) => "tomcat",
    };
    Some(Installed {
        package: name,
        unit: name,
        starter: None,
    })
}

fn files(installed: &Installed) -> Vec<File> {
    vec![
        text(
            &drop_in(&format!("{}.service", installed.unit)),
            "644",
            unit_drop_in(installed.unit),
        ),
        text(&drop_in("rsyslog.service"), "644", format!("{MANAGED}{RSYSLOG}")),
    ]
}

/// Debian's tomcat has rsyslog write into tomcat's log directory (/etc/rsyslog.d/tomcat10.conf), which is on
/// the volume. A file that rsyslog has open there keeps the volume from being unmounted, and the agent then
/// ends rsyslog; one that it opened before the mount is hidden below it. rsyslog closes its files at SIGHUP
/// (rsyslogd(8)), and is started again whatever ended it.
const RSYSLOG: &str = "[Service]\nRestart=always\n";

/// Tomcat compiles pages into its cache and does not sync them. After a power cut they may be empty, and
/// tomcat would answer with status 500 for ever: it compiles a page again only when the class is missing or
/// older than its source. pacemaker lets systemd read its units before each start.
fn unit_drop_in(unit: &str) -> String {
    format!(
        "{MANAGED}[Service]\n\
         ExecStartPre=-/usr/bin/find /var/cache/{unit} -type f -size 0 -delete\n\
         ExecStartPre=-+/usr/bin/systemctl --quiet kill --signal=HUP rsyslog.service\n\
         ExecStopPost=-+/usr/bin/systemctl --quiet kill --signal=HUP rsyslog.service\n"
    )
}
