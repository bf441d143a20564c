use serde::{Deserialize, Serialize};

/// Where the label of a quantisation comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum QuantSource {
    /// `general.file_type`, and the tensors agree.
    FileType,
    /// The tensors: `general.file_type` is absent, guessed, or contradicted by them.
    Tensors,
    /// The file name; the tensors do not contradict it.
    Name,
}

/// How a model's weights are stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Quant {
    /// `Q4_K_M`, `F16`, …; `unknown` when there is nothing to tell from.
    pub label: String,
    pub source: QuantSource,
    /// 8 * bytes / elements over all tensors of known type; None without such tensors.
    pub bits_per_weight: Option<f64>,
    /// Tensor type name and the number of elements in it, most elements first.
    pub histogram: Vec<(String, u64)>,
    /// What `general.file_type` claims, when that is not the label.
    pub claimed: Option<String>,
}
