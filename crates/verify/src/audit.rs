//! The way through: wave by wave, entries become leaves and events, the tree grows, and the events are judged; at the
//! end stand the claims, the root, and the signatures. The first bad position wins.

use std::{num::NonZero, sync::mpsc, thread};

use shilu_merkle::{SignedCheckpoint, TILE_HASHES, TILE_WIDTH};
use shilu_model::{Timestamp, decode_canonical};

use crate::{
    claims::Claims,
    clocks::Clocks,
    damage::{Damage, Finding},
    hashing::{Hashing, Stored, Stretch},
    published::{Batch, Entries, Published, count},
    reading::{self, WAVES_AHEAD, Wave},
    report::{Options, Report},
    rules::Share,
    settings::{SIMULATED, Settings},
    tree::Growth,
    trust,
};

/// Threads that share the work, beyond which one that reads cannot feed them.
const THREADS_MAX: usize = 16;

/// Checks a register from its first byte: every entry, the tree, every event by the rules of its time, every
/// signature. `progress` is told how many events were checked, and of how many; a log may have more than that.
///
/// # Errors
/// The first thing that is wrong.
///
/// ```no_run
/// use shilu_verify::{Entries, Options, Published, audit};
/// fn look(published: &dyn Published, options: &Options) {
///     match audit(published, Entries::Bundles, options, &mut |_, _| {}) {
///         Ok(report) => println!("{} events are as they should be", report.events),
///         Err(finding) => println!("{} {finding}", finding.code()),
///     }
/// }
/// ```
pub fn audit(
    published: &dyn Published,
    entries: Entries<'_>,
    options: &Options,
    progress: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<Report, Finding> {
    let checkpoint = trust::read_checkpoint(published, options).map_err(Damage::of_all)?;
    if let Some(since) = &options.since {
        trust::check_since_origin(since, &checkpoint).map_err(Damage::of_all)?;
    }
    let size = checkpoint.unchecked().size;
    let (send, waves) = mpsc::sync_channel(WAVES_AHEAD);
    thread::scope(|scope| {
        let mut audit = Audit::new(published, options, checkpoint);
        match entries {
            // They are read, all of them.
            Entries::Bundles => audit.bundles = size.div_ceil(TILE_WIDTH),
            Entries::Log(_) => audit.compares_bundles = options.tiles,
        }
        scope.spawn(move || reading::read(published, entries, size, send));
        audit.run(waves, progress);
        audit.conclude()
    })
}

/// How far an audit has come.
struct Audit<'a> {
    published: &'a dyn Published,
    options: &'a Options,
    checkpoint: SignedCheckpoint,
    size: u64,
    /// Events that were hashed.
    events: u64,
    tiles: u64,
    bundles: u64,
    /// Whether the entries come from the log, and bundles are to be compared with it.
    compares_bundles: bool,
    growth: Growth<'a>,
    settings: Settings,
    shares: Vec<Share>,
    claims: Claims,
    clocks: Clocks,
    first_recorded: Option<Timestamp>,
    last_recorded: Option<Timestamp>,
    /// The first bad position so far. Events from there on are not judged.
    found: Option<Finding>,
}

