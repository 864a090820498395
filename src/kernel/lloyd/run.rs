//! The bodies of the kernel on the instruction set that is asked for.

use super::bounds::{BoundsMut, Drift};
use super::neighbours::Neighbours;
use super::packed::Centroids;
use super::reassign::Buckets;
use super::shorts::{Extent, Scale};
use super::single::SingleCentroids;
use super::tile::{Ahead, Tile};
use super::vector::Lanes;
use super::{Rows, Tally};
use crate::kernel::{Isa, Real};

/// A body on the instruction set that is asked for. The numbers are rows and centroids that are scored together: with
/// 32 registers 6 vectors of rows and 4 centroids, with 16 registers 3 and 3.
macro_rules! on_each_isa {
    ($name:ident = $module:ident::$body:ident $wide:tt $narrow:tt, ($($arg:ident: $type:ty),*) $(-> $out:ty)?) => {
        /// # Safety
        /// As for the body, except that the instruction set has been asked for.
        #[allow(clippy::too_many_arguments)]
        pub(super) unsafe fn $name<T: Real>(isa: Isa, $($arg: $type),*) $(-> $out)? {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,avx512f,avx512vl,avx512dq,avx512bw")]
            #[allow(clippy::too_many_arguments)]
            unsafe fn avx512<T: Real>($($arg: $type),*) $(-> $out)? {
                // SAFETY: the caller's, and this function's features are those that the vectors need.
                unsafe { on_each_isa!(@call $module::$body, Avx512, $wide, ($($arg),*)) }
            }

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            #[allow(clippy::too_many_arguments)]
            unsafe fn avx2<T: Real>($($arg: $type),*) $(-> $out)? {
                // SAFETY: the caller's, and this function's features are those that the vectors need.
                unsafe { on_each_isa!(@call $module::$body, Avx2, $narrow, ($($arg),*)) }
            }

            match isa {
                #[cfg(target_arch = "x86_64")]
                // SAFETY: the caller's; the machine has been asked for AVX-512.
                Isa::Avx512 => unsafe { avx512($($arg),*) },
                #[cfg(target_arch = "x86_64")]
                // SAFETY: the caller's; the machine has been asked for AVX2 and FMA.
                Isa::Avx2 => unsafe { avx2($($arg),*) },
                #[cfg(target_arch = "aarch64")]
                // SAFETY: the caller's; NEON is part of the target.
                Isa::Neon => unsafe { on_each_isa!(@call $module::$body, Neon, $wide, ($($arg),*)) },
                // SAFETY: the caller's; arrays need no instruction set.
                _ => unsafe { on_each_isa!(@call $module::$body, Portable, $narrow, ($($arg),*)) },
            }
        }
    };
    (@call $module:ident::$body:ident, $vector:ident, ($($n:literal),*), ($($arg:ident),*)) => {
        super::$module::$body::<<T as Lanes>::$vector $(, $n)*>($($arg),*)
    };
}

on_each_isa!(
    run_assign = tile::assign (6, 4) (3, 3),
    (
        rows: &Rows<'_, T>,
        c: &Centroids<T>,
        tile: &mut Tile<T>,
        labels: &mut [u32],
        scores: &mut [T],
        tally: Option<&mut Tally>
    )
);

on_each_isa!(
    run_reassign = reassign::reassign (6, 4) (3, 3),
    (
        rows: &Rows<'_, T>,
        c: &Centroids<T>,
        neighbours: &Neighbours,
        tile: &mut Tile<T>,
        buckets: &mut Buckets,
        labels: &mut [u32]
    ) -> usize
);

on_each_isa!(
    run_assign_all = bounded::assign_all (6, 4) (3, 3),
    (
        rows: &Rows<'_, T>,
        c: &Centroids<T>,
        neighbours: &Neighbours,
        drift: &Drift,
        tile: &mut Tile<T>,
        labels: &mut [u32],
        bounds: &mut BoundsMut<'_>
    )
);

on_each_isa!(
    run_screen = bounded::look_at_bounds () (),
    (
        c: &Centroids<T>,
        neighbours: &Neighbours,
        drift: &Drift,
        buckets: &mut Buckets,
        labels: &[u32],
        bounds: &BoundsMut<'_>
    ) -> usize
);

on_each_isa!(
    run_settle = bounded::settle (6, 4) (3, 3),
    (
        rows: &Rows<'_, T>,
        c: &Centroids<T>,
        neighbours: &Neighbours,
        drift: &Drift,
        tile: &mut Tile<T>,
        buckets: &mut Buckets,
        labels: &mut [u32],
        bounds: &mut BoundsMut<'_>,
        moved: &mut Vec<(u32, u32)>
    ) -> usize
);

on_each_isa!(
    run_narrow = single::narrow () (),
    (rows: &Rows<'_, T>, c: &Centroids<T>, to: &mut [f32])
);

on_each_isa!(
    run_assign_single = single::assign (6, 4) (3, 3),
    (
        x: &[T],
        at: usize,
        ahead: Ahead<T>,
        centroids: &SingleCentroids<T>,
        bounded: Option<(&Neighbours, &Drift, BoundsMut<'_>)>,
        tile: &mut Tile<T>,
        labels: &mut [u32],
        unsure: &mut Vec<u32>
    )
);

on_each_isa!(
    run_cut = shorts::cut () (),
    (
        rows: &Rows<'_, T>,
        shift: &[T],
        scale: &Scale,
        tile: &mut Tile<T>,
        extent: &mut Extent<T>,
        to: (&mut [i32], usize)
    )
);

on_each_isa!(
    run_assign_listed = single::assign_listed (6, 4) (3, 3),
    (rows: &Rows<'_, T>, c: &Centroids<T>, tile: &mut Tile<T>, listed: &[u32], labels: &mut [u32])
);

on_each_isa!(
    run_add = tally::add_rows () (),
    (rows: &Rows<'_, T>, c: &Centroids<T>, labels: &[u32], tally: &mut Tally)
);
