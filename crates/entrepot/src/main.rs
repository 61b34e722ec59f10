use std::process::ExitCode;

fn main() -> ExitCode {
    entrepot::cli::main()
}