impl<'a> Audit<'a> {
    fn new(published: &'a dyn Published, options: &'a Options, checkpoint: SignedCheckpoint) -> Audit<'a> {
        let size = checkpoint.unchecked().size;
        let mut growth = Growth::new(size, options.tiles.then_some(published));
        if let Some(since) = &options.since {
            growth.ask(since.unchecked().size);
        }
        let mut clocks = Clocks::default();
        // A simulated clock has nothing to do with a witness's.
        if !checkpoint.unchecked().origin.ends_with(SIMULATED) {
            let checkpoints = [Some(&checkpoint), options.since.as_ref()].into_iter().flatten();
            checkpoints.for_each(|one| clocks.add(one, &options.witnesses));
        }
        let threads = thread::available_parallelism().map_or(1, NonZero::get);
        let shares = (0..threads.min(THREADS_MAX)).map(|_| Share::default());
        Audit {
            published,
            options,
            checkpoint,
            size,
            events: 0,
            tiles: 0,
            bundles: 0,
            compares_bundles: false,
            growth,
            settings: Settings::default(),
            shares: shares.collect(),
            claims: Claims::default(),
            clocks,
            first_recorded: None,
            last_recorded: None,
            found: None,
        }
    }

    fn run(&mut self, waves: mpsc::Receiver<Wave>, progress: &mut (dyn FnMut(u64, u64) + Send)) {
        for wave in waves {
            match wave {
                Ok(wave) => self.wave(&wave),
                Err(finding) => self.find(finding),
            }
            progress(self.events, self.size.max(self.events));
            if self.is_over() {
                return;
            }
        }
        if self.events < self.size {
            let truncated = Damage::LogTruncated { size: self.size };
            self.find(truncated.at(self.events));
        } else {
            self.growth.compare_edge();
        }
    }

    /// Whether more entries cannot change what is said. After a disagreement with a tile they do: only the root tells
    /// whether it is the entry or the tile that was changed.
    fn is_over(&self) -> bool {
        match &self.found {
            Some(finding) => !finding.damage.is_of_tile() || self.events >= self.size,
            None => false,
        }
    }

    /// Keeps a finding if it is the first; where a tile and the rules disagree with the same event, it was changed.
    fn find(&mut self, finding: Finding) {
        let order = |finding: &Finding| (finding.position, !finding.damage.is_of_tile());
        if self
            .found
            .as_ref()
            .is_none_or(|found| order(&finding) < order(found))
        {
            self.found = Some(finding);
        }
    }

    /// The position before which events are judged.
    fn end(&self) -> u64 {
        let position = self.found.as_ref().and_then(|finding| finding.position);
        position.unwrap_or(self.events)
    }

    fn wave(&mut self, wave: &Batch) {
        let stretches = self.hash(wave);
        self.events += count(wave.len());
        let mut events = Vec::with_capacity(wave.len());
        let mut blocks = Vec::new();
        for mut stretch in stretches {
            // Nothing after an entry that is no event can be judged.
            if self.found.is_none() {
                events.append(&mut stretch.events);
            }
            blocks.append(&mut stretch.blocks);
            self.tiles += stretch.tiles;
            self.bundles += stretch.bundles;
            stretch
                .not_an_event
                .into_iter()
                .chain(stretch.tile)
                .for_each(|finding| self.find(finding));
        }
        let before = self.end();
        events.truncate(usize::try_from(before.saturating_sub(wave.first())).unwrap_or(usize::MAX));
        self.follow(&mut events);
        for block in &blocks {
            self.growth.push(block);
        }
        if let Some(wrong) = self.growth.wrong.take() {
            self.find(wrong);
        }
        self.judge(&events);
    }

    /// Leaves and events of a wave, shared out by tiles.
    fn hash<'w>(&self, wave: &'w Batch) -> Vec<Stretch<'w>> {
        let hashing = Hashing {
            published: self.published,
            tiles_of: self.options.tiles.then_some(self.size),
            bundles: self.compares_bundles,
            decoding: self.found.is_none(),
        };
        let blocks = wave.len().div_ceil(TILE_HASHES);
        let each = blocks.div_ceil(self.shares.len()).max(1);
        let stretches = (0..blocks)
            .step_by(each)
            .map(|from| (from, blocks.min(from + each)));
        shared(stretches.collect(), |(from, to)| hashing.stretch(wave, from, to))
    }

    /// Follows what concerns all events: places, times, ids, and the register's own events. Leaves the events that are
    /// good so far.
    fn follow(&mut self, events: &mut Vec<Stored<'_>>) {
        for (index, stored) in events.iter().enumerate() {
            if let Err(finding) = self.next(stored) {
                self.find(finding);
                events.truncate(index);
                return;
            }
        }
    }

    fn next(&mut self, stored: &Stored<'_>) -> Result<(), Finding> {
        let event = &stored.event;
        let here = self.claims.events();
        let found = event.position.get();
        if found != here {
            return Err(Damage::OutOfPlace { found }.at(here));
        }
        let recorded = event.recorded;
        if let Some(before) = self.last_recorded.filter(|before| recorded < *before) {
            return Err(Damage::TimeWentBack { recorded, before }.at(here));
        }
        self.clocks
            .check(here, recorded)
            .map_err(|damage| damage.at(here))?;
        if event.is_administrative() {
            decode_canonical(stored.bytes).map_err(|_| Damage::NotCanonical.at(here))?;
            let applied = self.settings.apply(event, self.last_recorded, self.published);
            applied.map_err(|damage| damage.at(here))?;
            if let Some(size) = self.settings.rotation_size(here) {
                self.growth.ask(size);
            }
        } else if here == 0 {
            let problem = "it is not on the register itself";
            return Err(Damage::BadFirstEvent { problem }.at(here));
        }
        self.first_recorded = self.first_recorded.or(Some(recorded));
        self.last_recorded = Some(recorded);
        self.claims.note(event);
        Ok(())
    }

    /// Judges the events on records, shared out by records.
    fn judge(&mut self, events: &[Stored<'_>]) {
        let (settings, threads) = (&self.settings, count(self.shares.len()));
        let shares = self.shares.iter_mut().zip(0..).collect();
        let findings = shared(shares, |(share, mine): (&mut Share, u64)| {
            let on_records = events.iter().filter(|stored| !stored.event.is_administrative());
            let mut own = on_records.filter(|stored| stored.record_hash % threads == mine);
            own.find_map(|stored| share.judge(stored, settings).err())
        });
        for finding in findings.into_iter().flatten() {
            self.find(finding);
        }
    }

    /// All entries were seen, or enough of them.
    fn conclude(mut self) -> Result<Report, Finding> {
        if let Some(wrong) = self.growth.wrong.take() {
            self.find(wrong);
        }
        if let Some(finding) = std::mem::take(&mut self.claims).settle(&mut self.shares) {
            self.find(finding);
        }
        match self.found.take() {
            Some(finding) => Err(self.blame(finding)),
            None => self.vouch().map_err(Damage::of_all),
        }
    }

    fn root_is_right(&self) -> bool {
        self.growth.root(self.size) == Some(self.checkpoint.unchecked().root)
    }

    /// A tile and the events disagree: the checkpoint's root says which of them was changed.
    fn blame(&self, finding: Finding) -> Finding {
        let Finding { position, damage } = finding;
        match damage {
            Damage::EntryNotInTile { tile } if self.root_is_right() => {
                let damage = Damage::TileWrong { tile };
                Finding { position, damage }
            }
            Damage::TileWrong { .. } | Damage::BundleWrong { .. } if !self.root_is_right() => {
                Damage::WrongRoot { size: self.size }.of_all()
            }
            damage => Finding { position, damage },
        }
    }

    /// All events are good, and agree with the tiles. Are they what was signed?
    fn vouch(self) -> Result<Report, Damage> {
        let key = trust::check_signer(&self.checkpoint, &self.settings)?;
        if !self.root_is_right() {
            return Err(Damage::WrongRoot { size: self.size });
        }
        let trusted = self.options.key.as_ref();
        let root = |size| self.growth.root(size);
        if let Some(since) = &self.options.since {
            trust::check_since_signer(since, trusted, &self.settings)?;
            trust::check_continues(since.unchecked(), self.size, root)?;
        }
        let rotations = trust::check_rotations(trusted, &self.settings, self.size, root)?;
        let cosigned = trust::check_witnesses(&self.checkpoint, self.options)?;
        let empty = Damage::BadFirstEvent {
            problem: "there is none",
        };
        let (Some(first_recorded), Some(last_recorded)) = (self.first_recorded, self.last_recorded) else {
            return Err(empty);
        };
        let (campaigns, simulated) = (self.settings.campaigns(), self.settings.is_simulated());
        Ok(Report {
            events: self.events,
            unpublished: self.events - self.size,
            records: self.shares.iter().map(Share::records).sum(),
            signed: self.shares.iter().map(|share| share.signed).sum(),
            tiles: self.tiles + self.growth.compared,
            bundles: self.bundles,
            checkpoint: self.checkpoint.unchecked().clone(),
            cosigned,
            since: self.options.since.as_ref().map(|since| since.unchecked().size),
            key,
            pinned: trusted.is_some(),
            rotations,
            actor_keys: self.settings.actor_key_changes,
            campaigns,
            first_recorded,
            last_recorded,
            simulated,
        })
    }
}

/// Does each job in a thread of its own, and gives the results in the order of the jobs.
fn shared<J: Send, R: Send>(jobs: Vec<J>, work: impl Fn(J) -> R + Sync) -> Vec<R> {
    if jobs.len() <= 1 {
        return jobs.into_iter().map(work).collect();
    }
    let work = &work;
    thread::scope(|scope| {
        let jobs = jobs.into_iter().map(|job| scope.spawn(move || work(job)));
        let threads: Vec<_> = jobs.collect();
        let results = threads
            .into_iter()
            .map(|thread| thread.join().expect("no job panics"));
        results.collect()
    })
}
