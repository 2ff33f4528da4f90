//! Places on a host that no file and no volume of a pair may take: what the operator writes itself, what
//! makes a user root, what the host itself needs.

/// Folders and files that the operator writes itself, or that belong to the tools it drives.
const OURS: [&str; 12] = [
    "/etc/corosync",
    "/etc/drbd.conf",
    "/etc/drbd.d",
    "/etc/hapair",
    "/etc/hosts",
    "/etc/pacemaker",
    "/etc/systemd/system",
    "/usr/lib/drbd",
    "/usr/lib/ocf/resource.d/hapair",
    "/var/lib/hapair",
    "/var/lib/pacemaker",
    "/var/lib/pcsd",
];

/// Where a file or a file system makes whoever may write it root, or keeps the host from starting.
const THE_HOSTS: [&str; 36] = [
    "/bin",
    "/boot",
    "/dev",
    "/etc/apt",
    "/etc/cron.d",
    "/etc/cron.daily",
    "/etc/cron.hourly",
    "/etc/cron.monthly",
    "/etc/cron.weekly",
    "/etc/crontab",
    "/etc/fstab",
    "/etc/group",
    "/etc/gshadow",
    "/etc/init.d",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/ld.so.preload",
    "/etc/modprobe.d",
    "/etc/pam.d",
    "/etc/passwd",
    "/etc/profile",
    "/etc/profile.d",
    "/etc/security",
    "/etc/shadow",
    "/etc/ssh",
    "/etc/sudoers",
    "/etc/sudoers.d",
    "/etc/systemd",
    "/lib",
    "/lib64",
    "/proc",
    "/root",
    "/run",
    "/sbin",
    "/sys",
    "/var/spool/cron",
];

/// Of /usr what is not below /usr/local or /usr/share is the host's, too.
const OF_USR: [&str; 5] = ["/usr/bin", "/usr/lib", "/usr/lib64", "/usr/libexec", "/usr/sbin"];

/// Directories that hold what belongs to everyone: a file system mounted there covers it.
const SHARED: [&str; 11] = [
    "/etc",
    "/home",
    "/tmp",
    "/usr",
    "/usr/local",
    "/usr/share",
    "/var",
    "/var/cache",
    "/var/lib",
    "/var/log",
    "/var/tmp",
];

/// Why no file may be written there.
pub fn forbidden_file(path: &str) -> Option<String> {
    common(path)
}

/// Why no file system may be mounted there.
pub fn forbidden_mount_point(path: &str) -> Option<String> {
    let shared = SHARED.contains(&path).then(|| {
        format!("{path} holds what belongs to others, which would be covered; mount a directory below it")
    });
    let covers = OURS
        .iter()
        .find(|ours| is_within(ours, path))
        .map(|ours| format!("{ours} lies below it, which is the operator's"));
    common(path).or(shared).or(covers)
}

fn common(path: &str) -> Option<String> {
    if path.split('/').any(|name| matches!(name, "." | "..")) || !path.starts_with('/') || path.contains("//")
    {
        return Some("the path is not written out: absolute, without . and ..".to_owned());
    }
    if path.split('/').any(|name| name == ".ssh") {
        return Some("keys for SSH are no file of a service".to_owned());
    }
    let ours = OURS
        .iter()
        .find(|each| is_within(path, each))
        .map(|each| format!("{each} is written by the operator or the tools it drives"));
    ours.or_else(|| {
        THE_HOSTS
            .iter()
            .chain(&OF_USR)
            .find(|each| is_within(path, each))
            .map(|each| format!("{each} is the host's own"))
    })
}

/// Whether a path is the other, or below it.
pub fn is_within(inner: &str, outer: &str) -> bool {
    inner
        .strip_prefix(outer)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_mount_point_covers_what_belongs_to_others() {
        for path in [
            "/etc",
            "/usr",
            "/var",
            "/var/log",
            "/home",
            "/a/../etc",
            "/usr/lib/ocf",
            "/etc/systemd",
            "/boot",
            "/proc/x",
            "relative",
            "/a//b",
        ] {
            assert!(forbidden_mount_point(path).is_some(), "{path}");
        }
        for path in [
            "/var/log/tomcat10",
            "/srv",
            "/srv/data",
            "/opt/app",
            "/var/lib/postgresql",
            "/home/app",
            "/usr/local/app",
            "/etc/letsencrypt",
        ] {
            assert_eq!(forbidden_mount_point(path), None, "{path}");
        }
    }

    #[test]
    fn no_file_is_written_that_makes_a_user_root() {
        for path in [
            "/etc/shadow",
            "/etc/sudoers.d/x",
            "/root/x",
            "/home/x/.ssh/authorized_keys",
            "/srv/../etc/drbd.d/logs.res",
            "/usr/bin/sudo",
            "/etc/cron.d/x",
            "/etc/pam.d/sshd",
            "/etc/systemd/system/x.service",
        ] {
            assert!(forbidden_file(path).is_some(), "{path}");
        }
        for path in [
            "/var/lib/tomcat10/webapps/ROOT/index.html",
            "/etc/tomcat10/server.xml",
            "/usr/local/bin/check",
            "/etc/app.conf",
        ] {
            assert_eq!(forbidden_file(path), None, "{path}");
        }
    }
}
