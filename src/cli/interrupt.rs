//! Ctrl-C: the first one lets every run end where it is, the second one ends the program.

use std::process;
use std::sync::atomic::{AtomicBool, Ordering};

use super::exit::Exit;

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// From now on Ctrl-C is noticed instead of killing the program.
pub(super) fn watch() {
    // Fails only when a handler is there already, which then does the same.
    let _ = ctrlc::set_handler(|| {
        if INTERRUPTED.swap(true, Ordering::SeqCst) {
            process::exit(i32::from(Exit::Interrupted.code()));
        }
    });
}

/// Whether the user wants to end.
pub(super) fn requested() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}
