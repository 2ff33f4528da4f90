//! What `kubectl hapair status` shows of a pair in trouble: the cause and what to do are on its first lines.

mod scenarios;

use std::time::Duration;

use hapair_model::Side;
use hapair_simulator::{
    experiment::{Experiment, Start, run},
    objects::{changed, of_kind},
};
use jiff::{SignedDuration, Timestamp};
use kubectl_hapair::{
    overview::{Operator, Overview},
    screen::draw,
};
use scenarios::{at_rest, declare_everything};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

const WIDTH: usize = 100;

/// Statuses have real times, of no importance here: this much later the screen is drawn.
const LATER: SignedDuration = SignedDuration::from_secs(300);

fn read<K: DeserializeOwned>(experiment: &Experiment, plural: &str) -> Vec<K> {
    let objects: Vec<Value> = experiment.api.store().of_kind(plural).cloned().collect();
    objects
        .into_iter()
        .map(|object| serde_json::from_value(object).expect("an object of ours"))
        .collect()
}

fn overview(experiment: &Experiment) -> (Overview, Timestamp) {
    let mut pair: hapair_crds::HAPair = read(experiment, "hapairs").remove(0);
    let ready = pair
        .status
        .as_ref()
        .and_then(|status| status.conditions.first())
        .map(|ready| ready.last_transition_time);
    let now = ready.unwrap_or_else(Timestamp::now) + LATER;
    // The hosts' clocks are not this machine's.
    let status = pair.status.iter_mut();
    for failover in status.flat_map(|status| status.last_failover.iter_mut()) {
        failover.start_time = now - LATER;
    }
    let operator = Operator {
        holder: Some("operator-1".into()),
        renewed: Some(now),
        seconds: 15,
        unknown: None,
        may_be_there: true,
    };
    let (volumes, floating_ips) = (
        read(experiment, "replicatedvolumes"),
        read(experiment, "floatingips"),
    );
    (
        Overview {
            pair,
            volumes,
            floating_ips,
            groups: read(experiment, "servicegroups"),
            operator,
            last_event: None,
        },
        now,
    )
}

fn plain(overview: &Overview, now: Timestamp, width: usize) -> String {
    anstream::adapter::strip_str(&draw(overview, now, width)).to_string()
}

/// The screen two minutes after something happened to a pair, by default one at rest.
fn screen_after(start: &Start, act: impl FnOnce(&Experiment)) -> String {
    screen_of_width(WIDTH, start, act)
}

fn screen_of_width(width: usize, start: &Start, act: impl FnOnce(&Experiment)) -> String {
    run(start, None, 1, async |experiment| {
        act(experiment);
        tokio::time::sleep(Duration::from_secs(120)).await;
        assert_eq!(experiment.shared.world().broken, Vec::<String>::new());
        let (overview, now) = overview(experiment);
        plain(&overview, now, width)
    })
}

fn lose_the_other_node(experiment: &Experiment) {
    let mut world = experiment.shared.world();
    world.bmc_works[Side::Second] = false;
    world.machines[Side::Second].cut_power();
}

#[test]
fn a_pair_that_is_well() {
    insta::assert_snapshot!(screen_after(&at_rest(), |_| {}));
}

#[test]
fn a_pair_that_nobody_has_looked_at() {
    let screen = run(&Start::bare(), None, 1, async |experiment| {
        declare_everything(experiment);
        let (overview, now) = overview(experiment);
        plain(&overview, now, WIDTH)
    });
    insta::assert_snapshot!(screen);
}

#[test]
fn a_group_that_was_deleted_with_retain() {
    insta::assert_snapshot!(screen_after(&at_rest(), |run| run
        .api
        .delete("servicegroups", "tomcat")));
}

#[test]
fn an_operator_that_is_silent_is_told_first() {
    let screen = run(&at_rest(), None, 1, async |experiment| {
        let (mut overview, now) = overview(experiment);
        overview.operator.renewed = Some(now - SignedDuration::from_secs(200));
        plain(&overview, now, WIDTH)
    });
    assert!(
        screen.starts_with("The operator has been silent for 3m"),
        "{screen}"
    );
}

