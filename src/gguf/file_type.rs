//! `general.file_type`: llama.cpp's `llama_ftype`, which is not ggml's `ggml_ftype`.

/// The bit that is set when the writer guessed the type (gguf-py `LlamaFileType.GUESSED`).
const GUESSED: u64 = 1024;

const LABELS: &[(u64, &str)] = &[
    (0, "F32"),
    (1, "F16"),
    (2, "Q4_0"),
    (3, "Q4_1"),
    (7, "Q8_0"),
    (8, "Q5_0"),
    (9, "Q5_1"),
    (10, "Q2_K"),
    (11, "Q3_K_S"),
    (12, "Q3_K_M"),
    (13, "Q3_K_L"),
    (14, "Q4_K_S"),
    (15, "Q4_K_M"),
    (16, "Q5_K_S"),
    (17, "Q5_K_M"),
    (18, "Q6_K"),
    (19, "IQ2_XXS"),
    (20, "IQ2_XS"),
    (21, "Q2_K_S"),
    (22, "IQ3_XS"),
    (23, "IQ3_XXS"),
    (24, "IQ1_S"),
    (25, "IQ4_NL"),
    (26, "IQ3_S"),
    (27, "IQ3_M"),
    (28, "IQ2_S"),
    (29, "IQ2_M"),
    (30, "IQ4_XS"),
    (31, "IQ1_M"),
    (32, "BF16"),
    (36, "TQ1_0"),
    (37, "TQ2_0"),
    (38, "MXFP4_MOE"),
    (39, "NVFP4"),
    (40, "Q1_0"),
    (41, "Q2_0"),
];

/// Values that forks and Ollama write there: ollama `fs/ggml/type.go`, and `llama_ftype` of ikawrakow/ik_llama.cpp.
const FOREIGN: &[(u64, &str)] = &[
    (4, "MXFP4"),
    (33, "Q4_0_4_4"),
    (34, "Q4_0_4_8"),
    (35, "Q4_0_8_8"),
    (135, "Q6_0"),
    (136, "IQ1_BN"),
    (137, "IQ2_BN"),
    (138, "IQ2_K"),
    (139, "IQ3_K"),
    (140, "IQ4_K"),
    (141, "IQ5_K"),
    (142, "IQ6_K"),
    (145, "IQ4_KS"),
    (146, "IQ3_KL"),
    (147, "IQ2_KS"),
    (148, "IQ4_KSS"),
    (149, "Q8_KV"),
    (150, "IQ5_KS"),
    (151, "IQ2_KT"),
    (152, "IQ3_KT"),
    (153, "IQ4_KT"),
    (154, "IQ3_KS"),
    (155, "IQ2_KL"),
    (156, "IQ1_KT"),
    (338, "IQ2_K_R4"),
    (339, "IQ3_K_R4"),
    (340, "IQ4_K_R4"),
    (341, "IQ5_K_R4"),
    (345, "IQ4_KS_R4"),
    (350, "IQ5_KS_R4"),
    (399, "Q8_K_R8"),
];

/// Returns whether llama.cpp has a file type with this label.
pub(super) fn is_label(label: &str) -> bool {
    LABELS.iter().any(|(_, name)| *name == label)
}

/// Returns whether llama.cpp or another program has a file type with this label.
pub(super) fn is_known(label: &str) -> bool {
    LABELS.iter().chain(FOREIGN).any(|(_, name)| *name == label)
}

/// Returns the label of a file type and whether it was guessed; None for a type that is removed or unknown.
pub fn label(value: u64) -> Option<(&'static str, bool)> {
    let guessed = value & GUESSED != 0;
    LABELS.iter().chain(FOREIGN).find(|(id, _)| *id == value & !GUESSED).map(|(_, name)| (*name, guessed))
}

/// Returns the tensor type that most weights of a file with this label have: `Q4_K_M` is mostly `Q4_K`.
pub fn dominant(label: &str) -> &str {
    match label {
        "Q2_K_S" => "Q2_K",
        "Q3_K_S" | "Q3_K_M" | "Q3_K_L" => "Q3_K",
        "Q4_K_S" | "Q4_K_M" => "Q4_K",
        "Q5_K_S" | "Q5_K_M" => "Q5_K",
        "IQ3_XS" | "IQ3_M" => "IQ3_S",
        "IQ2_M" => "IQ2_S",
        "MXFP4_MOE" => "MXFP4",
        "IQ3_KL" => "IQ3_K",
        "FP16" => "F16",
        "FP32" => "F32",
        other => without_size(other),
    }
}

/// Returns a label without the sizes that people append: `Q4_K_XL` is mostly `Q4_K`, `Q8_0_L` mostly `Q8_0`.
fn without_size(label: &str) -> &str {
    match label.rsplit_once('_') {
        Some((base, "S" | "M" | "L" | "XL" | "XXL")) if super::tensor_type::named(base).is_some() => base,
        _ => label,
    }
}
