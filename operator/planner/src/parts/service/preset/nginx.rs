//! nginx.

use super::{Definition, Installed};

/// nginx. The same package and unit on every distribution.
pub const NGINX: Definition = Definition {
    installed: |_| {
        Some(Installed {
            package: "nginx",
            unit: "nginx",
            starter: None,
        })
    },
    files: |_| Vec::new(),
    // nginx-common's postinst on Debian.
    made: &["/var/www/html/index.nginx-debian.html"],
    neighbours: &[],
    user: None,
    paths: &["/var/www/html", "/usr/share/nginx/html"],
};
