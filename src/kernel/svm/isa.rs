//! The instruction sets that the loops are compiled for.

/// An instruction set that this machine has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Isa(pub(super) Level);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
pub(super) enum Level {
    Portable,
    Avx2,
    Avx512,
}

impl Isa {
    /// Any machine.
    pub const PORTABLE: Self = Self(Level::Portable);

    /// All that this machine has, the best last.
    pub fn available() -> Vec<Self> {
        let mut all = vec![Self::PORTABLE];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                all.push(Self(Level::Avx2));
            }
            if all.len() == 2
                && is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512bw")
            {
                all.push(Self(Level::Avx512));
            }
        }
        all
    }

    /// The best this machine has.
    pub fn best() -> Self {
        Self::available().last().copied().unwrap_or(Self::PORTABLE)
    }
}

/// Compiles a body for each instruction set and chooses by the first argument, an [`Isa`].
macro_rules! dispatched {
    ($(#[$meta:meta])* pub fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? = $body:path) => {
        $(#[$meta])*
        pub fn $name(isa: $crate::kernel::svm::Isa, $($arg: $ty),*) $(-> $ret)? {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")]
                fn wide($($arg: $ty),*) $(-> $ret)? {
                    $body($($arg),*)
                }
                #[target_feature(enable = "avx2,fma")]
                fn middle($($arg: $ty),*) $(-> $ret)? {
                    $body($($arg),*)
                }
                match isa.0 {
                    // SAFETY: an `Isa` of this level exists only where the machine has these features.
                    $crate::kernel::svm::isa::Level::Avx512 => return unsafe { wide($($arg),*) },
                    // SAFETY: as above.
                    $crate::kernel::svm::isa::Level::Avx2 => return unsafe { middle($($arg),*) },
                    $crate::kernel::svm::isa::Level::Portable => {}
                }
            }
            let _ = isa;
            $body($($arg),*)
        }
    };
}

pub(super) use dispatched;
