//! The parts of a pair. What belongs to one thing stands together in its file: its packages, units and files, what it
//! needs of the firewall, its elements of the cluster's configuration, what keeps it from being, what it waits for.
//!
//! Each is a row of [`PARTS`]. Their order is the one in which their files are written, their steps run and their
//! elements stand in a new configuration.

pub mod address;
pub mod administration;
pub mod cluster;
pub mod fencing;
pub mod keys;
pub mod link;
pub mod service;
pub mod volume;

use crate::part::Part;

/// Every part, but the firewall, which lets in what these ask for.
pub static PARTS: [Part; 8] = [
    keys::PART,
    cluster::PART,
    fencing::PART,
    volume::PART,
    address::PART,
    link::PART,
    service::PART,
    administration::PART,
];
