//! What `kubectl hapair` is made of: the way to the API server, a look at a pair with all that belongs to it,
//! and the screen that is drawn of it.

pub mod access;
pub mod advice;
pub mod age;
pub mod ask;
pub mod diagnose;
pub mod forecast;
pub mod forget;
pub mod left_over;
pub mod logs;
pub mod manifest;
pub mod overview;
pub mod plan;
pub mod replace_disk;
pub mod requests;
pub mod screen;
pub mod status;
pub mod switchover;
pub mod why;
