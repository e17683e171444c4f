//! Where text goes: results to stdout, everything else to stderr.

use std::io::{ErrorKind, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use super::style::Style;
use super::words::wrap;

/// How results are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Human,
    /// For machines: the documents of `schema/`.
    Json,
    /// For a pull-request comment or a step summary: at most 64,000 bytes.
    Markdown,
    /// SARIF 2.1.0 of findings, blocked and unknown subjects, for code scanning.
    Sarif,
    /// JUnit XML of the same, for the test view of a pipeline.
    Junit,
    /// GitLab's terraform report: three numbers.
    Gitlab,
}

/// The two streams and how to write to them.
#[derive(Clone, Copy, Default)]
pub struct Output {
    /// How results are printed.
    pub format: Format,
    /// Show only results and errors.
    pub quiet: bool,
    /// Show every name.
    pub verbose: bool,
    /// Never colour.
    pub no_colour: bool,
    /// Stdout is taken (`--log-events -`): results go to stderr.
    pub results_to_stderr: bool,
}

impl Output {
    /// Prints a result; text ends with one line end.
    pub fn result(&self, text: &str) {
        if self.results_to_stderr {
            _ = write_line(&mut std::io::stderr().lock(), text);
        } else {
            let written = write_line(&mut std::io::stdout().lock(), text);
            // A reader that went away (`| head`) is no error of ours, and there is nobody left to tell.
            if written.is_err_and(|cause| cause.kind() != ErrorKind::BrokenPipe) {
                RESULT_LOST.store(true, Ordering::Relaxed);
            }
        }
    }

    /// Whether a result could not be written: a document that was cut off must not look like a success.
    pub fn has_lost_a_result() -> bool {
        RESULT_LOST.load(Ordering::Relaxed)
    }

    /// Says something beside the result, unless `-q`.
    pub fn say(&self, text: &str) {
        if !self.quiet {
            _ = write_line(&mut std::io::stderr().lock(), text);
        }
    }

    /// Says what went wrong in a sentence or two, even with `-q`; on a terminal broken between words.
    pub fn explain(&self, text: &str) {
        let width = if std::io::stderr().is_terminal() { self.width() } else { usize::MAX };
        self.complain(&wrap(text, 0, width));
    }

    /// Says what went wrong, line by line as it is, even with `-q`.
    pub fn complain(&self, text: &str) {
        _ = write_line(&mut std::io::stderr().lock(), text);
    }

    /// The style for results.
    pub fn style(&self) -> Style {
        if self.results_to_stderr {
            return self.error_style();
        }
        Style { colour: self.may_colour() && std::io::stdout().is_terminal() }
    }

    /// The style for everything else.
    pub fn error_style(&self) -> Style {
        Style { colour: self.may_colour() && std::io::stderr().is_terminal() }
    }

    /// Whether stderr is a terminal that can be drawn on.
    pub fn can_draw(&self) -> bool {
        !self.quiet && std::io::stderr().is_terminal()
    }

    /// Columns of the terminal; 100 where there is none.
    pub fn width(&self) -> usize {
        let stream = terminal_size::terminal_size_of(std::io::stdout());
        match stream.or_else(|| terminal_size::terminal_size_of(std::io::stderr())) {
            Some((terminal_size::Width(columns), _)) => usize::from(columns).clamp(40, 160),
            None => 100,
        }
    }

    fn may_colour(&self) -> bool {
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        !self.no_colour && !no_color
    }
}

/// Writes whole lines to stdout and hands them on at once; unlike a result, what reads them may have gone
/// away, and then that is said.
pub fn to_stdout(lines: &str) -> std::io::Result<()> {
    let mut stream = std::io::stdout().lock();
    stream.write_all(lines.as_bytes()).and_then(|()| stream.flush())
}

/// Set once by whichever result is lost; the command goes on, for it may have to turn somebody on.
static RESULT_LOST: AtomicBool = AtomicBool::new(false);

fn write_line(stream: &mut impl Write, text: &str) -> std::io::Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    let end = if text.ends_with('\n') { "" } else { "\n" };
    write!(stream, "{text}{end}").and_then(|()| stream.flush())
}
