//! Progress bars on stderr; hidden where stderr is no terminal.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar over bytes of a file.
pub fn bytes(title: &'static str, all: u64) -> ProgressBar {
    bar(title, all, "{msg} [{wide_bar}] {bytes}/{total_bytes} {eta}")
}

/// A bar over things counted one by one.
pub fn items(title: &'static str, all: u64) -> ProgressBar {
    bar(title, all, "{msg} [{wide_bar}] {human_pos}/{human_len} {eta}")
}

fn bar(title: &'static str, all: u64, template: &str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(all), ProgressDrawTarget::stderr_with_hz(10));
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.set_style(style);
    bar.set_message(title);
    bar
}
