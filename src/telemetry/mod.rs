//! What the user sees while a job runs, and where its time went: phases' timers, progress on rank 0, the log.

mod phases;
mod signals;
mod stop;

pub use phases::{Phase, Telemetry};
pub use signals::install_signal_handlers;
pub use stop::{request_stop, stop_requested};
