//! Scripts that write to disks, run for real on loop devices (root needed): partitions, file systems, and
//! what keeps them from it.
#![allow(clippy::unwrap_used, reason = "what does not work fails the test")]

mod ground;

use ground::{refuses, run, succeeds};

/// A disk of 64 MiB. Not every kernel looks for partitions on a loop device, and nobody makes links by name
/// here: both are played from the table that sfdisk has really written.
const DISK: &str = r#"
truncate --size 64M /run/image
disk=$(losetup --find --show /run/image)
mkdir -p /run/by-partlabel /dev/disk/by-partlabel
mount --bind /run/by-partlabel /dev/disk/by-partlabel
labels() { sfdisk --dump "$disk" 2> /dev/null | sed -n 's/.*name="\([^"]*\)".*/\1/p'; }
( while sleep 0.1; do for label in $(labels); do ln -sf "$disk" "/dev/disk/by-partlabel/$label"; done; done ) > /dev/null 2>&1 &
udev=$!
trap 'kill $udev; losetup --detach "$disk"' EXIT
table() { printf "label: gpt\n$1\n" | sfdisk --quiet --wipe always "$disk" 2> /dev/null; }
make() { step make-partition "$disk" "$@" 2> /dev/null; }
"#;

const LSBLK: (&str, &str) = (
    "lsblk",
    r#"for disk; do :; done
columns=${*#*--output } columns=${columns%% *}
row() { line=''; for column in $(echo $columns | tr , ' '); do eval "line=\"\$line \$$column\""; done; echo ${line# }; }
TYPE=disk PARTLABEL='' PARTUUID=''; row
sfdisk --dump "$disk" 2> /dev/null | sed -n 's/.* uuid=\([^,]*\), name="\([^"]*\)".*/\1 \2/p' | while read -r uuid PARTLABEL; do
  TYPE=part PARTUUID=$(echo $uuid | tr A-F a-f); row
done"#,
);
const PARTITION_TOOLS: [(&str, &str); 2] = [LSBLK, ("partx", "")];

fn on_disk(script: &str) -> String {
    format!("{DISK}{script}")
}

#[test]
fn a_partition_is_made_on_a_blank_disk_and_a_second_beside_it() {
    let ran = succeeds(
        &PARTITION_TOOLS,
        &on_disk(
            "make hapair-logs 16 ''; make hapair-data '' ''; labels
            # Once more: they are there.
            before=$(sfdisk --dump $disk); make hapair-logs 16 ''; [ \"$before\" = \"$(sfdisk --dump $disk)\" ]",
        ),
    );
    assert_eq!(ran.said, "hapair-logs\nhapair-data\n");
}

#[test]
fn the_longest_stretch_without_a_partition_is_what_is_left() {
    let sysfs = "mount -t tmpfs none /sys/class/block; cd /sys/class/block; mkdir -p sdz/sdz1 sdz/sdz2 sdz/queue blank
        echo 2097152 | tee blank/size > sdz/size
        echo 2048 > sdz/sdz1/start; echo 204800 > sdz/sdz1/size; echo 1026048 > sdz/sdz2/start; echo 409600 > sdz/sdz2/size
        eval \"$(sed -n '/^free_space() {/,/^}/p' \"$scripts/probe\")\"; free_space /dev/sdz; free_space /dev/blank";
    let ran = succeeds(&[], sysfs);
    let mib = |number: u64| number << 20;
    assert_eq!(ran.said, format!("{}\n{}\n", mib(400), mib(1022)));
}

#[test]
fn a_disk_that_holds_something_else_is_left_alone_without_consent() {
    let make = "before=$(sha256sum < $disk); code=0
        make hapair-logs '' '' || code=$?; [ \"$before\" = \"$(sha256sum < $disk)\" ]; exit $code";
    let refuses =
        |what: &str, words: &str| refuses(&PARTITION_TOOLS, &on_disk(&format!("{what}\n{make}")), words);
    let ran = refuses(
        "table 'label-id: 6F1C20A4-0000-4000-8000-000000000001\\nname=someones'",
        "expected a blank disk",
    );
    assert!(
        ran.said
            .contains("gpt:6f1c20a4-0000-4000-8000-000000000001+part:"),
        "{ran:?}"
    );
    refuses("mke2fs -q $disk", "holds ext2:");
    refuses(
        "echo database | dd of=$disk bs=1M seek=30 status=none",
        "holds data",
    );
    refuses(
        "table 'size=8MiB, name=hapair-data\\nname=someones'",
        "holds partitions of volumes beside others",
    );
}

#[test]
fn what_was_agreed_to_goes_and_nothing_that_came_since() {
    let agreed = "table name=someones; agreed=$(step signatures $disk)\n";
    let ran = succeeds(
        &PARTITION_TOOLS,
        &on_disk(&format!("{agreed}make hapair-logs '' $agreed; labels")),
    );
    // wipefs complains of a kernel that does not read the table again.
    assert!(ran.said.ends_with("hapair-logs\n"), "{ran:?}");
    let since = on_disk(&format!("{agreed}table name=newer; make hapair-logs '' $agreed"));
    refuses(&PARTITION_TOOLS, &since, "expected a blank disk");
}

/// The job's tools that belong to DRBD and to systemd.
const TOOLS: [(&str, &str); 2] = [("drbdadm", ""), ("systemctl", "")];

/// The disk is DRBD's device here. `make TYPE copy|empty` makes its file system, for /srv/data.
const VOLUME: &str = r#"
truncate --size 64M /run/image
disk=$(losetup --find --show /run/image)
mount -t tmpfs -o mode=0755 none /srv
mkdir /srv/data
mkdir /run/dev
cp -a /dev/null /dev/zero /dev/urandom "$disk" /dev/fd /dev/loop-control /run/dev/
mknod /run/dev/drbd7 b 7 "${disk#/dev/loop}"
mount --bind /run/dev /dev
trap 'losetup --detach "$disk"' EXIT
mkdir /run/job
cp "$scripts/make-filesystem.job" "$scripts/safe-file.py" /run/job/
make() { sh /run/job/make-filesystem.job logs 7 "$1" /srv/data nobody:root 2770 "$2"; }
content() { mkdir -p /run/look; mount -t ext4 -o ro "$disk" /run/look; (cd /run/look; find . -name lost+found -prune -o -printf '%p %m %u\n' | sort); umount /run/look; }
"#;

fn on_volume(script: &str) -> String {
    format!("{VOLUME}{script}")
}

#[test]
fn an_empty_file_system_has_the_owner_and_mode_of_its_directory_and_its_label_last() {
    let ran = succeeds(
        &TOOLS,
        &on_volume(
            "make ext4 empty; content; blkid --probe --match-tag LABEL --output value $disk
        tune2fs -l $disk | grep 'Errors behavior'; ls /run/hapair-filesystem-logs 2> /dev/null || echo gone",
        ),
    );
    assert_eq!(
        ran.said,
        ". 2770 nobody\nhapair\nErrors behavior:          Remount read-only\ngone\n"
    );
    let drbd: Vec<_> = ran
        .calls
        .iter()
        .filter(|call| call.starts_with("drbdadm"))
        .collect();
    assert_eq!(drbd, ["drbdadm primary logs", "drbdadm secondary logs"]);
}

#[test]
fn what_is_in_the_directory_is_copied_with_owners_and_links_and_nothing_through_a_link() {
    let ran = succeeds(
        &TOOLS,
        &on_volume("cd /srv/data; mkdir sub; echo one > sub/one; chown nobody sub/one; chmod 600 sub/one; ln -s /etc/passwd link; cd /
        make ext4 copy; content"),
    );
    assert_eq!(
        ran.said,
        ". 2770 nobody\n./link 777 root\n./sub 755 root\n./sub/one 600 nobody\n"
    );
}

#[test]
fn a_run_that_was_cut_off_begins_anew_and_a_complete_one_is_left_alone() {
    let half = "mkfs.ext4 -q -L hapair-new $disk; mkdir -p /run/look; mount $disk /run/look; echo half > /run/look/half; umount /run/look
        echo whole > /srv/data/whole; make ext4 copy; content";
    assert_eq!(
        succeeds(&TOOLS, &on_volume(half)).said,
        ". 2770 nobody\n./whole 644 root\n"
    );
    let complete = "make ext4 empty; before=$(sha256sum < $disk); echo new > /srv/data/new; make ext4 copy; [ \"$before\" = \"$(sha256sum < $disk)\" ]";
    assert_eq!(succeeds(&TOOLS, &on_volume(complete)).said, "");
}

#[test]
fn a_device_with_somebodys_data_is_refused_and_made_secondary_again() {
    let script = "mkfs.ext4 -q -L theirs -U 6f1c20a4-0000-4000-8000-000000000001 $disk; before=$(sha256sum < $disk); code=0
        make ext4 empty || code=$?; [ \"$before\" = \"$(sha256sum < $disk)\" ]; exit $code";
    let ran = refuses(
        &TOOLS,
        &on_volume(script),
        "holds ext4 6f1c20a4-0000-4000-8000-000000000001",
    );
    assert_eq!(ran.calls.last().unwrap(), "drbdadm secondary logs");
}

#[test]
fn a_source_that_is_missing_or_written_to_is_refused() {
    let missing = "rmdir /srv/data; make ext4 copy";
    refuses(&TOOLS, &on_volume(missing), "is no directory on this host");
    let open =
        "sleep 60 > /srv/data/log & writer=$!; code=0; make ext4 copy || code=$?; kill $writer; exit $code";
    let ran = refuses(&TOOLS, &on_volume(open), "have files open below /srv/data");
    assert!(
        ran.said.contains("sleep") && !ran.said.contains("mke2fs"),
        "{ran:?}"
    );
}

#[test]
fn a_file_system_is_made_by_a_unit_that_outlives_the_connection() {
    let busy = run(
        &[("systemctl", ""), ("systemd-run", "")],
        "step make-filesystem logs 7 ext4 /srv root:root 755 empty",
    );
    assert_eq!(
        (busy.code, busy.calls.len()),
        (0, 1),
        "a running one is left alone: {busy:?}"
    );
    let idle = ("systemctl", "case $* in *is-active*) exit 3 ;; esac");
    let ran = succeeds(
        &[idle, ("systemd-run", "")],
        "step make-filesystem logs 7 ext4 /srv root:root 755 empty; ls /run/hapair-filesystem-job-logs",
    );
    let started = ran.calls.last().unwrap();
    assert!(
        started.contains("--unit hapair-filesystem-logs.service")
            && started.ends_with("/make-filesystem.job logs 7 ext4 /srv root:root 755 empty"),
        "{started}"
    );
    assert_eq!(ran.said, "make-filesystem.job\nsafe-file.py\n");
    let fails = (
        "systemd-run",
        "echo 'it holds ext4' >> /var/lib/hapair/filesystem-logs.log; exit 65",
    );
    refuses(
        &[idle, fails],
        "step make-filesystem logs 7 ext4 /srv root:root 755 empty",
        "it holds ext4",
    );
}
