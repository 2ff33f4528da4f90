//! The safety rules, each declared once: what it says, and what a breach would cost. docs/safety-rules.md is
//! made from this.

/// What a breach of a rule would cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Data, or the only good copy of it.
    Data,
    /// The service, now or at the next failure.
    Service,
    /// A secret, or a host of somebody else.
    Trust,
}

/// Declares the rules; the sentence of each is kept as data too.
macro_rules! rules {
    ($($(#[doc = $text:literal])+ $name:ident: $severity:ident,)+) => {
        /// What a plan may never do.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Rule {
            $($(#[doc = $text])+ $name,)+
        }

        impl Rule {
            /// Every rule, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// Its name.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)+
                }
            }

            /// What a breach would cost.
            pub fn severity(self) -> Severity {
                match self {
                    $(Self::$name => Severity::$severity,)+
                }
            }

            /// What it says.
            pub fn sentence(self) -> String {
                let lines: &[&str] = match self {
                    $(Self::$name => &[$($text),+],)+
                };
                lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
            }
        }
    };
}

rules! {
    /// Steps that take a pair off its hosts run only in a teardown, and a teardown runs no others.
    FitsThePurpose: Service,
    /// DRBD's metadata is written only to a device that is blank, or whose content the spec names.
    OverwritesOnlyWhatIsNamed: Data,
    /// A leg that was made before is not made again while the cluster has its volume, but for one that has given its disk up.
    MakesNoLegTwice: Data,
    /// A disk is partitioned only when it is blank, holds nothing but partitions of volumes, or holds what the
    /// spec names.
    PartitionsOnlyFreeDisks: Data,
    /// Metadata is recorded only when it is on the volume's device.
    RecordsOnlyMetadataThatIsThere: Data,
    /// A leg that the cluster runs is brought up by the cluster alone; a running leg keeps its disk, and one without a disk gets only
    /// one that was made for it, once it has given the other up.
    BringsUpOnlyDeclaredLegs: Data,
    /// A running leg's disk keeps its name in the resource's file: for another one DRBD would detach it.
    KeepsDiskNames: Service,
    /// A first data generation is made only when both legs are known never to have held data.
    FirstGenerationOnBlankLegs: Data,
    /// A first data generation is made on one node, not on both.
    FirstGenerationOnOneNode: Data,
    /// No file system is made on a volume that the cluster has, or whose file system is complete.
    MakesNoFilesystemOverData: Data,
    /// The constraint of a lost peer goes only while both legs say that they are connected and UpToDate.
    UnfencesOnlyEqualLegs: Data,
    /// A disk is taken away from a leg only when the spec names another one, the leg is not Primary, and its peer's is
    /// connected and UpToDate; a disk that is gone is given up only when the spec or a person says so, beside a good leg.
    DetachesOnlyBesideAGoodLeg: Data,
    /// A DRBD resource is taken down only when the cluster does not have it and it is not Primary.
    TakesDownNothingThatRuns: Service,
    /// Packages are installed only where they are missing, and no active unit is masked meanwhile: an upgrade
    /// would restart the cluster.
    InstallsOnlyWhatIsMissing: Service,
    /// A file is written only where the operator has files of its own, or where the spec declares one.
    WritesOnlyItsOwnPlaces: Trust,
    /// A service's file is given back only when its group is leaving, and no other one declares it.
    GivesBackNothingThatIsDeclared: Service,
    /// A host that is in a cluster keeps its name.
    KeepsHostNames: Service,
    /// The managed block of /etc/hosts names only the pair's nodes.
    NamesOnlyItsNodes: Trust,
    /// Only corosync and pacemaker are enabled as units.
    EnablesOnlyTheCluster: Service,
    /// No unit of the cluster or of SSH is disabled or stopped.
    StopsNoDaemonOfTheCluster: Service,
    /// Only corosync is restarted, and not below a running pacemaker.
    RestartsNothingUnderPacemaker: Service,
    /// A firewall is changed only when the spec leaves it to the operator.
    OpensOnlyAManagedFirewall: Trust,
    /// The keys of a cluster that was formed are not replaced; one that is lost becomes the peer's.
    KeepsKeys: Service,
    /// A cluster that was formed keeps its name, its nodes' names and their ids.
    KeepsMembers: Service,
    /// A first configuration is put in place only when neither host has any.
    SeedsOnlyANewCluster: Service,
    /// A configuration is well-formed XML.
    IsWellFormed: Service,
    /// A node that runs something goes into standby only when its peer can take over with the newest data.
    StandbyOnlyWithReadyPeer: Service,
    /// Fencing stays on while the spec requires it.
    KeepsFencingOn: Data,
    /// What is not the operator's stays as it is in the cluster's configuration.
    LeavesForeignElements: Service,
    /// Nothing that runs is removed from the configuration before it was stopped.
    StopsBeforeRemoving: Service,
    /// No secret enters the cluster's configuration.
    KeepsSecretsOut: Trust,
    /// hacluster gets the declared password and no other.
    SetsOnlyTheDeclaredPassword: Trust,
    /// A host is left and forgotten only when its own record says that it is this pair's.
    LeavesOnlyItsOwnHosts: Trust,
    /// A host is forgotten only when its cluster is stopped.
    ForgetsNothingThatRuns: Service,
}
