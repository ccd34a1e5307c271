//! The one integration test binary; a topic per file.

mod base;
mod crash;
mod example;
mod land;
mod patch;
mod profiles;
mod proposals;
mod ranking;
mod review;
mod scene;
mod verify;
