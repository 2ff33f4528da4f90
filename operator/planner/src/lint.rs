//! Safety rules for plans: the last look before anything is run on a host. What is refused here is a defect of
//! the planner.
//!
//! The rules are judged from facts alone, with predicates of their own: a mistake in one of the planner's must
//! not pass here as well. A fact that is missing breaks the rule.

mod configuration;
mod disks;
mod hosts;
mod rule;

use hapair_model::{
    Both, Reason, Side,
    desired::Desired,
    observed::Host,
    plan::{Finding, Next, Stage, Step, Subject},
    xml::Element,
};

pub use rule::{Rule, Severity};

/// What a plan is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The hosts become what is declared.
    Converge,
    /// The pair leaves its hosts.
    Teardown,
}

/// The plan, or which rule it would break.
pub fn checked(
    purpose: Purpose,
    desired: &Desired,
    hosts: &Both<&Host>,
    next: Next,
) -> Result<Next, Finding> {
    if let Next::Run(stage) = &next {
        for (side, steps) in stage.steps.iter() {
            let judge = Judge {
                purpose,
                desired,
                hosts,
                side,
                stage,
            };
            for step in steps {
                if let Some(rule) = judge.broken_rule(step) {
                    return Err(refusal(&desired.nodes[side].name, step, rule));
                }
            }
        }
    }
    Ok(next)
}

fn refusal(node: &str, step: &Step, rule: Rule) -> Finding {
    Finding::new(
        Subject::Pair,
        Reason::PlanRefused,
        format!(
            "{node}: the step {} would break the safety rule {}: {}",
            step.name(),
            rule.name(),
            rule.sentence()
        ),
    )
}

/// The rules for each step. There is no wildcard: a new step does not compile without its rules.
fn rules_for(step: &Step) -> &'static [Rule] {
    match step {
        Step::InstallPackages { .. } => &[Rule::InstallsOnlyWhatIsMissing],
        Step::WriteFile(_) => &[
            Rule::WritesOnlyItsOwnPlaces,
            Rule::KeepsKeys,
            Rule::KeepsMembers,
            Rule::KeepsDiskNames,
        ],
        Step::SetHostname { .. } => &[Rule::KeepsHostNames],
        Step::WriteHostsBlock { .. } => &[Rule::NamesOnlyItsNodes],
        Step::EnableUnits { .. } => &[Rule::EnablesOnlyTheCluster],
        Step::DisableUnits { .. } => &[Rule::StopsNoDaemonOfTheCluster],
        Step::RestartUnits { .. } => &[Rule::RestartsNothingUnderPacemaker],
        Step::OpenFirewall { .. } | Step::CloseFirewall { .. } => &[Rule::OpensOnlyAManagedFirewall],
        Step::MakePartition { .. } => &[Rule::PartitionsOnlyFreeDisks],
        Step::CreateMetadata { .. } => &[Rule::OverwritesOnlyWhatIsNamed, Rule::MakesNoLegTwice],
        Step::RecordMetadata { .. } => &[Rule::RecordsOnlyMetadataThatIsThere],
        Step::BringUp { .. } => &[Rule::BringsUpOnlyDeclaredLegs],
        Step::CreateFirstGeneration { .. } => {
            &[Rule::FirstGenerationOnBlankLegs, Rule::FirstGenerationOnOneNode]
        }
        Step::MakeFilesystem { .. } => &[Rule::MakesNoFilesystemOverData],
        Step::SeedCib { .. } => &[
            Rule::IsWellFormed,
            Rule::SeedsOnlyANewCluster,
            Rule::KeepsFencingOn,
            Rule::KeepsSecretsOut,
        ],
        Step::PushCib { .. } => &[
            Rule::IsWellFormed,
            Rule::KeepsMembers,
            Rule::StandbyOnlyWithReadyPeer,
            Rule::KeepsFencingOn,
            Rule::LeavesForeignElements,
            Rule::StopsBeforeRemoving,
            Rule::KeepsSecretsOut,
        ],
        Step::SetAdminPassword { .. } | Step::AuthenticatePcs { .. } => &[Rule::SetsOnlyTheDeclaredPassword],
        Step::Unfence { .. } => &[Rule::UnfencesOnlyEqualLegs],
        Step::Detach { .. } => &[Rule::DetachesOnlyBesideAGoodLeg],
        Step::TakeDown { .. } => &[Rule::TakesDownNothingThatRuns],
        Step::GiveBack { .. } => &[Rule::GivesBackNothingThatIsDeclared],
        Step::LeaveCluster => &[Rule::LeavesOnlyItsOwnHosts],
        Step::Forget { .. } => &[Rule::LeavesOnlyItsOwnHosts, Rule::ForgetsNothingThatRuns],
        Step::HoldPackages { .. }
        | Step::ReloadCorosync
        | Step::ReloadUnits
        | Step::CleanUp { .. }
        | Step::ForgetFailure { .. } => &[],
    }
}

