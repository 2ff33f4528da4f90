//! Words that tools print, as types: read once, where the output is parsed. A word that is not known is kept, and is
//! equal to none of the others.

use std::fmt;

/// Declares the words of a tool for one thing: each with its name here.
macro_rules! words {
    ($(#[doc = $about:literal])+ $type:ident: $($(#[doc = $text:literal])+ $name:ident $word:literal,)+) => {
        $(#[doc = $about])+
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum $type {
            $($(#[doc = $text])+ $name,)+
            /// Another word, or none.
            Other(String),
        }

        impl $type {
            /// The word as the tool prints it.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$name => $word,)+
                    Self::Other(word) => word,
                }
            }
        }

        impl From<&str> for $type {
            fn from(word: &str) -> Self {
                match word {
                    $($word => Self::$name,)+
                    other => Self::Other(other.to_owned()),
                }
            }
        }

        impl Default for $type {
            fn default() -> Self {
                Self::Other(String::new())
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// What a device carries (wipefs(8), TYPE; lsblk(8), TYPE), and our own word for what has no signature.
    SignatureKind:
    /// DRBD's metadata.
    Drbd "drbd",
    /// A GUID partition table.
    Gpt "gpt",
    /// A DOS partition table.
    Dos "dos",
    /// The DOS partition table that stands before a GUID partition table.
    ProtectiveMbr "PMBR",
    /// A disk's partition; its UUID is the partition's own.
    Partition "part",
    /// No signature, and it does not read as zeroes.
    Data "data",
}

words! {
    /// The role of a DRBD resource on one host (drbdsetup(8), events2).
    Role:
    /// It may be mounted and written to.
    Primary "Primary",
    /// It may not.
    Secondary "Secondary",
    /// The peer's, which is not connected.
    Unknown "Unknown",
}

words! {
    /// The state of a leg's disk (drbdsetup(8), events2).
    DiskState:
    /// No disk is attached.
    Diskless "Diskless",
    /// The disk is being attached.
    Attaching "Attaching",
    /// The disk is being detached.
    Detaching "Detaching",
    /// The disk has failed.
    Failed "Failed",
    /// It is about to be known what its data is worth.
    Negotiating "Negotiating",
    /// Part of its data is older, as during a resync.
    Inconsistent "Inconsistent",
    /// Its data is whole and known to be older.
    Outdated "Outdated",
    /// The peer's, which is not connected.
    DUnknown "DUnknown",
    /// Its data is whole; whether it is the newest is not known.
    Consistent "Consistent",
    /// Its data is the newest.
    UpToDate "UpToDate",
}

words! {
    /// The state of the connection to the peer (drbdsetup(8), events2).
    ConnectionState:
    /// Given up, until somebody connects it again.
    StandAlone "StandAlone",
    /// Trying.
    Connecting "Connecting",
    /// Connected.
    Connected "Connected",
}

words! {
    /// What is replicated or resynchronised now (drbdsetup(8), events2).
    ReplicationState:
    /// Nothing: not connected.
    Off "Off",
    /// Writes only.
    Established "Established",
    /// The peer is brought up to date from here.
    SyncSource "SyncSource",
    /// This leg is brought up to date from the peer.
    SyncTarget "SyncTarget",
}

words! {
    /// What an instance of a resource is in the cluster (crm_mon(8)). Builds before 2.1 say Master and Slave.
    ResourceRole:
    /// It runs.
    Started "Started",
    /// It does not run.
    Stopped "Stopped",
    /// An instance of a promotable clone: the one that serves.
    Promoted "Promoted",
    /// An instance of a promotable clone: the other.
    Unpromoted "Unpromoted",
}

words! {
    /// What the cluster asks an agent to do (resource agent API).
    Task:
    /// Start it.
    Start "start",
    /// Stop it.
    Stop "stop",
    /// Make it the instance that serves.
    Promote "promote",
    /// Make it the other.
    Demote "demote",
    /// See whether it runs.
    Monitor "monitor",
}

words! {
    /// How far a fencing action is (stonith_admin(8), crm_mon(8)).
    FencingStatus:
    /// The node is off, or was.
    Success "success",
    /// It could not be done.
    Failed "failed",
    /// It is under way.
    Pending "pending",
}

words! {
    /// What systemd knows of a unit's files (`LoadState`, systemctl(1)).
    LoadState:
    /// They were read.
    Loaded "loaded",
    /// There are none.
    NotFound "not-found",
    /// It is kept from starting.
    Masked "masked",
}

words! {
    /// Whether a unit runs (`ActiveState`, systemctl(1)).
    ActiveState:
    /// It runs.
    Active "active",
    /// It is being started.
    Activating "activating",
    /// It does not run.
    Inactive "inactive",
    /// It has failed.
    Failed "failed",
}

impl DiskState {
    /// Whether the leg has no disk to read or write.
    pub fn is_without_disk(&self) -> bool {
        matches!(self, Self::Diskless | Self::Failed | Self::Detaching)
    }
}

impl ReplicationState {
    /// Whether a resync is running, or is about to (`PausedSyncS` and others begin with another word).
    pub fn is_resync(&self) -> bool {
        self.as_str().starts_with("Sync")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_is_not_known_is_kept_and_is_none_of_the_others() {
        let state = DiskState::from("Melted");
        assert_eq!(state, DiskState::Other("Melted".into()));
        assert_eq!(state.to_string(), "Melted");
        assert!(!state.is_without_disk());
        assert_ne!(DiskState::from("uptodate"), DiskState::UpToDate);
        assert_eq!(DiskState::from("UpToDate"), DiskState::UpToDate);
    }
}
