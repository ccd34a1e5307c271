//! Refit brings Rust code back inside its latency budget: budgets and measurements in, proved and reviewed commits out.
//!
//! ```text
//!   profile, trace ──> profile ──┐
//!                                ├──> attribute ──> cost per function, and what could not be placed
//!   Rust files ──────> source ───┘         │
//!   slo.toml ────────> slo ────────────> rank ────> HotFunction        ms of the objective it owns
//!                                          │
//!                                        detect ──> Finding            one file per rule
//!                                          │
//!                                        rewrite ─> Rewrite            text edits + what must be proved
//!                                          │
//!                                        verify ──> Verdict            evidence from a scratch repository
//!                                          │
//!                                        review ──> SignOff            people decide, hunk by hunk
//!                                          │
//!                                        apply ───> commit             with trailers and evidence
//!                                          │
//!                                        report ──> sprint report
//!
//!   tui, cli ──> worker ──> jobs ──┬──> effects ──> files, git, cargo, clock, processes
//!                                  └──> the stages above ──> source ──> model
//! ```
//!
//! Nouns live in [`model`]. Stages turn nouns into nouns and never import one another. Only [`effects`] touches the
//! world, and only [`jobs`] joins effects to stages. The screen is `view(&State)`, and `update` alone changes `State`.
//!
//! What holds everywhere, each with a test:
//!
//! 1. Stages never import one another; `model` imports nothing; the world is behind `effects`.
//! 2. No file is ever printed from a syntax tree; what an edit does not cover stays the same to the byte.
//! 3. An [`model::EditSet`] is sorted, disjoint, and bound by hash to the one file it was made for.
//! 4. Nothing lands without a [`model::SignOff`], and a sign-off needs evidence or a recorded override.
//! 5. Proposing, verifying and reviewing never change the user's working tree, index, branches, tags, stash or config.
//! 6. Whatever the moment of a crash, every file, index entry and ref is as before or as after, and everything can be undone.
//! 7. Every number shown carries its unit, its basis and its uncertainty.
//! 8. The same inputs give the same ranking and the same proposals, byte for byte.

pub mod model;

pub mod slo;

pub mod profile;

pub mod source;

pub mod attribute;

pub mod rank;

pub mod detect;

pub mod price;

pub mod rewrite;

pub mod verify;

pub mod review;

pub mod apply;

pub mod report;

pub mod template;

pub mod pipeline;

pub mod effects;

pub mod jobs;

pub mod tui;

pub mod cli;
