use serde::{Deserialize, Serialize};

/// The source of a quantization label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum QuantSource {
    /// `general.file_type`, which the tensors do not contradict.
    FileType,
    /// The tensors: `general.file_type` is absent, guessed, or contradicted by them.
    Tensors,
    /// The file name; the tensors do not contradict it.
    Name,
}

/// The quantization of a model's weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Quant {
    /// `Q4_K_M`, `F16`, …; `unknown` without any evidence.
    pub label: String,
    pub source: QuantSource,
    /// 8 * bytes / elements over all tensors of known type; None without such tensors.
    pub bits_per_weight: Option<f64>,
    /// The number of elements by tensor type, most elements first.
    pub histogram: Vec<(String, u64)>,
    /// The value of `general.file_type`, when the label differs from it.
    pub claimed: Option<String>,
}
