//! The one integration test binary; a topic per file.

mod base;
mod patch;
mod scene;
