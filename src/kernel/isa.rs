//! The instruction sets that kernels are compiled for, and the choice among them at run time.

/// An instruction set that kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isa {
    /// What every machine of the target has.
    Portable,
    /// x86-64 with AVX2 and FMA: 4 doubles at a time.
    Avx2,
    /// x86-64 with the F, DQ and VL parts of AVX-512: 8 doubles at a time.
    Avx512,
}

impl Isa {
    /// The instruction sets that this machine has, the fastest last.
    pub fn available() -> &'static [Self] {
        #[cfg(target_arch = "x86_64")]
        {
            let fma = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            let wide = is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl");
            if fma && wide {
                return &[Self::Portable, Self::Avx2, Self::Avx512];
            }
            if fma {
                return &[Self::Portable, Self::Avx2];
            }
        }
        &[Self::Portable]
    }

    /// The fastest instruction set that this machine has.
    pub fn best() -> Self {
        Self::available().last().copied().unwrap_or(Self::Portable)
    }

    /// Whether this machine has it.
    pub fn is_available(self) -> bool {
        Self::available().contains(&self)
    }

    /// Its name, as `info` prints it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Avx2 => "AVX2 + FMA",
            Self::Avx512 => "AVX-512",
        }
    }
}
