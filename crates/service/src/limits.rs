//! Every limit of the service, with its reason.

use std::time::Duration;

/// Largest body of a command or list: a list of 1,000 commands of 8 KiB, more than their events may take.
pub const BODY_BYTES_MAX: usize = 8 << 20;
/// Longest line of a stream of commands: ten times the largest event, for escapes and long names.
pub const LINE_BYTES_MAX: usize = 64 << 10;
/// How long a client may take to send a body. A stream of commands has no such limit; it is read as it comes.
pub const BODY_READ_MAX: Duration = Duration::from_secs(30);
/// How long a client may take to send a request's head, or leave a connection idle.
pub const HEADER_READ_MAX: Duration = Duration::from_secs(60);
/// Most items of a page: some hundred KiB of JSON.
pub const PAGE_MAX: usize = 1_000;
/// Items of a page if nothing is said.
pub const PAGE_DEFAULT: usize = 100;
/// Most fields, changes or observations of a command: as many as a kind of a campaign can have.
pub const COMMAND_FIELDS_MAX: usize = 256;
/// Most lines of a stream that are submitted together: about one commit.
pub const STREAM_BATCH_LINES: usize = 512;
/// Most batches of a stream that wait for their answers: one that syncs, one that fills, two in reserve.
pub const STREAM_BATCHES_MAX: usize = 4;
/// Events that one read of the live stream fetches.
pub const LIVE_BATCH_EVENTS: usize = 256;
/// Most open live streams: each holds a connection for ever.
pub const LIVE_CLIENTS_MAX: usize = 256;
/// How often a silent live stream says that it is alive: half of what proxies usually allow.
pub const LIVE_KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Most questions at once that may pass over the whole log: each holds a core and a page.
pub const HEAVY_QUERIES_MAX: usize = 8;
/// How long a question with `min_position` waits for the projections.
pub const FOLD_WAIT_MAX: Duration = Duration::from_secs(5);
/// How far the projections may be behind the log while `/readyz` says yes: a tenth of a second of folding.
pub const READY_LAG_EVENTS_MAX: u64 = 100_000;
/// Most connections: each costs two buffers of 8 KiB and a file handle.
pub const CONNECTIONS_MAX: usize = 4_096;
/// How long requests under way may take to end when the service stops.
pub const DRAIN_MAX: Duration = Duration::from_secs(10);
/// How often measured values are moved into their histograms; between, each takes 8 bytes.
pub const METRICS_UPKEEP: Duration = Duration::from_secs(1);
/// Longest text of a problem in characters: it repeats some input, and nobody reads a megabyte.
pub const PROBLEM_CHARS_MAX: usize = 400;
/// How long a write or a receipt with `wait=published` waits for the checkpoint: several tries of the witnesses.
pub const PUBLICATION_WAIT_MAX: Duration = Duration::from_secs(10);
