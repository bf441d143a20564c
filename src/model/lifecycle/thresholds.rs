/// When there is too little, in percent and bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thresholds {
    /// Of each GPU's memory that is used.
    pub vram: u8,
    /// Of main memory that is used.
    pub ram: u8,
    /// Of all cores, as the mean of 30 s.
    pub cpu: u8,
    /// Of the time in which tasks wait for memory.
    pub stalls: u8,
    /// Bytes that have to be free.
    pub disk: u64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Thresholds { vram: 85, ram: 90, cpu: 80, stalls: 20, disk: 2_000_000_000 }
    }
}
