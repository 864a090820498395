//! Which instruction set a kernel runs on.

/// An instruction set that the kernels have a version for. All give the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isa {
    /// What every machine of the architecture has.
    Portable,
    /// AVX2 with fused multiply-add.
    Avx2,
    /// AVX-512 with its 32 vector registers.
    Avx512,
}

impl Isa {
    /// The fastest that this machine has.
    pub fn best() -> Self {
        *Self::available().last().unwrap_or(&Self::Portable)
    }

    /// All that this machine has, the fastest last.
    pub fn available() -> Vec<Self> {
        let mut found = vec![Self::Portable];
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            found.push(Self::Avx2);
            if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl") {
                found.push(Self::Avx512);
            }
        }
        found
    }

    /// This instruction set if the machine has it, else the best there is: what makes a dispatch safe.
    pub(super) fn checked(self) -> Self {
        if Self::available().contains(&self) { self } else { Self::best() }
    }
}
