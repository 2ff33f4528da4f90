//! Scripts that drive DRBD. The metadata is made and read for real, by drbdadm on a loop device; what needs
//! the kernel's module is played by tools.
#![allow(clippy::unwrap_used, reason = "what does not work fails the test")]

mod ground;

use ground::{refuses, run, succeeds};

/// A resource file, and a device of 64 MiB for it under the name /run/disk.
const DISK: &str = r#"
# The metadata that kernels have a reader for: drbdadm asks a module that is not there.
export DRBD_DRIVER_VERSION_OVERRIDE=8.4.11
truncate --size 64M /run/image
loop=$(losetup --find --show /run/image)
trap 'losetup --detach "$loop"' EXIT
ln -s "$loop" /run/disk
echo 'global { usage-count no; }' > /etc/drbd.conf
echo 'include "drbd.d/*.res";' >> /etc/drbd.conf
cat > /etc/drbd.d/logs.res << END
# Managed by hapair-operator; changes here are undone.
resource logs {
  net { protocol C; }
  on $(uname -n) { device /dev/drbd0 minor 0; disk /run/disk; meta-disk internal; address ipv4 127.0.0.1:7789; }
  on other { device /dev/drbd0 minor 0; disk /run/disk; meta-disk internal; address ipv4 127.0.0.2:7789; }
}
END
make() { step create-metadata logs /run/disk "$1" 0 7789 2> /run/errors || { code=$?; cat /run/errors; return $code; }; }
record() { sed 's/^[0-9a-f]* /UUID /' /var/lib/hapair/volumes/logs; }
"#;
const MODPROBE: (&str, &str) = ("modprobe", "");

