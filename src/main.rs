//! Arguments in; the workbench or one headless command out.

fn main() -> std::process::ExitCode {
    refit::cli::main()
}
