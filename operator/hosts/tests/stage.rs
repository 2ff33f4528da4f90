//! The script that runs a stage: whose stage it is, how far it goes, and what it says.
#![allow(clippy::unwrap_used, reason = "what does not work fails the test")]

mod ground;

use ground::{run, succeeds};

/// `stage OWNER EPOCH TAKE-OVER-FROM STEP…` runs a stage of these scripts, each without arguments.
const STAGE: &str = r#"
mkdir -p /run/stage/scripts
printf 'echo one >> /run/done; echo said one\n' > /run/stage/scripts/one
printf 'echo two >> /run/done; echo said two\n' > /run/stage/scripts/two
printf 'echo no; exit 65\n' > /run/stage/scripts/refuses
printf 'cat /var/lib/hapair/drbd.key\n' > /run/stage/scripts/tells
cp "$scripts/run" /run/stage/main
stage() {
  printf '%s\n%s\n%s\nweb/web\n' "$1" "$2" "$3" > /run/stage/authority
  shift 3
  rm -rf /run/stage/steps /run/done
  number=0
  for script in "$@"; do
    mkdir -p /run/stage/steps/00$number
    echo "$script" > /run/stage/steps/00$number/script
    : > /run/stage/steps/00$number/arguments
    : > /run/stage/steps/00$number/input
    number=$((number + 1))
  done
  sh /run/stage/main
}
"#;

fn staged(script: &str) -> String {
    format!("{STAGE}{script}")
}

#[test]
fn steps_run_in_order_and_the_owner_is_recorded() {
    let ran = succeeds(
        &[],
        &staged("stage c/p 7 '' one two; cat /run/done /var/lib/hapair/owner"),
    );
    assert_eq!(
        ran.said,
        "section 000 0 8\nsaid one\nsection 001 0 8\nsaid two\nend\none\ntwo\nc/p 7 web/web\n"
    );
}

/// flock(2) needs no more than a file that can be opened.
#[test]
fn nobody_else_can_hold_a_stage_up() {
    let ran = succeeds(
        &[],
        &staged("stage c/p 7 '' one > /dev/null; stat --format %a /run/hapair.lock /run/done"),
    );
    assert_eq!(ran.said, "600\n644\n");
}

#[test]
fn it_stops_at_the_first_step_that_fails() {
    let ran = succeeds(&[], &staged("stage c/p 7 '' one refuses two; cat /run/done"));
    assert_eq!(
        ran.said,
        "section 000 0 8\nsaid one\nsection 001 65 2\nno\nend\none\n"
    );
}

#[test]
fn nothing_runs_for_another_owner_or_an_older_epoch() {
    let script = |record: &str, stage: &str| {
        staged(&format!(
            "echo '{record}' > /var/lib/hapair/owner; code=0; {stage} || code=$?
            [ ! -e /run/done ]; [ \"$(cat /var/lib/hapair/owner)\" = '{record}' ]; exit $code"
        ))
    };
    let ran = run(&[], &script("c/other 3", "stage c/p 7 '' one"));
    assert_eq!((ran.code, ran.said.as_str()), (97, "c/other \n"));
    let ran = run(&[], &script("c/other 3 shop/database", "stage c/p 7 '' one"));
    assert_eq!((ran.code, ran.said.as_str()), (97, "c/other shop/database\n"));
    let ran = run(&[], &script("c/p 8", "stage c/p 7 '' one"));
    assert_eq!((ran.code, ran.said.as_str()), (98, "8\n"));
    // What is no number must not pass for an older one.
    let ran = run(&[], &script("c/p 99999999999999999999", "stage c/p 7 '' one"));
    assert_eq!(ran.code, 98, "{ran:?}");
}

#[test]
fn a_host_is_taken_over_from_the_owner_that_is_named() {
    let script = "echo c/other 30 > /var/lib/hapair/owner; stage c/p 7 c/other one > /dev/null; cat /var/lib/hapair/owner";
    assert_eq!(succeeds(&[], &staged(script)).said, "c/p 7 web/web\n");
}

#[test]
fn drbds_secret_is_not_told() {
    let ran = succeeds(
        &[],
        &staged("echo hunter22hunter22 > /var/lib/hapair/drbd.key; stage c/p 7 '' tells"),
    );
    assert!(
        !ran.said.contains("hunter22") && ran.said.contains("held DRBD's secret"),
        "{ran:?}"
    );
}
