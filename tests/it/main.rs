//! The one integration test binary; a topic per file.
