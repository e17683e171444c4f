//! A question on the terminal. Only `yes` is yes.

use crate::apply::interrupt::Interrupt;
use crate::report::output::Output;

/// Asks, and waits for the answer; anything but yes is no. Read in a thread of its own, so that Ctrl-C
/// is heard meanwhile.
pub(super) async fn yes(question: &str, output: Output, interrupt: &Interrupt) -> bool {
    output.complain(&format!("\n{question} Only `yes` does."));
    let (sender, answer) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        let read = std::io::stdin().read_line(&mut line);
        // Nobody listens any more after an interrupt.
        _ = sender.send(read.is_ok() && line.trim().eq_ignore_ascii_case("yes"));
    });
    tokio::select! {
        biased;
        () = interrupt.set() => {
            // The terminal echoes `^C` where the answer was to be.
            output.complain("\n");
            false
        }
        answer = answer => answer.unwrap_or(false),
    }
}
