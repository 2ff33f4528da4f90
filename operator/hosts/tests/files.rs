//! The scripts that write and remove files below directories that somebody else may own, run for real (root
//! needed), in a mount namespace of their own. Nobody may lead root elsewhere; what stood at a path comes
//! back.
#![allow(clippy::unwrap_used, reason = "what does not work fails the test")]

use std::process::{Command, Output};

/// A user of every distribution who is not root.
const USER: &str = "nobody";

/// Runs a shell script where `/srv` and `/var/lib/hapair` are empty, `write PATH MODE OWNER KEEP MARK` and `step NAME …`
/// are the operator's scripts, and `as_user COMMAND…` runs a command as that user.
fn run(script: &str) -> Output {
    let scripts = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts");
    let group = r#"group=$(id -gn nobody)"#;
    let ground = format!(
        "set -eu\nmkdir -p /var/lib/hapair /srv\nmount -t tmpfs -o mode=0755 none /srv\nmount -t tmpfs -o \
         mode=0700 none /var/lib/hapair\n{group}\n\
         write() {{ sh {scripts}/write-file \"$@\"; }}\nsafe() {{ python3 -IS {scripts}/safe-file.py \"$@\"; \
         }}\n\
         step() {{ script=$1; shift; sh {scripts}/$script \"$@\"; }}\n\
         as_user() {{ setpriv --reuid={USER} --regid=\"$group\" --clear-groups \"$@\"; }}\n{script}"
    );
    Command::new("unshare")
        .args(["--mount", "sh", "-c", &ground])
        .output()
        .unwrap()
}

fn succeeds(script: &str) -> String {
    let output = run(script);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    text
}

