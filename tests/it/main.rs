//! The one integration test binary; a topic per file.

mod architecture;
mod base;
mod cli;
mod crash;
mod example;
mod formats;
mod land;
mod lookups;
mod patch;
mod perf_data;
mod profiles;
mod proposals;
mod pty;
mod ranking;
mod refusals;
mod review;
mod rules_on_example;
mod rules_table;
mod scene;
mod screens;
mod symbols;
mod twins;
mod verify;
mod walk;
mod workbench;
