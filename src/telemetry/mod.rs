//! What the user sees while a job runs, and where its time went: phases' timers, progress on rank 0, the log.

mod fits;
mod interrupt;
mod iterations;
mod phases;
mod signals;
mod stop;
mod talker;
mod thinning;

pub use interrupt::{check_interrupt, interruptible};
pub use phases::{Phase, Telemetry};
pub use signals::{install_signal_handlers, let_long_files_fail, let_signals_end};
pub use stop::{Unkept, at_end, at_request, request_stop, signal_name, stop_requested};
pub use talker::{Talk, Talker};
