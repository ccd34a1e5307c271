//! What was measured, placed on the functions of the source: rows, requests, and the part of each request that a row owns.

use super::{Basis, Cost, FunctionId, Problem, RowKind, Unit};

/// Row of the samples outside of requests: shown with its share, no part of any request.
pub const OUTSIDE_OF_REQUESTS: &str = "work outside of any request";

/// One row that time is placed on: a function, a wait, or a label for what could not be placed.
#[derive(Clone, Debug, PartialEq)]
pub struct AttributedRow {
    /// What kind of row.
    pub kind: RowKind,
    /// Function path, wait name or label (`ambiguous: a::f or b::f`).
    pub name: String,
    /// The function, where the row is one.
    pub function: Option<FunctionId>,
    /// File relative to the project root; empty where there is none.
    pub file: String,
    /// Line from 1; 0 where there is none.
    pub line: u32,
    /// Weights over the whole profile, inside and outside of requests.
    pub cost: Cost,
}

/// One request with its latency; its parts are `Attribution::parts[parts]`.
#[derive(Clone, Debug, PartialEq)]
pub struct AttributedRequest {
    /// Its index in the profile.
    pub request: u32,
    /// The operation, `POST /authorize`.
    pub operation: String,
    /// Name of the root span where it differs from the operation; empty otherwise.
    pub span_name: String,
    /// End minus start in nanoseconds.
    pub latency_ns: u64,
    /// Its parts.
    pub parts: std::ops::Range<usize>,
}

/// What one row owns of one request. The `owned_ns` of a request's parts add up to its latency.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Part {
    /// Index into [`Attribution::rows`].
    pub row: u32,
    /// Nanoseconds of the request's latency. Sampled estimates may be negative in a single request (wall time minus
    /// sampled time); their mean over requests is what counts.
    pub owned_ns: f64,
    /// Nanoseconds with the function itself as the leaf.
    pub self_ns: f64,
    /// Nanoseconds with the function anywhere on the stack.
    pub total_ns: f64,
    /// Samples behind `owned_ns`.
    pub samples: u32,
}

/// Weight owned by one line of a function's file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LinePart {
    /// Index into [`Attribution::requests`]; `None` outside of requests.
    pub request: Option<u32>,
    /// Index into [`Attribution::rows`]; the row's file is the line's file.
    pub row: u32,
    /// Line from 1; 0 for weight whose line is not known.
    pub line: u32,
    /// Weight in [`Attribution::unit`].
    pub weight: f64,
}

/// How well samples could be placed and joined, in [`Attribution::unit`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PlacedShare {
    /// Weight of all samples.
    pub total: f64,
    /// Weight of the samples that fall into a request.
    pub joined: f64,
    /// Weight that counts for the quality gate: joined samples, or all of them where nothing is joined.
    pub judged: f64,
    /// Of that, the weight that no function of the workspace owns.
    pub unplaced: f64,
    /// Number of samples.
    pub samples: u64,
    /// Number of samples in requests.
    pub joined_samples: u64,
}

/// The profile placed on the source.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attribution {
    /// Where the numbers come from.
    pub basis: Basis,
    /// Unit of [`Cost`] and [`LinePart`] weights.
    pub unit: Unit,
    /// Rows in a stable order: functions by path, then waits and labels by name.
    pub rows: Vec<AttributedRow>,
    /// Requests in the order of the profile.
    pub requests: Vec<AttributedRequest>,
    /// Parts of all requests, request by request.
    pub parts: Vec<Part>,
    /// Weights of single lines, where the profile has lines.
    pub lines: Vec<LinePart>,
    /// How well samples could be placed.
    pub placed: PlacedShare,
    /// Over how many requests allocations are averaged; 0 for the whole recording, `None` without a memory profile.
    pub allocated_over: Option<u64>,
    /// What is worth saying about it.
    pub problems: Vec<Problem>,
}
