//! Every reason a condition can have: declared once, with what it means and what to do. docs/reasons.md is
//! made from this.

use serde::Serialize;

/// Who or what has to act before a reason goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Nobody: all is well.
    Fine,
    /// Nobody: it passes by itself, or the operator tries again.
    Waiting,
    /// A person.
    NeedsPerson,
    /// Nobody: a person wants it so. It is shown, and makes nothing less ready.
    Chosen,
}

/// What something that was found keeps from being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Nothing: what it is about stays as it is, and everything goes on.
    Nothing,
    /// What the object is about, which the pair does not have yet, and what needs it. The rest goes on.
    Object,
    /// Every change but the nodes' standby, which a person who mends something needs.
    Changes,
    /// Everything: a host is silent, or the hosts may not be the pair's.
    Everything,
}

/// What stands between a message and a remedy of its own, for where the reason's general one would be wrong, or names
/// nothing.
const REMEDY: &str = " What to do: ";

/// A message with a remedy of its own.
pub fn with_remedy(message: &str, remedy: &str) -> String {
    format!("{message}.{REMEDY}{remedy}")
}

/// A message, and the remedy of its own that it may have.
pub fn remedy_of(message: &str) -> (&str, Option<&str>) {
    match message.split_once(REMEDY) {
        Some((message, remedy)) => (message, Some(remedy)),
        None => (message, None),
    }
}

