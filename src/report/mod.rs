//! The ledger in, a Markdown report out.
