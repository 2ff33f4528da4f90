//! Words that tools print, as types: read once, where the output is parsed. A word that is not known is kept, and is
//! equal to none of the others.

use std::fmt;

/// Declares the words of a tool for one thing.
macro_rules! words {
    ($(#[doc = $about:literal])+ $type:ident: $($(#[doc = $text:literal])+ $name:ident,)+) => {
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
                    $(Self::$name => stringify!($name),)+
                    Self::Other(word) => word,
                }
            }
        }

        impl From<&str> for $type {
            fn from(word: &str) -> Self {
                match word {
                    $(stringify!($name) => Self::$name,)+
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
    /// The role of a DRBD resource on one host (drbdsetup(8), events2).
    Role:
    /// It may be mounted and written to.
    Primary,
    /// It may not.
    Secondary,
    /// The peer's, which is not connected.
    Unknown,
}

words! {
    /// The state of a leg's disk (drbdsetup(8), events2).
    DiskState:
    /// No disk is attached.
    Diskless,
    /// The disk is being attached.
    Attaching,
    /// The disk is being detached.
    Detaching,
    /// The disk has failed.
    Failed,
    /// It is about to be known what its data is worth.
    Negotiating,
    /// Part of its data is older, as during a resync.
    Inconsistent,
    /// Its data is whole and known to be older.
    Outdated,
    /// The peer's, which is not connected.
    DUnknown,
    /// Its data is whole; whether it is the newest is not known.
    Consistent,
    /// Its data is the newest.
    UpToDate,
}

words! {
    /// The state of the connection to the peer (drbdsetup(8), events2).
    ConnectionState:
    /// Given up, until somebody connects it again.
    StandAlone,
    /// Trying.
    Connecting,
    /// Connected.
    Connected,
}

words! {
    /// What is replicated or resynchronised now (drbdsetup(8), events2).
    ReplicationState:
    /// Nothing: not connected.
    Off,
    /// Writes only.
    Established,
    /// The peer is brought up to date from here.
    SyncSource,
    /// This leg is brought up to date from the peer.
    SyncTarget,
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