/// Declares the reasons; the documentation of each is kept as data too.
macro_rules! reasons {
    (@stops) => { Scope::Changes };
    (@stops $scope:ident) => { Scope::$scope };
    ($($(#[doc = $text:literal])+ $name:ident: $class:ident $(stops $scope:ident)?,)+) => {
        /// Why a condition is as it is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        pub enum Reason {
            $($(#[doc = $text])+ $name,)+
        }

        impl Reason {
            /// Every reason, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The word itself.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)+
                }
            }

            /// Who or what has to act before it goes.
            pub fn class(self) -> Class {
                match self {
                    $(Self::$name => Class::$class,)+
                }
            }

            /// What a finding with it keeps from being done.
            pub fn stops(self) -> Scope {
                match self {
                    $(Self::$name => reasons!(@stops $($scope)?),)+
                }
            }

            /// What it means and what to do, as Markdown.
            pub fn runbook(self) -> String {
                let lines: &[&str] = match self {
                    $(Self::$name => &[$($text),+],)+
                };
                lines.iter().map(|line| line.strip_prefix(' ').unwrap_or(line)).collect::<Vec<_>>().join("\n")
            }
        }
    };
}

reasons! {
    /// Everything is as declared.
    ///
    /// What to do: nothing.
    AsDeclared: Fine,
    /// The service answers on its floating address.
    ///
    /// What to do: nothing.
    Serving: Fine,
    /// The condition holds: nothing is wrong with what it is about.
    ///
    /// What to do: nothing.
    Healthy: Fine,
    /// The object was ready before (a pair or a group: available).
    ///
    /// What to do: nothing.
    HasBeenReady: Fine,
    /// The object has never been ready yet (a pair or a group: available).
    ///
    /// What to do: look at the condition `Ready`; it says what is missing.
    NeverReady: Waiting,
    /// Nothing of this kind is declared, for instance no service group.
    ///
    /// What to do: nothing, if you do not want one.
    NothingDeclared: Chosen,
    /// The operator is changing the hosts, or waits for something that is running there.
    ///
    /// What to do: wait. The message names the stage. When it stays the same for a long time, look at the
    /// operator's log.
    Converging: Waiting,
    /// The pair is paused: the operator observes it and changes nothing.
    ///
    /// What to do: to end the pause, remove `spec.paused` or set it to false. `kubectl hapair resume` ends a
    /// pause that `kubectl hapair pause` began (the annotation `hapair.dev/paused`).
    PausedByUser: NeedsPerson,
    /// The operator cannot list one of the kinds, so it does not know everything that is declared. It changes
    /// nothing on any host meanwhile.
    ///
    /// What to do: the message has the API server's answer. Grant the missing permission, or repair the API
    /// server.
    NotSynced: Waiting,
    /// The HAPair that `spec.pairRef` names does not exist.
    ///
    /// What to do: create the HAPair, or create this object anew with the right `spec.pairRef.name`.
    PairNotFound: NeedsPerson,
    /// The spec refers to an object that does not exist, or that belongs to another pair.
    ///
    /// What to do: create what is missing, or correct the name. Until then the hosts stay as they are.
    DanglingReference: NeedsPerson,
    /// The operator cannot carry out the spec. The message names the field. Nothing was changed on any host
    /// for it.
    ///
    /// What to do: correct that field.
    InvalidSpec: NeedsPerson,
    /// A group uses a file, a systemd unit or an agent that the HAPair does not delegate to groups.
    ///
    /// What to do: somebody who decides about the hosts adds the entry that the message names to
    /// `spec.delegation` of the HAPair.
    NotDelegated: NeedsPerson,
    /// Two objects of the pair claim the same thing: a disk, a mount point, an address, a unit. Nothing was
    /// changed on any host for the newer of the two.
    ///
    /// What to do: change one of the two that the message names.
    Conflict: NeedsPerson,
    /// A Secret or ConfigMap that the spec names does not exist, or lacks its key. The hosts keep what they
    /// have.
    ///
    /// What to do: create it. The message has its name and the key.
    SourceMissing: NeedsPerson,
    /// The operator may not read the Secrets or ConfigMaps of this namespace. The hosts keep what they have.
    ///
    /// What to do: `kubectl apply -n NAMESPACE -k config/rbac/pair-namespace`, or name the namespace in the
    /// chart's `watch.namespaces`. The message has the API server's answer.
    SourceForbidden: NeedsPerson,
    /// A host does not answer over SSH. It may still be up: pacemaker and fencing decide that, not the
    /// operator.
    ///
    /// What to do: check the host, and the network between the operator and the host. Changes wait until both
    /// hosts answer.
    HostUnreachable: Waiting stops Everything,
    /// A host shows another SSH key than the pinned ones. Nothing was sent to it.
    ///
    /// What to do: find out why: was it reinstalled, or is something else answering? Only when it is the
    /// right host, put the key whose fingerprint the message shows into `spec.nodes[].ssh.hostKeys`.
    HostKeyMismatch: NeedsPerson stops Everything,
    /// A host refuses the private key.
    ///
    /// What to do: put the public half into the user's authorized_keys on that host, or correct the Secret.
    /// The operator does not try again before the Secret or the spec changes, or a minute has passed: sshd
    /// penalises repeated failures.
    SshDenied: NeedsPerson stops Everything,
    /// The SSH user is neither root nor allowed to become root.
    ///
    /// What to do: give the user sudo without a password on that host, or set `spec.ssh.user` to root.
    NotRoot: NeedsPerson stops Everything,
    /// A host answered with something that is not understood.
    ///
    /// What to do: the message shows it. A shell profile that prints something, or a full root file system,
    /// are common causes.
    HostGarbled: NeedsPerson stops Everything,
    /// The host's own name differs from the node's. The DRBD agent and the fence handlers go by the host's
    /// name; a node under two names shows as `UNCLEAN (offline)` and nothing starts.
    ///
    /// What to do: rename the host, or declare the node under the host's name. The message has the command.
    HostNameMismatch: NeedsPerson stops Everything,
    /// The host's distribution is not one that is supported.
    ///
    /// What to do: use one of those that the message names. docs/compatibility.md says what was run on which.
    UnsupportedDistribution: NeedsPerson,
    /// The hosts are managed by another HAPair object, or from another Kubernetes cluster.
    ///
    /// What to do: delete the other object first. If it is gone for good, put the owner shown in the message
    /// into `spec.takeOverFrom`.
    ManagedElsewhere: NeedsPerson stops Everything,
    /// A newer operator has changed the hosts; this one stands back.
    ///
    /// What to do: nothing. It ends when this operator has lost or renewed its leadership. If it stays, two
    /// operators use one Lease name.
    Superseded: Waiting,
    /// Packages are missing and `spec.packages` is Unmanaged.
    ///
    /// What to do: install the packages that the message names, on the host it names.
    PackagesMissing: NeedsPerson,
    /// Packages could not be installed.
    ///
    /// What to do: the message shows what the package manager said. Mend the host's package sources; the
    /// operator tries again by itself after a minute. The message has the command for at once.
    PackagesFailed: Waiting,
    /// Packages could not be installed three times, in the same words. The operator goes on trying.
    ///
    /// What to do: the message shows what the package manager said: a key that has expired, a disk that is full, a question
    /// that nobody answers. It goes by itself once that is mended; the message has the command for at once.
    PackagesKeepFailing: NeedsPerson,
    /// A host's firewall is plain rules of iptables (`netfilter-persistent`, `iptables.service`), which the
    /// operator does not change, and `spec.firewall` is Managed.
    ///
    /// What to do: let in what the message names, keep that with the other rules, and set `spec.firewall` to
    /// Unmanaged.
    FirewallNotManaged: NeedsPerson,
    /// The running kernel has no DRBD module.
    ///
    /// What to do: install the module for this kernel, or boot a kernel that has it. Debian's own kernels do.
    DrbdModuleMissing: NeedsPerson,
    /// A device that a volume names does not exist, or is no block device.
    ///
    /// What to do: attach the disk, or correct `spec.disks[].device` by creating the volume anew.
    DeviceNotFound: NeedsPerson,
    /// A device that a volume names is mounted, or something else uses it.
    ///
    /// What to do: name another device. Where it is the right one, end what the message names: who runs it knows whether it
    /// is needed. A file system that nobody needs is unmounted; a DRBD resource, a volume group or an array is taken down with
    /// its own tools.
    DeviceInUse: NeedsPerson,
    /// A device is too small for the volume.
    ///
    /// What to do: use a larger one.
    DeviceTooSmall: NeedsPerson,
    /// A disk of the volume carries something that is not ours.
    ///
    /// What to do: check what is there. If it may go, put the signature shown in the message into
    /// `spec.disks[].overwrite`.
    DeviceNotBlank: NeedsPerson,
    /// A path that a file or a mount point names cannot be used on a host: it leads elsewhere by a symbolic
    /// link, something else is there, or somebody who does not own the file can write to a directory above
    /// it, and so could lead the operator, which is root, elsewhere.
    ///
    /// What to do: the message names the path and what is wrong with it. Name the place that a link leads to;
    /// declare the directory's owner as the file's (`spec.files[].owner` and `group`); or choose another
    /// place.
    PathUnusable: NeedsPerson,
    /// The directory that is to be a new volume's mount point holds files on a host, which would be hidden
    /// below the volume.
    ///
    /// What to do: move them; or have them carried over from one of the nodes (`spec.initialData.copyFrom`);
    /// or consent to hide them, by their number as the message shows it, in `spec.disks[].hideFiles`. They
    /// stay on the host's own disk, and are there again when the volume is not mounted.
    MountPointNotEmpty: NeedsPerson,
    /// A program that is none of the pair's services has files open in the directory that is to be a new volume's mount point. The
    /// volume would hide them from it; and a file that it opens later would keep the volume from being unmounted.
    ///
    /// What to do: choose a directory of the volume's own, or have that program write elsewhere.
    MountPointInUse: NeedsPerson,
    /// A user or group that owns a volume's files, or that a service runs as, has another number on each host.
    ///
    /// What to do: give it the same number on both hosts, on the host that does not serve, with its services stopped, and
    /// correct the owner of its files outside of the volume.
    IdsDiffer: NeedsPerson,
    /// A leg of a volume that held data is not where it was: the device below it carries something else, or
    /// nothing. It may have been replaced, or devices may have changed places at boot.
    ///
    /// What to do: the message says what was expected, what is there, and where the expected metadata was
    /// found, and has the command for a disk that was replaced by a blank one.
    LegMissing: NeedsPerson,
    /// The spec names another disk for a leg, or a person has given up the one that it had, and the leg stays as it is: its node
    /// uses it, or the other node's leg could not fill the new disk now.
    ///
    /// What to do: the message says what has to be so first. To keep the disk, name the disk that the message shows; another
    /// name of the same disk is fine.
    DiskChanged: NeedsPerson stops Nothing,
    /// A directory is to become a volume's first data while a service of the volume's group runs, which may
    /// write there.
    ///
    /// What to do: delete the group with `deletionPolicy: Teardown`, wait until the volume is Ready, and
    /// declare the group again; or begin with an empty volume (`initialData: {empty: {}}`).
    SourceInUse: NeedsPerson,
    /// No interface of a host is in the floating IP's network.
    ///
    /// What to do: correct the address or the prefix, or give both hosts an address in that network.
    NetworkNotFound: NeedsPerson,
    /// Another machine answers for the floating IP.
    ///
    /// What to do: take the address off that machine, or choose another.
    AddressTaken: NeedsPerson,
    /// Both hosts have the floating IP. Clients reach one of them by chance.
    ///
    /// What to do: the message has the command that takes it off the node where the cluster does not have it.
    AssignedTwice: NeedsPerson,
    /// The interface of a group's floating IP has no link on a node: clients may not reach the address there.
    ///
    /// What to do: look at the cable, the switch and the configuration of the interface. The service goes to the node that has a
    /// link, unless `spec.whenLinkDown` is Ignore, and stays where it is while neither has one.
    LinkDown: NeedsPerson,
    /// A host's own configuration sets a floating IP, or mounts a volume, when the host boots. The cluster alone is to do
    /// that: after a boot both hosts would have it.
    ///
    /// What to do: the message names the file. Remove it there, on each host that the message names.
    SetAtBoot: NeedsPerson,
    /// Something else is mounted where a volume belongs, or a volume's device is mounted somewhere else, too: by somebody, not
    /// by the cluster. The agent takes whatever is mounted there for the volume, and a device that is in use somewhere else
    /// cannot be given up: its node would be fenced at the next move.
    ///
    /// What to do: the message has the command.
    MountedOutside: NeedsPerson,
    /// A service runs on the node where the cluster does not have it, too.
    ///
    /// What to do: stop it there (`systemctl disable --now` with the unit that the message names). Only the cluster starts
    /// it.
    RunsTwice: NeedsPerson,
    /// A systemd unit or resource agent that a service names is not on a host.
    ///
    /// What to do: install what brings it, on both hosts, or correct the name.
    UnitNotFound: NeedsPerson,
    /// Another cluster runs on the hosts.
    ///
    /// What to do: look at what it runs (`crm_mon -1` on the host), and ask whose it is. It is never overwritten: name other
    /// hosts, or have whoever runs it take it off. Where nobody needs anything of it, that is `pcs cluster destroy` on each
    /// of its nodes, which stops all that it runs.
    ForeignCluster: NeedsPerson stops Everything,
    /// A host has lost a key that both hosts of the cluster hold, or holds another than its peer. A host that
    /// its peer remembers gets them back by itself; this one is not that host, or there is nothing to give
    /// back.
    ///
    /// What to do: a host that was replaced or installed anew is accepted with the annotation that the
    /// message shows; the operator then copies the keys from the other node. Where both hosts hold a key and
    /// they differ, find out which is the cluster's (`corosync` runs with it), and remove the other file: it
    /// is copied then. Keys that both hosts have lost are only in the memory of what runs: bring one back
    /// from a backup.
    KeysLost: NeedsPerson,
    /// A step failed on a host.
    ///
    /// What to do: the message shows the step and what the host said. The operator tries again by itself,
    /// ever less often.
    StepFailed: Waiting,
    /// The same step has failed three times in the same words. The operator goes on trying, less and less often.
    ///
    /// What to do: the message names the host and the step, and has the tool's words. It goes by itself once what
    /// they complain of is mended.
    StepKeepsFailing: NeedsPerson,
    /// A stage succeeded three times, and is needed again: something on the hosts undoes it, or does not
    /// accept the value as it is written.
    ///
    /// What to do: the message shows what was wanted and what is there. Write the value in another way, or
    /// find out what changes it back. The operator tries again at each resync.
    NoEffect: NeedsPerson,
    /// The plan would break one of the [safety rules](safety-rules.md). This is a defect of the operator;
    /// nothing was changed.
    ///
    /// What to do: report it with the message.
    PlanRefused: NeedsPerson,
    /// The cluster has no quorum, or pacemaker does not run.
    ///
    /// What to do: bring the other node back. A node that starts alone waits for its peer, since that may be serving. Where
    /// the peer cannot come back, and you have seen that it is off, type on the node that is there: `pcs quorum unblock`
    /// (docs/how-to.md, "Serve on the one node that is left").
    NoQuorum: NeedsPerson,
    /// One node is not in the cluster, or runs no services.
    ///
    /// What to do: bring it back. Until then the service has nowhere to go.
    NodeOffline: NeedsPerson,
    /// A node is in standby: it runs no services.
    ///
    /// What to do: nothing, if that is meant; otherwise `kubectl hapair unstandby NODE`, where it was asked
    /// for so (the annotation `hapair.dev/standby` counts before the spec), or set `spec.nodes[].standby` to
    /// false.
    NodeStandby: Chosen,
    /// The cluster, a node or a resource is in maintenance: pacemaker leaves it as it is, also what fails.
    ///
    /// What to do: when the maintenance is over, end it. The message has the command.
    Maintenance: NeedsPerson,
    /// The cluster's configuration says that nothing is to run (`stop-all-resources`).
    ///
    /// What to do: the message has the command that lets the cluster start everything again.
    AllStopped: NeedsPerson,
    /// A constraint keeps a resource off a node, so that it could not be taken over there. `pcs resource
    /// move` and `pcs resource ban` leave such ones.
    ///
    /// What to do: where nobody wants it any more, remove it. The message has the command.
    Banned: NeedsPerson,
    /// pacemaker wants to fence a node and has not been able to. Nothing is taken over from it meanwhile.
    ///
    /// What to do: look at the fencing device; `FencingReady` says what it said. Was the host renamed? A node under
    /// its old name shows like this too.
    NodeUnclean: Waiting,
    /// A fencing device does not run, fails its check, or could not fence a node; or the cluster's configuration has
    /// switched fencing off.
    ///
    /// What to do: the message names the device and what it said; check its address, user and password.
    FencingFailed: NeedsPerson,
    /// Fencing is disabled in the spec: a cut network can leave both nodes serving.
    ///
    /// What to do: give each node a fencing device and set `spec.fencing.mode` to Required.
    FencingDisabled: Chosen,
    /// The two legs of a volume are not connected.
    ///
    /// What to do: look at the network of the replication link: DRBD connects by itself once it works. While the legs are
    /// apart, only one of them has the newest data.
    Disconnected: Waiting,
    /// A resync is under way; the target has older data until it ends.
    ///
    /// What to do: wait; the status shows how far it is.
    Resyncing: Waiting,
    /// Blocks of a volume differ on the two nodes, although both are UpToDate: `drbdadm verify` has found them. A node
    /// that takes over would serve other data.
    ///
    /// What to do: the message has the command that copies them from the node that serves. Look at the disks and the
    /// memory of both hosts: DRBD itself writes the same to both.
    BlocksDiffer: NeedsPerson,
    /// A leg's data is not current: it must not be promoted.
    ///
    /// What to do: bring the other node back; it has the newest data. pacemaker and DRBD keep the stale leg
    /// from being promoted, DRBD by a constraint `drbd-fence-by-handler-…`, which goes when the resync ends.
    StaleData: NeedsPerson,
    /// A leg has lost its disk, or never had it.
    ///
    /// What to do: look at the disk and at the kernel's log on the host that the message names. The message has the
    /// command for a disk that answers again, or for a blank one in its place.
    DiskFailed: NeedsPerson,
    /// A volume's file system takes no writes any more: ext4 after an error in it. The agent `writable` fails
    /// then, and the group moves to the other node, which checks ext4 before it mounts it.
    ///
    /// What to do: look at the kernel's log of the node for the error. The message has the commands for where the group
    /// could not move.
    FilesystemReadOnly: NeedsPerson,
    /// A volume's file system is full. Nothing is stopped or moved for it: the other node has the same data.
    ///
    /// What to do: remove what is not needed, on the node that serves.
    FilesystemFull: NeedsPerson,
    /// The two legs hold diverged data. The operator never chooses between them.
    ///
    /// What to do: decide which node has the data that shall live. The message has the commands, with the names.
    SplitBrain: NeedsPerson,
    /// A resource has failed.
    ///
    /// What to do: the message shows the agent's words. Mend what they complain of. The message has the command that lets
    /// the cluster try again at once.
    ResourceFailed: NeedsPerson,
    /// Something of the pair's was disabled by hand during a pause (`pcs resource disable`): the cluster runs it nowhere.
    ///
    /// What to do: the message has the command. Outside of a pause the operator puts it back.
    ResourceDisabled: NeedsPerson,
    /// A resource is not running anywhere.
    ///
    /// What to do: look at the pair's conditions: quorum, fencing and data come first.
    NotRunning: Waiting,
    /// The service does not answer on its floating address.
    ///
    /// What to do: the message shows what came back. pacemaker restarts or moves a service that fails its
    /// probe.
    NotAnswering: Waiting,
    /// The service works, and refuses the page that its probe asks for (an HTTP status from 400 to 499). It is left as
    /// it is: on another node it would say the same.
    ///
    /// What to do: put the page there, or correct `spec.probe.http.path`. Where that status is right, list
    /// all that are in `spec.probe.http.codes`, for example `[200, 401]`: any other is then a service that has failed.
    ProbeRefused: NeedsPerson,
    /// The service answers on the node where it runs. There is no other node to ask, so that nobody knows whether
    /// clients reach it.
    ///
    /// What to do: nothing, if the other node is away on purpose.
    AnsweredLocally: Fine,
    /// DRBD has frozen everything that is written to a volume: it waits until its peer has been fenced, or for a
    /// disk.
    ///
    /// What to do: look at `FencingReady` and at the fencing device: writes go on as soon as the peer is known to be off
    /// or cannot be promoted any more. The message has DRBD's own word for it.
    WritesFrozen: Waiting,
    /// Both legs of a volume are Primary while they are not connected: both nodes may be writing data that the other does
    /// not get.
    ///
    /// What to do: stop the service on the node whose data shall be given up, at once. Then as for SplitBrain.
    TwoPrimaries: NeedsPerson,
    /// Unknown at the moment: no host that would know can be reached.
    ///
    /// What to do: look at `HostsReachable`.
    NotObserved: Waiting,
    /// The object is being deleted, and the operator is removing it from the hosts.
    ///
    /// What to do: wait.
    TearingDown: Waiting,
}

impl std::fmt::Display for Reason {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_says_what_to_do() {
        for reason in Reason::ALL {
            assert!(reason.runbook().contains("What to do: "), "{reason}");
        }
    }
}
