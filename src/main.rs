//! The `rankfit` program; everything lives in the library.

fn main() -> std::process::ExitCode {
    rankfit::cli::main()
}