#[test]
fn a_service_that_does_not_start() {
    insta::assert_snapshot!(screen_after(&at_rest(), does_not_start));
}

fn does_not_start(experiment: &Experiment) {
    let mut world = experiment.shared.world();
    world
        .agent_trouble
        .insert("service-tomcat-tomcat".into(), "port 8080 is taken".into());
    world.reboot(Side::First);
}

#[test]
fn of_two_groups_the_one_that_does_not_serve_is_named() {
    let screen = screen_after(&at_rest(), |experiment| {
        let mut second = of_kind("ServiceGroup");
        second["metadata"]["name"] = json!("second");
        second["spec"] = json!({"pairRef": {"name": "web"}, "services": [{"name": "x", "nginx": {}}]});
        let mut world = experiment.shared.world();
        world
            .agent_trouble
            .insert("service-second-x".into(), "port 80 is taken".into());
        drop(world);
        experiment.apply([second]);
    });
    assert!(screen.contains("NOT SERVING second"), "{screen}");
    assert!(!screen.contains("NOT SERVING tomcat"), "{screen}");
}

#[test]
fn a_mistake_in_a_new_group_is_told_and_the_pair_serves() {
    insta::assert_snapshot!(screen_after(&at_rest(), |experiment| {
        let mut second = of_kind("ServiceGroup");
        second["metadata"]["name"] = json!("second");
        second["spec"] =
            json!({"pairRef": {"name": "web"}, "services": [{"name": "x", "systemd": {"unit": "nosuch"}}]});
        let pair = changed("HAPair", |spec| spec["delegation"] = json!({"units": ["nosuch"]}));
        experiment.apply([pair, second]);
    }));
}

#[test]
fn a_node_that_is_lost_and_cannot_be_fenced() {
    insta::assert_snapshot!(screen_after(&at_rest(), lose_the_other_node));
}

#[test]
fn a_replication_link_that_is_cut() {
    insta::assert_snapshot!(screen_after(&at_rest(), |experiment| experiment
        .shared
        .world()
        .links[1] = false));
}

#[test]
fn a_host_that_the_operator_cannot_reach() {
    insta::assert_snapshot!(screen_after(&at_rest(), |experiment| experiment
        .shared
        .world()
        .machines[Side::Second]
        .sshd = false));
}

#[test]
fn two_hosts_that_nobody_can_reach() {
    insta::assert_snapshot!(screen_after(&at_rest(), |experiment| Side::BOTH
        .into_iter()
        .for_each(|side| experiment.shared.world().machines[side].sshd = false)));
}

#[test]
fn a_node_in_standby() {
    let standby = |experiment: &Experiment| {
        experiment.apply([changed("HAPair", |spec| {
            spec["nodes"][0]["standby"] = json!(true)
        })])
    };
    insta::assert_snapshot!(screen_after(&at_rest(), standby));
}

#[test]
fn an_address_that_cannot_be_carried_out() {
    let elsewhere = |experiment: &Experiment| {
        experiment.apply([changed("FloatingIP", |spec| {
            spec["address"] = json!("203.0.113.100/24")
        })])
    };
    insta::assert_snapshot!(screen_after(&at_rest(), elsewhere));
}

#[test]
fn a_secret_that_is_missing() {
    insta::assert_snapshot!(screen_after(&at_rest(), |experiment| {
        experiment.api.delete("secrets", "node1-bmc");
    }));
}

#[test]
fn forty_columns_are_enough() {
    let screen = screen_of_width(40, &at_rest(), lose_the_other_node);
    insta::assert_snapshot!(screen);
    assert!(screen.lines().all(|line| line.chars().count() <= 40), "{screen}");
}

#[test]
fn a_command_is_never_broken() {
    let screen = screen_of_width(40, &at_rest(), does_not_start);
    let command = "`pcs resource cleanup service-tomcat-tomcat`";
    assert!(screen.lines().any(|line| line.contains(command)), "{screen}");
}