/// The script ends with the exit status of a refusal; returns what it said.
fn refused(script: &str) -> String {
    let output = run(script);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(
        output.status.code(),
        Some(65),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    text
}

#[test]
fn a_file_has_the_content_mode_and_owner_that_were_asked_for() {
    let seen = succeeds(
        "install -d -o nobody -g $group /srv/page\necho hello | write /srv/page/index.html 0640 \
         nobody:$group original ''\n\
         cat /srv/page/index.html; stat -c '%a %U' /srv/page/index.html; ls -A /srv/page",
    );
    assert_eq!(seen, "hello\n640 nobody\nindex.html\n");
    let seen = succeeds(
        "echo key | write /srv/new/key 400 root:root '' follow\nstat -c '%a %U' /srv/new/key; ls \
         /var/lib/hapair/pending",
    );
    assert_eq!(seen, "400 root\nfollow\n");
}

/// The case that was seen: a link under the name of the temporary file that the script used to write to.
#[test]
fn a_link_planted_beside_a_file_is_never_followed() {
    let seen = succeeds(
        "echo secret > /srv/victim; chmod 600 /srv/victim\ninstall -d -o nobody -g $group /srv/page\n\
         as_user ln -s /srv/victim /srv/page/index.html.hapair-new\necho page | write /srv/page/index.html \
         644 nobody:$group original ''\n\
         cat /srv/victim; stat -c '%a %U' /srv/victim; cat /srv/page/index.html",
    );
    assert_eq!(seen, "secret\n600 root\npage\n");
}

#[test]
fn a_file_that_is_a_link_or_a_directory_is_refused() {
    let ground = "echo secret > /srv/victim; install -d -o nobody -g $group /srv/page\n";
    let said = refused(&format!(
        "{ground}as_user ln -s /srv/victim /srv/page/index.html\necho x | write /srv/page/index.html 644 \
         nobody:$group '' ''"
    ));
    assert!(said.contains("/srv/page/index.html is a symbolic link"), "{said}");
    let said = refused(&format!(
        "{ground}as_user mkdir /srv/page/index.html\necho x | write /srv/page/index.html 644 nobody:$group \
         '' ''"
    ));
    assert!(said.contains("/srv/page/index.html is a directory"), "{said}");
}

#[test]
fn a_directory_on_the_way_that_is_a_link_is_refused() {
    let said = refused(
        "install -d -o nobody -g $group /srv/apps; mkdir /srv/etc\nas_user ln -s /srv/etc /srv/apps/ROOT\n\
         echo x | write /srv/apps/ROOT/index.html 644 nobody:$group '' '' || { code=$?; ls -A /srv/etc; exit \
         $code; }",
    );
    assert!(
        said.contains("/srv/apps/ROOT is a symbolic link") && !said.contains("index.html\n"),
        "{said}"
    );
}

#[test]
fn a_directory_that_a_third_can_write_to_is_refused() {
    let said = refused(
        "install -d -o nobody -g $group /srv/apps\necho x | write /srv/apps/index.html 644 root:root '' ''",
    );
    assert!(said.contains("/srv/apps belongs to nobody"), "{said}");
    let said =
        refused("install -d -m 1777 /srv/open\necho x | write /srv/open/index.html 644 root:root '' ''");
    assert!(
        said.contains("/srv/open can be written by others (mode 1777)"),
        "{said}"
    );
    let said = refused(
        "install -d -m 775 -g daemon /srv/team\necho x | write /srv/team/index.html 644 root:root '' ''",
    );
    assert!(said.contains("/srv/team can be written by others"), "{said}");
    let said = refused("echo x | write /srv/../srv/x 644 root:root '' ''");
    assert!(said.contains("is not written out"), "{said}");
}

#[test]
fn in_a_directory_of_the_owner_the_work_is_done_as_the_owner() {
    // Root could write here; the owner cannot.
    let output = run(
        "install -d -o nobody -g $group -m 555 /srv/page\necho x | write /srv/page/index.html 644 \
         nobody:$group '' ''",
    );
    assert_eq!(output.status.code(), Some(1));
    assert!(
        String::from_utf8_lossy(&output.stdout).contains("Permission denied"),
        "{output:?}"
    );
}

#[test]
fn what_a_power_cut_left_of_a_write_is_removed_by_the_next() {
    let seen = succeeds(
        "mkdir /srv/page; : > /srv/page/.hapair-0123456789abcdef0123456789abcdef; : > \
         /srv/page/.hapair-notes\n\
         echo x | write /srv/page/index.html 644 root:root '' ''\nls -A /srv/page",
    );
    assert_eq!(seen, ".hapair-notes\nindex.html\n");
}

#[test]
fn what_stood_at_a_path_is_given_back_with_its_owner_and_mode() {
    let seen = succeeds(
        "mkdir -p /srv/page; echo theirs > /srv/page/index.html; chown nobody:$group /srv/page/index.html; \
         chmod 640 /srv/page/index.html\n\
         for content in one two; do echo $content | write /srv/page/index.html 644 root:root original ''; \
         done\n\
         echo new | write /srv/page/new.html 644 root:root original ''\ncat /srv/page/index.html \
         /srv/page/new.html\n\
         safe give-back\nls /srv/page; cat /srv/page/index.html; stat -c '%a %U' /srv/page/index.html; ls -A \
         /var/lib/hapair/originals /var/lib/hapair/new-files",
    );
    assert_eq!(
        seen,
        "two\nnew\nindex.html\ntheirs\n640 nobody\n/var/lib/hapair/new-files:\n\n/var/lib/hapair/originals:\n"
    );
}

#[test]
fn nothing_is_removed_through_a_link() {
    let seen = succeeds(
        "install -d -o nobody -g $group /srv/apps; mkdir /srv/etc; echo theirs > \
         /srv/etc/index.html\nas_user ln -s /srv/etc /srv/apps/ROOT\n\
         as_user touch /srv/apps/mine\nsafe remove /srv/apps/ROOT/index.html /srv/apps/mine /srv/apps/none \
         /srv/none/none\nls -A /srv/apps; cat /srv/etc/index.html",
    );
    assert!(
        seen.starts_with("/srv/apps/ROOT/index.html is left alone: ") && seen.ends_with("ROOT\ntheirs\n"),
        "{seen}"
    );
}

#[test]
fn a_directory_is_copied_only_from_where_root_alone_could_have_put_it() {
    let check =
        |path: &str| format!("install -d -o nobody -g $group /srv/apps/data\nsafe check-directory {path}");
    succeeds(&check("/srv/apps"));
    succeeds(&check("/srv/apps/data"));
    let said = refused(
        "install -d -o nobody -g $group /srv/apps; as_user mkdir /srv/apps/data\nsafe check-directory \
         /srv/apps/data",
    );
    assert!(said.contains("/srv/apps belongs to nobody"), "{said}");
}

#[test]
fn what_is_too_large_to_be_kept_is_not_replaced() {
    let said = refused(
        "install -d -o nobody -g $group /srv/page; as_user truncate -s 100G /srv/page/index.html\n\
         echo x | write /srv/page/index.html 644 nobody:$group original '' || { code=$?; ls -A \
         /var/lib/hapair/originals; exit $code; }",
    );
    assert!(
        said.contains("index.html is no regular file of at most 4 MiB"),
        "{said}"
    );
}

#[test]
fn one_file_that_cannot_be_given_back_keeps_no_other_from_it() {
    let seen = succeeds(
        "install -d -o nobody -g $group /srv/one /srv/two; for each in one two; do echo theirs > \
         /srv/$each/x; echo ours | write /srv/$each/x 644 nobody:$group \
         original ''; done\nchmod 555 /srv/one; safe give-back; cat /srv/one/x /srv/two/x; ls \
         /var/lib/hapair/originals /var/lib/hapair/kept",
    );
    let kept = "/var/lib/hapair/kept:\nsrv:one:x\n\n/var/lib/hapair/originals:\n";
    assert!(
        seen.contains("/srv/one/x is not given back") && seen.ends_with(&format!("ours\ntheirs\n{kept}")),
        "{seen}"
    );
}

#[test]
fn a_group_that_leaves_has_only_its_own_files_given_back() {
    let seen = succeeds(
        "mkdir -p /srv/page; echo theirs > /srv/page/one; for each in one two three; do echo ours | write /srv/page/$each 644 root:root \
         original ''; done\n\
         step give-back /srv/page/one /srv/page/two /srv/page/none; cat /srv/page/one; ls /srv/page /var/lib/hapair/originals \
         /var/lib/hapair/new-files",
    );
    assert_eq!(
        seen,
        "theirs\n/srv/page:\none\nthree\n\n/var/lib/hapair/new-files:\nsrv:page:three\n\n/var/lib/hapair/originals:\n"
    );
}
