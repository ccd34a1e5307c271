//! Hunks and decisions in, what may be signed and by whom out.
