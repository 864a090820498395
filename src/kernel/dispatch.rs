//! Compiling the loops for each instruction set.

/// Compiles a body for each instruction set and chooses by the first argument, an [`Isa`].
macro_rules! dispatched {
    ($(#[$meta:meta])* pub fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? = $body:path) => {
        $crate::kernel::dispatch::dispatched! { $(#[$meta])* pub fn $name($($arg: $ty),*) $(-> $ret)? = $body, $body }
    };
    // With another body, by hand, for AVX-512; on other machines than x86-64 there is no such.
    (
        $(#[$meta:meta])* pub fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? = $body:path, $wide:path
    ) => {
        $(#[$meta])*
        pub fn $name(isa: $crate::kernel::Isa, $($arg: $ty),*) $(-> $ret)? {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")]
                fn wide($($arg: $ty),*) $(-> $ret)? {
                    $wide($($arg),*)
                }
                #[target_feature(enable = "avx2,fma")]
                fn middle($($arg: $ty),*) $(-> $ret)? {
                    $body($($arg),*)
                }
                match isa.checked() {
                    // SAFETY: the machine has what `checked` returns.
                    $crate::kernel::Isa::Avx512 => return unsafe { wide($($arg),*) },
                    // SAFETY: as above.
                    $crate::kernel::Isa::Avx2 => return unsafe { middle($($arg),*) },
                    _ => {}
                }
            }
            // What every machine of the target has, NEON on ARM, is there without asking.
            let _ = isa;
            $body($($arg),*)
        }
    };
}

pub(super) use dispatched;
