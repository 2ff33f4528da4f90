//! What the host's own configuration brings up at boot: the probe, run for real.
#![allow(clippy::unwrap_used, reason = "what does not work fails the test")]

mod ground;

use ground::succeeds;

/// What the probe tells of 192.0.2.100, 2001:db8::100 and /var/log/tomcat10, where this script has written the
/// configuration.
fn told(configuration: &str) -> String {
    let ran = succeeds(
        &[],
        &format!(
            "cp /usr/lib/os-release /etc/os-release\n{configuration}\nmkdir /run/probe; cp $scripts/probe $scripts/fresh /run/probe
            printf '%s\\n' 'address 192.0.2.100' 'address 2001:db8::100' 'mount-point logs /var/log/tomcat10' > /run/probe/question
            sh /run/probe/probe > /run/probe/told; grep -q '^section at-boot 0 ' /run/probe/told
            sed -n '/^section at-boot /,$p' /run/probe/told | grep -E '^(192|2001|/var)' || true"
        ),
    );
    ran.said
}

/// A script that writes a file.
fn written(file: &str, text: &str) -> String {
    let folder = std::path::Path::new(file).parent().unwrap().display();
    format!("mkdir -p '{folder}'; cat > '{file}' <<'END'\n{text}\nEND")
}

#[test]
fn an_address_is_found_in_the_words_of_each_network_configuration() {
    let files = [
        (
            "/etc/network/interfaces",
            "auto eth0\niface eth0 inet static\n  address 192.0.2.100\n  netmask 255.255.255.0",
        ),
        (
            "/etc/network/interfaces.d/web",
            "allow-hotplug eth0\niface eth0 inet static\n  address 192.0.2.100/24",
        ),
        (
            "/etc/netplan/50-web.yaml",
            "      addresses: [192.0.2.11/24, 192.0.2.100/24]",
        ),
        ("/etc/netplan/51-web.yaml", "      - \"2001:db8::100/64\""),
        (
            "/etc/systemd/network/web.network",
            "[Network]\nAddress=192.0.2.100/24",
        ),
        (
            "/etc/NetworkManager/system-connections/Wired 1.nmconnection",
            "[ipv4]\naddress1=192.0.2.100/24,192.0.2.1",
        ),
        (
            "/etc/sysconfig/network-scripts/ifcfg-eth0",
            "IPADDR=192.0.2.100\nPREFIX=24",
        ),
    ];
    for (file, text) in files {
        let address = if text.contains("2001") {
            "2001:db8::100"
        } else {
            "192.0.2.100"
        };
        assert_eq!(
            told(&written(file, text)),
            format!("{address} {file}\n"),
            "{file}"
        );
    }
}

#[test]
fn a_neighbour_a_route_a_server_and_a_comment_are_not_the_address() {
    let text = "  address 192.0.2.10\n  address 192.0.2.1001\n  gateway 192.0.2.100\n# address 192.0.2.100/24\n  up ip route add \
        192.0.2.100/32 dev eth0\n  dns-nameservers 192.0.2.100";
    let interfaces = format!("mkdir -p /etc/network; cat > /etc/network/interfaces <<'END'\n{text}\nEND");
    assert_eq!(told(&interfaces), "");
    let text = "      addresses: [192.0.2.11/24]\n      nameservers:\n        addresses: [192.0.2.100]\n      routes:\n      - to: 192.0.2.100/32\n        via: 192.0.2.1";
    let netplan = format!("mkdir -p /etc/netplan; cat > /etc/netplan/a.yaml <<'END'\n{text}\nEND");
    assert_eq!(told(&netplan), "");
    assert_eq!(told(":"), "");
    let rules = [
        (
            "/etc/netplan/a.yaml",
            "      routing-policy:\n      - from: 192.0.2.100/32",
        ),
        (
            "/etc/netplan/a.yaml",
            "      addresses: [192.0.2.11/24]  # 192.0.2.100/24 is the pair's",
        ),
        (
            "/etc/systemd/network/a.network",
            "[RoutingPolicyRule]\nFrom=192.0.2.100/32",
        ),
        (
            "/etc/network/interfaces",
            "auto eth0\niface eth0 inet dhcp\n  post-up ip rule add from 192.0.2.100/32 table 7",
        ),
    ];
    for (file, text) in rules {
        assert_eq!(told(&written(file, text)), "", "{text}");
    }
}

#[test]
fn an_address_of_an_interface_that_the_boot_leaves_alone_is_not_brought_up() {
    let left_alone = [
        (
            "/etc/network/interfaces",
            "auto eth0\niface eth0:vip inet static\n  address 192.0.2.100",
        ),
        (
            "/etc/NetworkManager/system-connections/vip",
            "[connection]\nautoconnect=false\n[ipv4]\naddress1=192.0.2.100/24",
        ),
        (
            "/etc/sysconfig/network-scripts/ifcfg-eth9",
            "ONBOOT=\"no\"\nIPADDR=192.0.2.100",
        ),
    ];
    for (file, text) in left_alone {
        assert_eq!(told(&written(file, text)), "", "{text}");
    }
}

#[test]
fn a_mount_is_found_unless_the_boot_leaves_it_alone() {
    let fstab = |options: &str| {
        told(&format!(
            "echo '/dev/sdb1 /var/log/tomcat10 ext4 {options} 0 2' > /etc/fstab"
        ))
    };
    assert_eq!(fstab("defaults"), "/var/log/tomcat10 /etc/fstab\n");
    assert_eq!(fstab("nofail,noauto"), "");
    assert_eq!(
        fstab("noauto,x-systemd.automount"),
        "/var/log/tomcat10 /etc/fstab\n"
    );
    assert_eq!(
        told("echo '#/dev/sdb1 /var/log/tomcat10 ext4 defaults 0 2' > /etc/fstab"),
        ""
    );
    let unit = "cd /etc/systemd/system; printf '[Mount]\\nWhat=/dev/sdb1\\nWhere=/var/log/tomcat10\\n' > var-log-tomcat10.mount; cd /";
    assert_eq!(told(unit), "");
    let enabled = format!(
        "{unit}; mkdir /etc/systemd/system/local-fs.target.wants; ln -s ../var-log-tomcat10.mount /etc/systemd/system/local-fs.target.wants/"
    );
    assert_eq!(
        told(&enabled),
        "/var/log/tomcat10 /etc/systemd/system/local-fs.target.wants/var-log-tomcat10.mount\n"
    );
}
