//! A card payment gateway: orders come in as JSON, are checked, assessed, collected by an acquirer and booked.
//!
//! Reading order: `server` takes a request, `gateway` leads it through the other modules, `api` and `error` are
//! what merchants see.

pub mod acquirer;
pub mod api;
pub mod audit;
pub mod auth;
pub mod basket;
pub mod books;
pub mod catalogue;
pub mod client;
pub mod config;
pub mod crypto;
pub mod dataset;
pub mod error;
pub mod fees;
pub mod fraud;
pub mod fx;
pub mod gateway;
pub mod idempotency;
pub mod ledger;
pub mod limiter;
pub mod metrics;
pub mod receipt;
pub mod reconcile;
pub mod request_log;
pub mod risk;
pub mod rules;
pub mod server;
pub mod stub;
pub mod tax;
pub mod validate;
pub mod workload;

#[cfg(test)]
mod scratch;
