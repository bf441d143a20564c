//! Tensor types: ids, names and block sizes, from ggml.h (`enum ggml_type`) and the static asserts of ggml-common.h.

/// The storage of the elements of one type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TensorType {
    pub id: u32,
    pub name: &'static str,
    /// The number of elements in a block.
    pub block: u64,
    /// Bytes of a block.
    pub bytes: u64,
}

/// The meaning of a type id for this program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    Known(TensorType),
    /// Written by other or older programs, with a known size; llama.cpp refuses it.
    Foreign(TensorType),
    /// Newer than this program, or of a fork: its size is unknown.
    Unknown(u32),
}

impl Meaning {
    /// Returns the size of its blocks, where that is known.
    pub fn layout(&self) -> Option<TensorType> {
        match self {
            Meaning::Known(t) | Meaning::Foreign(t) => Some(*t),
            Meaning::Unknown(_) => None,
        }
    }

    /// Returns the name for a list of types: `Q4_K`, `unknown type 200`.
    pub fn label(&self) -> String {
        match self {
            Meaning::Known(t) | Meaning::Foreign(t) => t.name.to_owned(),
            Meaning::Unknown(id) => match fork_type(*id) {
                Some(name) => format!("unknown type {id} ({name} in a fork)"),
                None => format!("unknown type {id}"),
            },
        }
    }
}

const TYPES: &[TensorType] = &[
    row(0, "F32", 1, 4),
    row(1, "F16", 1, 2),
    row(2, "Q4_0", 32, 18),
    row(3, "Q4_1", 32, 20),
    row(6, "Q5_0", 32, 22),
    row(7, "Q5_1", 32, 24),
    row(8, "Q8_0", 32, 34),
    row(9, "Q8_1", 32, 36),
    row(10, "Q2_K", 256, 84),
    row(11, "Q3_K", 256, 110),
    row(12, "Q4_K", 256, 144),
    row(13, "Q5_K", 256, 176),
    row(14, "Q6_K", 256, 210),
    row(15, "Q8_K", 256, 292),
    row(16, "IQ2_XXS", 256, 66),
    row(17, "IQ2_XS", 256, 74),
    row(18, "IQ3_XXS", 256, 98),
    row(19, "IQ1_S", 256, 50),
    row(20, "IQ4_NL", 32, 18),
    row(21, "IQ3_S", 256, 110),
    row(22, "IQ2_S", 256, 82),
    row(23, "IQ4_XS", 256, 136),
    row(24, "I8", 1, 1),
    row(25, "I16", 1, 2),
    row(26, "I32", 1, 4),
    row(27, "I64", 1, 8),
    row(28, "F64", 1, 8),
    row(29, "IQ1_M", 256, 56),
    row(30, "BF16", 1, 2),
    row(34, "TQ1_0", 256, 54),
    row(35, "TQ2_0", 256, 66),
    row(39, "MXFP4", 32, 17),
    row(40, "NVFP4", 64, 36),
    row(41, "Q1_0", 128, 18),
    row(42, "Q2_0", 64, 18),
];

/// Types that llama.cpp no longer has or never had, and that still occur in files. 4 is MXFP4 as Ollama wrote it before
/// it took llama.cpp's id (ollama `fs/ggml/type.go`: "Formerly unused tensorTypeQ4_2"); no GGUF was ever written with
/// Q4_2. The others were removed in favor of repacking at load time (ggml-org/llama.cpp#10446).
const FOREIGN: &[TensorType] =
    &[row(4, "MXFP4", 32, 17), row(31, "Q4_0_4_4", 32, 18), row(32, "Q4_0_4_8", 32, 18), row(33, "Q4_0_8_8", 32, 18)];

/// Types of forks by their usual ids, only shown to people: two forks may use one id. From `enum ggml_type` of
/// ikawrakow/ik_llama.cpp and, for 36, of microsoft/BitNet (mainline had IQ4_NL_4_4 there for a while).
const FORKS: &[(u32, &str)] = &[
    (36, "I2_S"),
    (133, "Q6_0"),
    (134, "IQ1_BN"),
    (135, "IQ2_BN"),
    (137, "IQ2_K"),
    (138, "IQ3_K"),
    (139, "IQ4_K"),
    (140, "IQ5_K"),
    (141, "IQ6_K"),
    (144, "IQ4_KS"),
    (145, "IQ2_KS"),
    (146, "IQ4_KSS"),
    (151, "Q8_KV"),
    (152, "IQ5_KS"),
    (153, "IQ2_KT"),
    (154, "IQ3_KT"),
    (155, "IQ4_KT"),
    (156, "IQ3_KS"),
    (157, "IQ2_KL"),
    (158, "IQ1_KT"),
    (202, "Q4_0_R8"),
    (206, "Q5_0_R4"),
    (208, "Q8_0_R8"),
    (210, "Q2_K_R4"),
    (211, "Q3_K_R4"),
    (212, "Q4_K_R4"),
    (213, "Q5_K_R4"),
    (214, "Q6_K_R4"),
    (216, "IQ2_XXS_R4"),
    (217, "IQ2_XS_R4"),
    (218, "IQ3_XXS_R4"),
    (219, "IQ1_S_R4"),
    (220, "IQ4_NL_R4"),
    (221, "IQ3_S_R4"),
    (222, "IQ2_S_R4"),
    (223, "IQ4_XS_R8"),
    (229, "IQ1_M_R4"),
    (230, "BF16_R16"),
    (233, "Q6_0_R4"),
    (335, "IQ2_BN_R4"),
    (337, "IQ2_K_R4"),
    (338, "IQ3_K_R4"),
    (339, "IQ4_K_R4"),
    (340, "IQ5_K_R4"),
    (344, "IQ4_KS_R4"),
    (352, "IQ5_KS_R4"),
    (397, "Q8_K_R16"),
    (398, "Q8_KV_R8"),
    (399, "Q8_K_R8"),
];

const fn row(id: u32, name: &'static str, block: u64, bytes: u64) -> TensorType {
    TensorType { id, name, block, bytes }
}

/// Returns the meaning of `id`.
pub fn meaning(id: u32) -> Meaning {
    if let Some(known) = TYPES.iter().find(|t| t.id == id) {
        return Meaning::Known(*known);
    }
    FOREIGN.iter().find(|t| t.id == id).map_or(Meaning::Unknown(id), |t| Meaning::Foreign(*t))
}

/// Returns the name that a fork gives a type that llama.cpp does not have.
pub fn fork_type(id: u32) -> Option<&'static str> {
    FORKS.iter().find(|(fork, _)| *fork == id).map(|(_, name)| *name)
}

/// Returns whether a name is that of a type of a fork.
pub(super) fn is_fork_type(name: &str) -> bool {
    FORKS.iter().any(|(_, fork)| *fork == name)
}

/// Returns the type with this name.
pub fn named(name: &str) -> Option<TensorType> {
    TYPES.iter().copied().find(|t| t.name == name)
}

impl TensorType {
    /// Returns the bytes of `elements` elements, which must be whole blocks. Returns None when the product overflows.
    pub fn size_of(&self, elements: u64) -> Option<u64> {
        elements.checked_div(self.block)?.checked_mul(self.bytes)
    }

    /// Returns the bits per element.
    pub fn bits(&self) -> f64 {
        self.bytes as f64 * 8.0 / self.block as f64
    }
}