/// Everything that a rule may look at, for the steps of one host.
struct Judge<'a> {
    purpose: Purpose,
    desired: &'a Desired,
    hosts: &'a Both<&'a Host>,
    side: Side,
    stage: &'a Stage,
}

impl Judge<'_> {
    fn broken_rule(&self, step: &Step) -> Option<Rule> {
        let rules = [Rule::FitsThePurpose].iter().chain(rules_for(step));
        rules.copied().find(|rule| !self.holds(*rule, step))
    }

    /// Whether the step keeps the rule. A rule about steps of another kind is broken: the table is wrong.
    fn holds(&self, rule: Rule, step: &Step) -> bool {
        match rule {
            Rule::FitsThePurpose => self.fits_the_purpose(step),
            Rule::OverwritesOnlyWhatIsNamed => self.overwrites_only_what_is_named(step),
            Rule::MakesNoLegTwice => self.makes_no_leg_twice(step),
            Rule::PartitionsOnlyFreeDisks => self.partitions_only_free_disks(step),
            Rule::RecordsOnlyMetadataThatIsThere => self.records_only_metadata_that_is_there(step),
            Rule::BringsUpOnlyDeclaredLegs => self.brings_up_only_declared_legs(step),
            Rule::KeepsDiskNames => self.keeps_disk_names(step),
            Rule::FirstGenerationOnBlankLegs => self.first_generation_on_blank_legs(step),
            Rule::FirstGenerationOnOneNode => self.first_generation_on_one_node(step),
            Rule::MakesNoFilesystemOverData => self.makes_no_filesystem_over_data(step),
            Rule::UnfencesOnlyEqualLegs => self.unfences_only_equal_legs(step),
            Rule::DetachesOnlyBesideAGoodLeg => self.detaches_only_beside_a_good_leg(step),
            Rule::TakesDownNothingThatRuns => self.takes_down_nothing_that_runs(step),
            Rule::InstallsOnlyWhatIsMissing => self.installs_only_what_is_missing(step),
            Rule::WritesOnlyItsOwnPlaces => self.writes_only_its_own_places(step),
            Rule::GivesBackNothingThatIsDeclared => self.gives_back_nothing_that_is_declared(step),
            Rule::KeepsHostNames => self.keeps_host_names(step),
            Rule::NamesOnlyItsNodes => self.names_only_its_nodes(step),
            Rule::EnablesOnlyTheCluster => self.enables_only_the_cluster(step),
            Rule::StopsNoDaemonOfTheCluster => self.stops_no_daemon_of_the_cluster(step),
            Rule::RestartsNothingUnderPacemaker => self.restarts_nothing_under_pacemaker(step),
            Rule::OpensOnlyAManagedFirewall => self.opens_only_a_managed_firewall(step),
            Rule::KeepsKeys => self.keeps_keys(step),
            Rule::KeepsMembers => self.keeps_members(step),
            Rule::SeedsOnlyANewCluster => self.hosts.all(|host| is_without_cluster(host)),
            Rule::IsWellFormed => configuration_of(step).is_some(),
            Rule::StandbyOnlyWithReadyPeer => self.standby_only_with_ready_peer(step),
            Rule::KeepsFencingOn => self.keeps_fencing_on(step),
            Rule::LeavesForeignElements => self.leaves_foreign_elements(step),
            Rule::StopsBeforeRemoving => self.stops_before_removing(step),
            Rule::KeepsSecretsOut => self.keeps_secrets_out(step),
            Rule::SetsOnlyTheDeclaredPassword => self.sets_only_the_declared_password(step),
            Rule::LeavesOnlyItsOwnHosts => self.leaves_only_its_own_hosts(),
            Rule::ForgetsNothingThatRuns => self.forgets_nothing_that_runs(),
        }
    }

    fn fits_the_purpose(&self, step: &Step) -> bool {
        match (self.purpose, step) {
            (Purpose::Converge, Step::LeaveCluster | Step::Forget { .. } | Step::CloseFirewall { .. }) => {
                false
            }
            (Purpose::Converge, _) => true,
            (Purpose::Teardown, step) => matches!(
                step,
                Step::LeaveCluster | Step::Forget { .. } | Step::CloseFirewall { .. } | Step::TakeDown { .. }
            ),
        }
    }

    /// The host that the step is run on.
    fn host(&self) -> &Host {
        self.hosts[self.side]
    }

    fn peer(&self) -> &Host {
        self.hosts[self.side.peer()]
    }
}

/// The configuration that a step puts in place.
fn configuration_of(step: &Step) -> Option<Element> {
    match step {
        Step::SeedCib { cib } | Step::PushCib { cib, .. } => Element::parse(cib).ok(),
        _ => None,
    }
}

/// Whether a host has never been in a cluster: there is neither a configuration nor a daemon that would have
/// one.
fn is_without_cluster(host: &Host) -> bool {
    host.cib_on_disk.is_none() && host.cib.is_none() && host.cluster.is_none()
}

/// Whether a configuration has an element with this id.
fn has(cib: &Element, id: &str) -> bool {
    cib.all().iter().any(|each| each.id() == Some(id))
}
