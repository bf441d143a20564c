//! `general.file_type`: llama.cpp's `llama_ftype`, which is not ggml's `ggml_ftype`.

/// Set when the writer guessed the type (gguf-py `LlamaFileType.GUESSED`).
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

/// The label of a file type and whether it was guessed; None for one that is removed or unknown.
pub fn label(value: u64) -> Option<(&'static str, bool)> {
    let guessed = value & GUESSED != 0;
    LABELS.iter().find(|(id, _)| *id == value & !GUESSED).map(|(_, name)| (*name, guessed))
}

/// The tensor type that most weights of a file with this label have: `Q4_K_M` is mostly `Q4_K`.
pub fn dominant(label: &str) -> &str {
    match label {
        "Q2_K_S" => "Q2_K",
        "Q3_K_S" | "Q3_K_M" | "Q3_K_L" => "Q3_K",
        "Q4_K_S" | "Q4_K_M" => "Q4_K",
        "Q5_K_S" | "Q5_K_M" => "Q5_K",
        "IQ3_XS" | "IQ3_M" => "IQ3_S",
        "IQ2_M" => "IQ2_S",
        "MXFP4_MOE" => "MXFP4",
        other => other,
    }
}
