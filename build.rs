//! Compiles what llama.cpp's C++ interface has and its C interface lacks.

#[expect(clippy::disallowed_methods, reason = "cargo tells a build script its features by the environment alone")]
fn main() {
    println!("cargo::rerun-if-changed=src/engine/breakdown.cpp");
    println!("cargo::rerun-if-changed=src/engine/grammar.cpp");
    // Without llama.cpp there is nothing for it to call.
    if std::env::var_os("CARGO_FEATURE_LLAMA").is_some() {
        cc::Build::new()
            .cpp(true)
            .std("c++17")
            .files(["src/engine/breakdown.cpp", "src/engine/grammar.cpp"])
            .compile("modelctl_cpp");
    }
}
