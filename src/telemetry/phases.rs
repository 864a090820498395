//! Seconds and bytes per phase of a rank's work.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// What a rank spends its time on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Making or reading blocks.
    Load,
    /// Kernels and fits.
    Compute,
    /// Messages, and waiting for other ranks.
    Communicate,
    /// Waiting for a block that is being read.
    Wait,
    /// Writing results.
    Write,
}

impl Phase {
    /// Every phase, in the order of the results file.
    pub const ALL: [Self; 5] = [Self::Load, Self::Compute, Self::Communicate, Self::Wait, Self::Write];

    /// The phase's name in the results file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Load => "load",
            Self::Compute => "compute",
            Self::Communicate => "communicate",
            Self::Wait => "wait",
            Self::Write => "write",
        }
    }
}

/// One rank's timers. Cheap enough to be read around every block; threads may share them.
#[derive(Default)]
pub struct Telemetry {
    nanoseconds: [AtomicU64; 5],
    bytes: [AtomicU64; 5],
}

impl Telemetry {
    /// Timers at zero.
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs `work` and adds its time to `phase`.
    pub fn time<R>(&self, phase: Phase, work: impl FnOnce() -> R) -> R {
        let start = Instant::now();
        let result = work();
        self.nanoseconds[phase as usize].fetch_add(start.elapsed().as_nanos() as u64, Ordering::Relaxed);
        result
    }

    /// Adds bytes moved in `phase`.
    pub fn count_bytes(&self, phase: Phase, bytes: u64) {
        self.bytes[phase as usize].fetch_add(bytes, Ordering::Relaxed);
    }

    /// Seconds spent in `phase` so far.
    pub fn seconds(&self, phase: Phase) -> f64 {
        self.nanoseconds[phase as usize].load(Ordering::Relaxed) as f64 * 1e-9
    }

    /// Bytes moved in `phase` so far.
    pub fn bytes(&self, phase: Phase) -> u64 {
        self.bytes[phase as usize].load(Ordering::Relaxed)
    }
}
