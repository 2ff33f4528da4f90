//! Scripts that carry the cluster's configuration, run with pacemaker's own tools on a file.
#![allow(clippy::unwrap_used, reason = "what does not work fails the test")]

mod ground;

use ground::{refuses, run, succeeds};

/// A configuration as pacemaker prints it, with one resource.
const CIB: &str = r#"
cat > /run/cib << 'END'
<cib crm_feature_set="3.16.1" validate-with="pacemaker-3.7" epoch="5" num_updates="0" admin_epoch="1">
  <configuration>
    <crm_config>
      <cluster_property_set id="cib-bootstrap-options">
        <nvpair id="opt-stonith" name="stonith-enabled" value="false"/>
        <nvpair id="opt-delay" name="cluster-delay" value="60s"/>
      </cluster_property_set>
    </crm_config>
    <nodes>
      <node id="1" uname="node1"/>
      <node id="2" uname="node2"/>
    </nodes>
    <resources>
      <primitive id="a" class="ocf" provider="heartbeat" type="Dummy"/>
    </resources>
    <constraints/>
  </configuration>
  <status/>
</cib>
END
"#;

const NO_PACEMAKER: (&str, &str) = ("systemctl", "exit 3");
/// safe-file.py gives the file to the cluster's user, which there need not be here.
const USER: &str = "grep -q ^haclient: /etc/group || echo 'haclient:x:64999:' >> /etc/group
grep -q ^hacluster: /etc/passwd || echo 'hacluster:x:64999:64999::/:/bin/false' >> /etc/passwd\n";

#[test]
fn the_first_configuration_is_put_in_place_whole_and_without_an_old_signature() {
    let ran = succeeds(
        &[NO_PACEMAKER],
        &format!(
            "{CIB}{USER}cd /var/lib/pacemaker/cib; echo old > cib.xml.sig
            step seed-cib < /run/cib; cmp cib.xml /run/cib; stat --format '%a %U:%G %n' *
            # Once more: it is there already.
            step seed-cib < /run/cib"
        ),
    );
    assert_eq!(ran.said, "600 hacluster:haclient cib.xml\n");
}

#[test]
fn a_configuration_is_never_put_over_another_or_under_a_running_pacemaker() {
    let other = format!(
        "{CIB}{USER}echo other > /var/lib/pacemaker/cib/cib.xml; code=0
        step seed-cib < /run/cib || code=$?; cat /var/lib/pacemaker/cib/cib.xml; exit $code"
    );
    let ran = refuses(&[NO_PACEMAKER], &other, "there is another configuration");
    assert!(ran.said.ends_with("other\n"), "{ran:?}");
    let script = format!("{CIB}step seed-cib < /run/cib");
    refuses(&[("systemctl", "exit 0")], &script, "pacemaker runs already");
}

#[test]
fn a_configuration_that_is_not_sound_is_refused_with_the_reason() {
    let script = format!(
        "{CIB}{USER}sed -i 's/type=\"Dummy\"/type=\"\"/; s/<constraints.>/<constraints><rsc_colocation id=\"c\" rsc=\"a\" \
        with-rsc=\"nowhere\"\\/><\\/constraints>/' /run/cib; step seed-cib < /run/cib"
    );
    let ran = refuses(&[NO_PACEMAKER], &script, "nowhere");
    assert!(!ran.said.contains("quorum"), "{ran:?}");
}

/// The change: another value, planned on 1.5.
const PUSH: &str = r#"
export CIB_file=/run/live
cp /run/cib /run/live
sed 's/value="60s"/value="90s"/; /<status/d' /run/cib > /run/wanted
"#;

#[test]
fn a_change_is_one_patch_and_what_was_is_kept() {
    let ran = succeeds(
        &[],
        &format!(
            "{CIB}{PUSH}for n in 1 2 3 4 5 6; do echo > /var/lib/hapair/kept-$n; done
            mkdir /var/lib/hapair/kept; for n in 1 2 3 4 5 6; do echo > /var/lib/hapair/kept/cib.xml.2026010${{n}}T000000; done
            step push-cib 1.5 < /run/wanted
            grep -o 'name=\"cluster-delay\" value=\"[0-9s]*\"' /run/live
            grep -o ' epoch=\"[0-9]*\"' /run/live
            grep -c 60s $(ls -d /var/lib/hapair/kept/cib.xml.* | tail -n 1)
            ls /var/lib/hapair/kept | wc -l"
        ),
    );
    assert_eq!(
        ran.said,
        "name=\"cluster-delay\" value=\"90s\"\n epoch=\"6\"\n1\n5\n"
    );
}

#[test]
fn a_change_that_was_planned_on_another_version_changes_nothing() {
    let ran = run(
        &[],
        &format!(
            "{CIB}{PUSH}code=0; step push-cib 1.4 < /run/wanted || code=$?; cmp /run/live /run/cib; exit $code"
        ),
    );
    assert!(
        ran.code == 75 && ran.said.contains("is at 1.5, the change was planned on 1.4"),
        "{ran:?}"
    );
}

#[test]
fn a_change_to_what_is_there_already_is_none() {
    let ran = succeeds(
        &[],
        &format!(
            "{CIB}{PUSH}sed -i /status/d /run/cib; step push-cib 1.5 < /run/cib; grep -o ' epoch=\"[0-9]*\"' /run/live; ls /var/lib/hapair"
        ),
    );
    assert_eq!(ran.said, " epoch=\"5\"\npending\n");
}