#[test]
fn metadata_is_made_on_a_blank_device_and_recorded_with_its_uuid() {
    let ran = succeeds(
        &[MODPROBE],
        &format!(
            "{DISK}make '' > /dev/null; record
            # wipefs spells a UUID without its leading zeroes.
            [ \"$(cut -d ' ' -f 1 /var/lib/hapair/volumes/logs)\" = \"$(wipefs --noheadings --output UUID /run/disk)\" ]
            # Once more: it is ours.
            before=$(cat /var/lib/hapair/volumes/logs); make ''; [ \"$before\" = \"$(cat /var/lib/hapair/volumes/logs)\" ]"
        ),
    );
    assert_eq!(ran.said, "UUID zeroes 0 7789\n");
}

#[test]
fn a_device_that_holds_something_else_is_refused_and_untouched() {
    let script = format!(
        "{DISK}mke2fs -q -U 6f1c20a4-0000-4000-8000-000000000001 /run/disk; before=$(sha256sum < /run/disk); code=0
        make '' || code=$?; [ \"$before\" = \"$(sha256sum < /run/disk)\" ]; [ ! -e /var/lib/hapair/volumes/logs ]; exit $code"
    );
    refuses(
        &[MODPROBE],
        &script,
        "holds ext2:6f1c20a4-0000-4000-8000-000000000001",
    );
    let agreed = format!(
        "{DISK}mke2fs -q -U 6f1c20a4-0000-4000-8000-000000000001 /run/disk
        make ext2:6f1c20a4-0000-4000-8000-000000000001 > /dev/null; record"
    );
    assert_eq!(succeeds(&[MODPROBE], &agreed).said, "UUID unknown 0 7789\n");
    let raw = format!("{DISK}echo database | dd of=/run/disk bs=1M seek=30 status=none; make ''");
    refuses(&[MODPROBE], &raw, "holds data");
}

#[test]
fn metadata_of_another_is_refused() {
    let foreign = format!("{DISK}drbdadm create-md logs < /dev/null > /dev/null 2>&1; make ''");
    refuses(&[MODPROBE], &foreign, "holds drbd:");
    let another_record = format!(
        "{DISK}mkdir /var/lib/hapair/volumes; echo abcdef zeroes 0 7789 > /var/lib/hapair/volumes/logs
        drbdadm create-md logs < /dev/null > /dev/null 2>&1; make ''"
    );
    refuses(&[MODPROBE], &another_record, "holds drbd:");
}

#[test]
fn a_run_that_was_cut_off_is_taken_up_again() {
    // Before the metadata, and between it and its record.
    for made in ["", "drbdadm create-md logs < /dev/null > /dev/null 2>&1"] {
        let ran = succeeds(
            &[MODPROBE],
            &format!(
                "{DISK}mkdir /var/lib/hapair/volumes; echo pending zeroes 0 7789 /run/disk > /var/lib/hapair/volumes/logs
                {made}
                make '' > /run/said || {{ code=$?; cat /run/said; exit $code; }}; record"
            ),
        );
        assert_eq!(ran.said, "UUID zeroes 0 7789\n", "{made}");
    }
    // After signatures were wiped with consent: what is left has none.
    let wiped = format!(
        "{DISK}mkdir /var/lib/hapair/volumes; echo pending unknown 0 7789 /run/disk > /var/lib/hapair/volumes/logs
        echo rest | dd of=/run/disk bs=1M seek=30 status=none; make ext4:some > /dev/null; record"
    );
    assert_eq!(succeeds(&[MODPROBE], &wiped).said, "UUID unknown 0 7789\n");
    // On another device nothing of it counts.
    let elsewhere = wiped
        .replace("7789 /run/disk", "7789 /run/other")
        .replace(" > /dev/null", "");
    refuses(&[MODPROBE], &elsewhere, "holds data");
}

#[test]
fn metadata_that_is_up_is_recorded() {
    let ran = succeeds(
        &[],
        "step record-metadata logs 1f2e3d 3 7790; ls /var/lib/hapair/volumes; cat /var/lib/hapair/volumes/*",
    );
    assert_eq!(ran.said, "logs\n1f2e3d unknown 3 7790\n");
}

/// A resource that is up on /run/disk, and a drbdadm that says what an adjust would do.
fn adjust(plan: &str) -> [(&str, String); 3] {
    [
        ("modprobe", String::new()),
        (
            "drbdsetup",
            "printf 'resource logs {\\n    disk\\t\"/run/disk\";\\n}\\n'".to_owned(),
        ),
        (
            "drbdadm",
            format!("case $* in *' -d adjust '*) printf '%s\\n' '{plan}'; cp \"$2\" /run/asked ;; esac"),
        ),
    ]
}

fn borrowed<'a>(tools: &'a [(&'a str, String)]) -> Vec<(&'a str, &'a str)> {
    tools.iter().map(|(name, does)| (*name, does.as_str())).collect()
}

#[test]
fn a_running_resource_gets_its_new_options_after_a_trial() {
    let tools = adjust("drbdsetup net-options ipv4:192.0.2.11 ipv4:192.0.2.12 --ping-int=1");
    let ran = succeeds(
        &borrowed(&tools),
        "touch /run/image /var/lib/hapair/pending/adjust-logs; ln -s image /run/disk
        echo 'disk /run/disk;' > /etc/drbd.d/logs.res; step bring-up logs; ls /var/lib/hapair/pending /run | grep -c hapair-drbd || true",
    );
    let trial = ran
        .calls
        .iter()
        .position(|call| call.contains(" -d adjust logs"))
        .unwrap();
    let adjust = ran
        .calls
        .iter()
        .position(|call| call.ends_with(" adjust logs") && !call.contains(" -d "))
        .unwrap();
    assert!(trial < adjust, "{ran:?}");
    assert_eq!(ran.said, "0\n");
}

#[test]
fn what_would_take_a_running_resource_apart_is_refused_without_its_secret() {
    for word in [
        "detach 0",
        "disconnect ipv4:192.0.2.11 ipv4:192.0.2.12 --shared-secret=hunter2",
        "down logs",
        "del-minor 0",
    ] {
        let plan = format!("drbdsetup {word}");
        let tools = adjust(&plan);
        let ran = refuses(
            &borrowed(&tools),
            "touch /var/lib/hapair/pending/adjust-logs; echo 'disk /run/disk;' > /etc/drbd.d/logs.res; code=0
            step bring-up logs || code=$?; ls /var/lib/hapair/pending /run; exit $code",
            "would take it apart",
        );
        assert!(
            ran.said.contains("adjust-logs") && !ran.said.contains("hunter2"),
            "{ran:?}"
        );
        assert!(
            !ran.said.contains("hapair-drbd"),
            "the trial's file is left: {ran:?}"
        );
        assert!(
            !ran.calls
                .iter()
                .any(|call| call.starts_with("drbdadm") && !call.contains(" -d ")),
            "{ran:?}"
        );
    }
}

#[test]
fn another_name_of_the_running_disk_is_tried_under_the_running_name() {
    let tools = adjust("");
    let ran = succeeds(
        &borrowed(&tools),
        "mkdir /dev/shm/hapair-test; trap 'rm -r /dev/shm/hapair-test' EXIT
        touch /run/disk; ln -s /run/disk /dev/shm/hapair-test/other
        echo '    disk /dev/shm/hapair-test/other;' > /etc/drbd.d/logs.res; step bring-up logs; cat /run/asked",
    );
    assert_eq!(ran.said, "    disk /run/disk;\n");
}

#[test]
fn a_resource_that_is_down_is_brought_up() {
    let tools = [("modprobe", ""), ("drbdsetup", "exit 10"), ("drbdadm", "")];
    let ran = succeeds(
        &tools,
        "touch /var/lib/hapair/pending/adjust-logs; step bring-up logs; ls /var/lib/hapair/pending",
    );
    assert_eq!(ran.calls.last().unwrap(), "drbdadm adjust logs");
    assert_eq!(ran.said, "");
}

const TAKE_DOWN: &str = "echo '# Managed by hapair-operator' > /etc/drbd.d/logs.res; code=0
step take-down logs || code=$?; ls /etc/drbd.d; exit $code";

#[test]
fn a_resource_that_is_in_use_or_somebody_elses_stays_up() {
    let primary = "echo 'exists resource name:logs role:Primary suspended:no'";
    let ran = refuses(
        &[("drbdsetup", primary), ("drbdadm", "")],
        TAKE_DOWN,
        "logs is Primary",
    );
    assert!(
        ran.said.ends_with("logs.res\n") && ran.calls.len() == 1,
        "{ran:?}"
    );
    let theirs = TAKE_DOWN.replace("# Managed by hapair-operator", "# mine");
    let ran = refuses(&[("drbdsetup", ""), ("drbdadm", "")], &theirs, "someone else's");
    assert!(ran.calls.is_empty(), "{ran:?}");
}

#[test]
fn a_resource_is_taken_down_before_its_file_goes() {
    let secondary = (
        "drbdsetup",
        "echo 'exists resource name:logs role:Secondary suspended:no'",
    );
    let ran = succeeds(&[secondary, ("drbdadm", "")], TAKE_DOWN);
    assert_eq!(
        (ran.said.as_str(), ran.calls.last().unwrap().as_str()),
        ("", "drbdadm down logs")
    );
    let ran = run(&[secondary, ("drbdadm", "exit 11")], TAKE_DOWN);
    assert_eq!((ran.code, ran.said.as_str()), (11, "logs.res\n"), "{ran:?}");
    // Once more, when it is gone.
    let ran = succeeds(&[("drbdsetup", ""), ("drbdadm", "")], "step take-down logs");
    assert!(
        !ran.calls.iter().any(|call| call.starts_with("drbdadm")),
        "{ran:?}"
    );
}

/// A leg as drbdsetup shows it: blank or with data, and its peer's.
fn legs(generation: &str, connection: &str, peer: &str, before: &str, after: &str) -> String {
    format!(
        "case $* in
          get-gi*) echo {generation}:0000000000000000:0:0:1:0 ;;
          events2*) disk={before}; [ ! -e /run/done ] || disk={after}
            echo 'exists connection name:logs connection:{connection} role:Secondary'
            echo \"exists device name:logs disk:$disk\"; echo 'exists peer-device name:logs peer-disk:{peer} ' ;;
          new-current-uuid*) touch /run/done ;;
        esac"
    )
}

#[test]
fn two_blank_legs_get_their_first_generation_with_a_copy_or_without() {
    let blank = legs(
        "0000000000000004",
        "Connected",
        "Inconsistent",
        "Inconsistent",
        "UpToDate",
    );
    let tools = [("drbdsetup", blank.as_str()), ("drbdadm", "touch /run/done")];
    let ran = succeeds(&tools, "step create-first-generation logs 0 skip");
    assert!(
        ran.calls
            .contains(&"drbdsetup new-current-uuid --clear-bitmap 0".to_owned()),
        "{ran:?}"
    );
    assert!(
        !ran.calls.iter().any(|call| call.starts_with("drbdadm")),
        "{ran:?}"
    );
    let ran = succeeds(&tools, "step create-first-generation logs 0 copy");
    let changes: Vec<_> = ran
        .calls
        .iter()
        .filter(|call| call.starts_with("drbdadm"))
        .collect();
    assert_eq!(
        changes,
        ["drbdadm primary --force logs", "drbdadm secondary logs"]
    );
}

#[test]
fn legs_that_hold_data_get_no_first_generation() {
    let changes = |ran: &ground::Ran| {
        ran.calls
            .iter()
            .any(|call| call.contains("new-current-uuid") || call.contains("primary"))
    };
    let with_data = legs(
        "1F2E3D4C5B6A7988",
        "Connected",
        "Inconsistent",
        "Inconsistent",
        "Inconsistent",
    );
    let ran = refuses(
        &[("drbdsetup", &with_data), ("drbdadm", "")],
        "step create-first-generation logs 0 copy",
        "already holds data",
    );
    assert!(!changes(&ran), "{ran:?}");
    let done = legs(
        "1F2E3D4C5B6A7988",
        "Connected",
        "UpToDate",
        "UpToDate",
        "UpToDate",
    );
    assert!(!changes(&succeeds(
        &[("drbdsetup", &done), ("drbdadm", "")],
        "step create-first-generation logs 0 copy"
    )));
    let peer = legs(
        "0000000000000004",
        "Connected",
        "UpToDate",
        "Inconsistent",
        "Inconsistent",
    );
    let ran = refuses(
        &[("drbdsetup", &peer), ("drbdadm", "")],
        "step create-first-generation logs 0 skip",
        "the peer's leg is not blank",
    );
    assert!(!changes(&ran), "{ran:?}");
}

#[test]
fn legs_that_do_not_meet_are_waited_for_and_then_told() {
    let apart = legs(
        "0000000000000004",
        "Connecting",
        "DUnknown",
        "Inconsistent",
        "Inconsistent",
    );
    // A minute passes at once.
    let clock = "echo >> /run/ticks; echo $(($(wc -l < /run/ticks) * 20))";
    let ran = run(
        &[("drbdsetup", &apart), ("drbdadm", ""), ("date", clock)],
        "step create-first-generation logs 0 copy",
    );
    assert!(
        ran.code == 75 && ran.said.contains("not connected to the peer within a minute"),
        "{ran:?}"
    );
}

/// A leg on this disk, in this role, and its peer's disk, as drbdsetup shows them; empty for one that is without a disk.
fn leg(disk: &str, role: &str, peers: &str) -> String {
    let shown = match disk {
        "" => "echo '            disk                        none;'".to_owned(),
        disk => format!("echo '            disk                        \"{disk}\";'"),
    };
    format!(
        "case $1 in show) {shown} ;; events2) echo 'exists resource name:logs role:{role} suspended:no'; \
         echo 'exists peer-device name:logs peer-node-id:0 replication:Established peer-disk:{peers}' ;; esac"
    )
}

#[test]
fn a_disk_is_taken_away_only_beside_a_good_leg_and_leaves_a_mark() {
    let is_marked = "[ -e /var/lib/hapair/pending/attach-logs ]";
    let detaches = |drbdsetup: &str, disk: &str| {
        let tools = [MODPROBE, ("drbdsetup", drbdsetup), ("drbdadm", "")];
        let script =
            format!("code=0; step detach logs '{disk}' || code=$?; {is_marked} && echo marked; exit $code");
        let ran = run(&tools, &script);
        let detached = ran.calls.iter().any(|call| call == "drbdadm detach logs");
        (ran.code, ran.said.contains("marked"), detached)
    };
    let refused = (65, false, false);
    let good = leg("/dev/sdb", "Secondary", "UpToDate");
    assert_eq!(detaches(&good, "/dev/sdb"), (0, true, true));
    assert_eq!(detaches(&good, "/dev/sdc"), refused);
    assert_eq!(detaches(&good, ""), refused);
    assert_eq!(
        detaches(&leg("/dev/sdb", "Primary", "UpToDate"), "/dev/sdb"),
        refused
    );
    assert_eq!(
        detaches(&leg("/dev/sdb", "Secondary", "Inconsistent"), "/dev/sdb"),
        refused
    );
    // Without its disk it may be Primary.
    assert_eq!(detaches(&leg("", "Primary", "UpToDate"), ""), (0, true, false));
    // It is down.
    assert_eq!(detaches("exit 10", ""), (0, true, false));
    assert_eq!(detaches("exit 10", "/dev/sdb"), refused);
}
