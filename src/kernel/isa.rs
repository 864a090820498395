//! The instruction sets that kernels are compiled for, and the choice among them at run time.

/// An instruction set that kernels are compiled for. All give the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isa {
    /// What every machine of the target has.
    Portable,
    /// x86-64 with AVX2 and FMA: 4 doubles at a time.
    Avx2,
    /// x86-64 with the F, VL, DQ and BW parts of AVX-512: 8 doubles at a time.
    Avx512,
    /// 64-bit ARM, all of which has it: 2 doubles at a time. Where there are versions by hand for x86-64 alone (the passes of
    /// sequential minimal optimisation, picks, random words) the portable ones run, which the compiler vectorises.
    Neon,
}

impl Isa {
    /// The instruction sets that this machine has, the fastest last.
    pub fn available() -> Vec<Self> {
        [Self::Portable, Self::Neon, Self::Avx2, Self::Avx512]
            .into_iter()
            .filter(|isa| isa.is_available())
            .collect()
    }

    /// The fastest instruction set that this machine has.
    pub fn best() -> Self {
        if Self::Neon.is_available() { Self::Neon } else { Self::Avx512.checked() }
    }

    /// Whether this machine has it.
    pub fn is_available(self) -> bool {
        #[cfg(target_arch = "x86_64")]
        {
            let fma = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            let wide = is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512bw");
            match self {
                Self::Portable => true,
                Self::Avx2 => fma,
                Self::Avx512 => fma && wide,
                Self::Neon => false,
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        return self == Self::Portable || (self == Self::Neon && cfg!(target_arch = "aarch64"));
    }

    /// This instruction set, or the fastest below it that the machine has: what makes a dispatch safe.
    pub(super) fn checked(self) -> Self {
        match self {
            Self::Avx512 | Self::Neon if self.is_available() => self,
            Self::Avx512 | Self::Avx2 if Self::Avx2.is_available() => Self::Avx2,
            _ => Self::Portable,
        }
    }

    /// Its name, as `info` prints it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Avx2 => "AVX2 + FMA",
            Self::Avx512 => "AVX-512",
            Self::Neon => "NEON",
        }
    }
}
