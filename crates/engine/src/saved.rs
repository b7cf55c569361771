//! Saved projections: plain files, written at stop and now and then, loaded at start. A bad, old or missing one means
//! that all are folded anew: they are folded in step, and stand at one position.

use std::{
    fs::{self, File},
    io::{BufReader, BufWriter, Write},
    ops::Range,
    path::Path,
    sync::Arc,
    thread,
};

use shilu_log::Log;
use shilu_model::{Campaign, Event, Position};
use shilu_projections::{
    Changes, Counts, Figures, Ids, Indicators, LoadError, Names, Projection, Projections, Rates, Records,
    Samples, Settings, Stamp, Subjects, Times, Trail, file_name, load_file,
};
use tracing::{info, warn};

use crate::{
    campaigns::{self, Campaigns},
    error::EngineError,
    folder,
    folder::replace_synced,
};

/// Loads the saved set, if it is whole and belongs to this log.
pub(crate) fn load(dir: &Path, campaign: &Arc<Campaign>, log: &Log) -> Option<Projections> {
    let dir = folder::projections(dir);
    // The records are as large as all others together: they get a thread of their own.
    let (records, others) = thread::scope(|scope| {
        let records = scope.spawn(|| load_one::<Records>(&dir));
        let others = load_others(&dir);
        (records.join().ok().flatten(), others)
    });
    let ((names, kept), trail, stamp) = others?;
    let (records, records_stamp) = records?;
    if records_stamp != stamp {
        return astray();
    }
    match log.hash_at(stamp.end) {
        Ok(Some(hash)) if hash == stamp.log_hash => {}
        _ => {
            warn!(
                end = stamp.end.get(),
                "the saved projections belong to another log; they are folded anew"
            );
            return None;
        }
    }
    info!(end = stamp.end.get(), "loaded the saved projections");
    let subjects = Subjects::of_parts(Arc::clone(campaign), stamp, (names, records));
    let figures = Figures::of_parts(campaign, stamp, kept);
    Some(Projections::of_groups(subjects, figures, trail))
}

type Kept = (Counts, Rates, Indicators);

fn load_others(dir: &Path) -> Option<((Names, Kept), Trail, Stamp)> {
    let (names, stamp) = load_one::<Names>(dir)?;
    let (counts, counts_stamp) = load_one::<Counts>(dir)?;
    let (rates, rates_stamp) = load_one::<Rates>(dir)?;
    let (indicators, indicators_stamp) = load_one::<Indicators>(dir)?;
    let (ids, ids_stamp) = load_one::<Ids>(dir)?;
    let (times, times_stamp) = load_one::<Times>(dir)?;
    let (settings, settings_stamp) = load_one::<Settings>(dir)?;
    let (changes, changes_stamp) = load_one::<Changes>(dir)?;
    let (samples, samples_stamp) = load_one::<Samples>(dir)?;
    let stamps = [
        ids_stamp,
        times_stamp,
        settings_stamp,
        changes_stamp,
        samples_stamp,
        counts_stamp,
        rates_stamp,
        indicators_stamp,
    ];
    if stamps.iter().any(|other| *other != stamp) {
        return astray();
    }
    Some((
        (names, (counts, rates, indicators)),
        Trail::of_parts(stamp, (ids, times, settings, changes, samples)),
        stamp,
    ))
}

fn astray<T>() -> Option<T> {
    warn!("the saved projections stand at different positions; they are folded anew");
    None
}

fn load_one<P: Projection>(dir: &Path) -> Option<(P, Stamp)> {
    let path = dir.join(file_name::<P>());
    let load = || -> Result<(P, Stamp), LoadError> {
        let file = File::open(&path)?;
        let length = file.metadata()?.len();
        load_file(&mut BufReader::with_capacity(1 << 20, file), length)
    };
    match load() {
        Ok(loaded) => Some(loaded),
        Err(LoadError::Unreadable(error)) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => {
            warn!(file = %path.display(), %error, "a saved projection cannot be used; all are folded anew");
            None
        }
    }
}

/// Folds what the projections have not seen yet, up to a position, each group on a thread of its own; the campaigns that
/// are named there are read from the register's folder. `progress` gets the position reached.
pub(crate) fn catch_up(
    projections: &mut Projections,
    (dir, campaigns): (&Path, &Campaigns),
    log: &Log,
    to: Position,
    progress: impl FnMut(Position),
) -> Result<(), EngineError> {
    let from = projections.end();
    let (subjects, figures, trail) = projections.groups();
    thread::scope(|scope| {
        let trail = |event: &Event<'_>| {
            trail.apply(event);
            Ok(())
        };
        let trail = scope.spawn(move || each_event(log, from..to, trail, |_| ()));
        let follow = |event: &Event<'_>| {
            let slot = subjects.apply(event);
            if let Some(hash) = campaigns::named_by(event) {
                let (from, attached) = (event.position.next(), campaigns::read(dir, hash)?);
                subjects.begin_era(from, Arc::clone(&attached.campaign));
                campaigns.begin(from, attached);
            }
            figures.apply(event, slot, subjects);
            Ok(())
        };
        let folded = each_event(log, from..to, follow, progress);
        figures.settle(subjects);
        let trail = trail
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        folded.and(trail)
    })
}

fn each_event(
    log: &Log,
    range: Range<Position>,
    mut apply: impl FnMut(&Event<'_>) -> Result<(), EngineError>,
    mut progress: impl FnMut(Position),
) -> Result<(), EngineError> {
    for chunk in log.scan(range.start, range.end) {
        let chunk = chunk?;
        for (position, bytes) in chunk.iter() {
            apply(&shilu_model::decode(bytes).map_err(|error| undecodable(position, &error))?)?;
        }
        progress(chunk.end().min(range.end));
    }
    Ok(())
}

fn undecodable(position: Position, error: &shilu_model::CodecError) -> EngineError {
    EngineError::Undecodable {
        position,
        problem: error.to_string(),
    }
}

/// Saves the whole set: every file under a temporary name first, so that a crash between two renames is the only way
/// to get files of different positions.
pub(crate) fn save(dir: &Path, projections: &Projections, log: &Log) -> Result<(), EngineError> {
    let Some(log_hash) = log.hash_at(projections.end())? else {
        // Within a commit there is no chunk that ends here; the fold stops only between commits.
        return Ok(());
    };
    let dir = folder::projections(dir);
    fs::create_dir_all(&dir).map_err(|error| EngineError::io("make", &dir, error))?;
    for file in Projections::files() {
        replace_synced(&dir.join(&file), |out| {
            let mut out = BufWriter::with_capacity(1 << 20, out);
            projections.save(&file, log_hash, &mut out)?;
            out.flush()
        })?;
    }
    remove_strangers(&dir);
    info!(end = projections.end().get(), "saved the projections");
    Ok(())
}

/// Removes files of other versions and temporary ones.
fn remove_strangers(dir: &Path) {
    let known = Projections::files();
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let name = entry.file_name();
        if !known.iter().any(|file| name.to_str() == Some(file)) && fs::remove_file(entry.path()).is_err() {
            warn!(file = ?name, "cannot remove a file that is no projection of this version");
        }
    }
}
