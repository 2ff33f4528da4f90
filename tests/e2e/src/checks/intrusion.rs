//! A service's user who means harm: nobody leads the operator, which is root, elsewhere.

use anyhow::{Result, ensure};
use hapair_world::World;

use super::{LONG, SOON, not_ready_for, premise::at_home};

const ROOT: &str = "/var/lib/tomcat10/webapps/ROOT";

/// The page's directory belongs to tomcat, who plants links in it: beside the file, in its place, and in the
/// place of the directory.
pub fn links_are_not_followed(world: &mut World) -> Result<()> {
    at_home(world)?;
    let as_tomcat = |line: &str| world.lab.run(1, &format!("runuser -u tomcat -- sh -c '{line}'"));
    world.lab.run(1, "umask 077; echo secret > /etc/victim")?;
    as_tomcat(&format!(
        "mv {ROOT} {ROOT}.away; mkdir {ROOT}; ln -s /etc/victim {ROOT}/index.html.hapair-new"
    ))?;
    let page = format!("{ROOT}/index.html");
    world.wait("node2's page to be written anew", LONG, |world| {
        world.lab.run(1, &format!("cat {page}")).ok()
    })?;
    let victim = world.lab.run(1, "stat -c '%a %U' /etc/victim; cat /etc/victim")?;
    ensure!(
        victim == "600 root\nsecret\n",
        "root was led to another file: {victim}"
    );

    as_tomcat(&format!("ln -sf /etc/victim {page}"))?;
    not_ready_for(
        world,
        "hasg/tomcat",
        "PathUnusable",
        &["node2", &page, "symbolic link"],
    )?;
    as_tomcat(&format!("rm -r {ROOT}; ln -s /etc {ROOT}"))?;
    not_ready_for(
        world,
        "hasg/tomcat",
        "PathUnusable",
        &["node2", ROOT, "symbolic link"],
    )?;
    let left = world.lab.run(
        1,
        "ls /etc/index.html 2> /dev/null; stat -c '%a %U' /etc/victim; cat /etc/victim; rm /etc/victim",
    )?;
    ensure!(
        left == "600 root\nsecret\n",
        "root was led to another directory: {left}"
    );
    as_tomcat(&format!("rm {ROOT}; mv {ROOT}.away {ROOT}"))?;
    world.wait_for_condition("hapair/web", "Ready", "True", SOON)
}
