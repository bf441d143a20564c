use super::EngineError;

/// Checks for AVX2, FMA, F16C and BMI2 on x86-64, with which llama.cpp is built: without them it would end with an
/// illegal instruction.
pub fn check() -> Result<(), EngineError> {
    let missing = missing_features();
    if missing.is_empty() { Ok(()) } else { Err(EngineError::Cpu(missing.join(", "))) }
}

#[cfg(target_arch = "x86_64")]
fn missing_features() -> Vec<&'static str> {
    let features = [
        ("AVX2", std::is_x86_feature_detected!("avx2")),
        ("FMA", std::is_x86_feature_detected!("fma")),
        ("F16C", std::is_x86_feature_detected!("f16c")),
        ("BMI2", std::is_x86_feature_detected!("bmi2")),
    ];
    features.into_iter().filter(|(_, has)| !has).map(|(name, _)| name).collect()
}

#[cfg(not(target_arch = "x86_64"))]
fn missing_features() -> Vec<&'static str> {
    // Other architectures are built for the baseline of their target.
    Vec::new()
}
