//! Scripts that change files of the host that are not the operator's alone, and that forget a pair.
#![allow(clippy::unwrap_used, reason = "what does not work fails the test")]

mod ground;

use ground::succeeds;

const LINES: &str = "printf '192.0.2.11 node1\\n192.0.2.12 node2\\n' | step write-hosts-block\n";

#[test]
fn the_block_stands_first_in_the_hosts_file_and_what_is_around_it_stays() {
    let ran = succeeds(
        &[],
        &format!(
            "printf '127.0.1.1 node1\\n# mine\\n' >> /etc/hosts; {LINES}cat /etc/hosts; stat --format %a /etc/hosts; ls /etc/hosts.* 2> /dev/null || true
            before=$(cat /etc/hosts); {LINES}[ \"$before\" = \"$(cat /etc/hosts)\" ]"
        ),
    );
    assert_eq!(
        ran.said,
        "# hapair: begin (managed, changes here are undone)\n192.0.2.11 node1\n192.0.2.12 node2\n# hapair: \
         end\n127.0.0.1 localhost\n127.0.1.1 node1\n# mine\n644\n"
    );
    let ran = succeeds(
        &[],
        &format!("{LINES}step write-hosts-block < /dev/null; cat /etc/hosts"),
    );
    assert_eq!(ran.said, "127.0.0.1 localhost\n");
}

#[test]
fn firewalls_are_spoken_to_in_their_own_words() {
    let ran = succeeds(
        &[("firewall-cmd", "")],
        "touch /var/lib/hapair/pending/open-firewall; step open-firewall firewalld; ls /var/lib/hapair/pending",
    );
    assert_eq!(
        (ran.said.as_str(), ran.calls.as_slice()),
        ("", ["firewall-cmd --quiet --reload".to_owned()].as_slice())
    );
    let ufw = "mkdir -p /etc/ufw /etc/hapair
        echo '### tuple ### allow udp 5405 0.0.0.0/0 any 192.0.2.12 in comment=686170616972' > /etc/ufw/user.rules
        echo '### tuple ### allow tcp 7789 0.0.0.0/0 any 192.0.2.12 in comment=686170616972' >> /etc/ufw/user.rules
        echo '### tuple ### allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in' >> /etc/ufw/user.rules
        touch /etc/ufw/user6.rules
        printf 'udp 5405 192.0.2.12\\ntcp 8080 any\\n' > /etc/hapair/firewall.rules\n";
    let ran = succeeds(&[("ufw", "")], &format!("{ufw}step open-firewall ufw"));
    assert_eq!(
        ran.calls,
        [
            "ufw delete allow proto tcp from 192.0.2.12 to any port 7789",
            "ufw allow proto udp from 192.0.2.12 to any port 5405 comment hapair",
            "ufw allow proto tcp from any to any port 8080 comment hapair"
        ]
    );
    let ran = succeeds(
        &[("ufw", "")],
        &format!("{ufw}step close-firewall ufw; ls /etc/hapair"),
    );
    assert_eq!(ran.said, "");
    assert!(
        ran.calls.iter().all(|call| call.starts_with("ufw delete")) && ran.calls.len() == 2,
        "{ran:?}"
    );
}

#[test]
fn a_host_forgets_its_pair_but_not_whose_data_its_disks_hold() {
    let ran = succeeds(
        &[("systemctl", "")],
        &format!(
            "{LINES}cd /var/lib/hapair; mkdir volumes; echo abc zeroes 0 7789 > volumes/logs
            for file in drbd.key admin-password peer owner; do echo $file > $file; done
            mkdir -p /etc/hapair /etc/systemd/system/tomcat10.service.d /etc/systemd/system/mine.service.d
            echo > /etc/systemd/system/tomcat10.service.d/hapair.conf; echo > /etc/systemd/system/mine.service.d/mine.conf
            touch pending/unmask-corosync; ln -s /dev/null /etc/systemd/system/corosync.service
            echo ours > /etc/corosync/corosync.conf
            step forget /etc/corosync/corosync.conf
            find . -type f; cat left/logs; ls /etc/corosync /etc/hapair 2> /dev/null || true; find /etc/systemd/system -type f -o -type l; cat /etc/hosts"
        ),
    );
    assert_eq!(
        ran.said,
        "./left/logs\nabc zeroes 0 7789\n/etc/corosync:\n/etc/systemd/system/mine.service.d/mine.conf\n127.0.0.1 localhost\n"
    );
}

/// A script that nobody runs here may do anything.
#[test]
fn every_script_that_changes_something_is_run_in_a_test() {
    let tests = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests")).unwrap();
    let text: String = tests
        .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap_or_default())
        .collect();
    // Named by the scripts that call them, or run in another way.
    let elsewhere = [
        "probe",
        "read-journal",
        "read-state",
        "read-transition",
        "content.py",
        "verify-cib",
        "check-adjust",
        "watch.py",
    ];
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/scripts")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let runs = [
            format!("step {name} "),
            format!("step {name}\n"),
            format!("step {name};"),
            format!("/{name} "),
            format!("/{name}\" /run"),
            format!("step {name}\""),
        ];
        assert!(
            elsewhere.contains(&name.as_str()) || runs.iter().any(|run| text.contains(run)),
            "{name} is run by no test"
        );
    }
}
