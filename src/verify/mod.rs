//! A rewrite in, the checks to run out; evidence in, a verdict and its statistics out.
