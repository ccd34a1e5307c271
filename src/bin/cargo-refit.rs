//! `cargo refit …` in; what `refit …` does out: cargo looks for a program of this name.

fn main() -> std::process::ExitCode {
    refit::cli::main()
}
