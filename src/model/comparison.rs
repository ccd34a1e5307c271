//! Two recordings compared function by function and line by line, and what an objective would become if functions were faster.

use super::{FunctionId, Interval};

/// A function is made faster or slower in thought: `gw::spin=-40%`.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Function as the person named it; the end of its path is enough.
    pub function: String,
    /// Share of its own time that goes, 0.4 for `-40%`; negative where it gets slower.
    pub saved: f64,
}

/// What one objective's quantile would be.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// Name of the objective.
    pub slo: String,
    /// Its quantile.
    pub quantile: f64,
    /// The functions that were changed.
    pub functions: Vec<FunctionId>,
    /// The quantile as measured, in ms.
    pub measured_ms: f64,
    /// The quantile with the change, in ms.
    pub predicted_ms: f64,
    /// Interval of the difference (predicted minus measured): bootstrap over requests, both quantiles of each draw.
    pub difference_ms: Interval,
    /// The limit in ms.
    pub limit_ms: f64,
    /// How it was found.
    pub method: Method,
}

/// How a prediction was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Each request was shortened by what the functions took of it, and the quantile taken anew.
    Replayed,
    /// Too few samples per request for that: the functions' part of the quantile, times the share (first order).
    FirstOrder,
}

impl Method {
    /// The word in tables and JSON.
    pub fn word(self) -> &'static str {
        match self {
            Method::Replayed => "replayed requests",
            Method::FirstOrder => "first order",
        }
    }
}

/// In what two recordings are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Measure {
    /// Mean milliseconds per request.
    MsPerRequest,
    /// Percent of everything measured.
    #[default]
    Percent,
}

impl Measure {
    /// The word in tables and JSON.
    pub fn word(self) -> &'static str {
        match self {
            Measure::MsPerRequest => "ms per request",
            Measure::Percent => "percent",
        }
    }
}

/// One function, or one line of it, in both recordings.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Function path, wait or label.
    pub name: String,
    /// File relative to the project root; empty where there is none.
    pub file: String,
    /// Line from 1; 0 where the function as a whole is meant.
    pub line: u32,
    /// Before.
    pub base: f64,
    /// Now.
    pub now: f64,
    /// 95 % interval of now minus base.
    pub difference: Interval,
    /// Samples behind both.
    pub samples: (u64, u64),
}

impl Difference {
    /// True if the interval leaves zero out.
    pub fn is_clear(&self) -> bool {
        self.difference.low > 0.0 || self.difference.high < 0.0
    }
}

/// Two recordings compared.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Comparison {
    /// The recording before.
    pub base: String,
    /// In what.
    pub measure: Measure,
    /// Functions, waits and labels; the largest clear difference first.
    pub rows: Vec<Difference>,
    /// Lines, in the same order.
    pub lines: Vec<Difference>,
}
