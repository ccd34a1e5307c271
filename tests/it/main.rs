//! The one integration test binary; a topic per file.

mod base;
mod example;
mod patch;
mod ranking;
mod scene;
mod verify;
