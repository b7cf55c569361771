//! The way through: wave by wave, entries become leaves and events, the tree grows, and the events are judged; at the
//! end stand the claims, the root, and the signatures. The first bad position wins.

use std::{sync::mpsc, thread};

use rayon::prelude::*;
use shilu_merkle::{SignedCheckpoint, TILE_HASHES, TILE_WIDTH};
use shilu_model::{ActivePlates, Timestamp, decode_canonical};

use crate::{
    across::{self, Records},
    claims::Claims,
    clocks::Clocks,
    damage::{Damage, Finding},
    hashing::{Hashing, Stored, Stretch},
    memory::Hasher,
    published::{Batch, Entries, Published, count},
    reading::{self, WAVES_AHEAD, Wave},
    report::{Options, Report},
    rules::Share,
    settings::{SIMULATED, Settings},
    tree::Growth,
    trust,
};

/// Shares of the records: several for each thread that one that reads can feed, so that whoever is done early helps.
const SHARES: usize = 16;

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
    let (send_back, spent) = mpsc::channel();
    thread::scope(|scope| {
        let mut audit = Audit::new(published, options, checkpoint);
        match entries {
            // They are read, all of them.
            Entries::Bundles => audit.bundles = size.div_ceil(TILE_WIDTH),
            Entries::Log(_) => audit.compares_bundles = options.tiles,
        }
        scope.spawn(move || reading::read(published, entries, size, send, spent));
        audit.run(waves, send_back, progress);
        audit.conclude()
    })
}

/// The events on records that are good so far.
struct Good<'e, 'w> {
    /// In the order of the log.
    ordered: Vec<&'e Stored<'w>>,
    /// By the share that their record belongs to.
    shares: Vec<Vec<&'e Stored<'w>>>,
}

/// Events that one thread judges before other records at a time: enough to be worth handing over.
const EVENTS_ACROSS: usize = 512;

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
    /// How names of records are hashed.
    hasher: Hasher,
    shares: Vec<Share>,
    claims: Claims,
    plates: ActivePlates,
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
            hasher: Hasher::default(),
            shares: (0..SHARES).map(|_| Share::default()).collect(),
            claims: Claims::default(),
            plates: ActivePlates::default(),
            clocks,
            first_recorded: None,
            last_recorded: None,
            found: None,
        }
    }

    fn run(
        &mut self,
        waves: mpsc::Receiver<Wave>,
        spent: mpsc::Sender<Batch>,
        progress: &mut (dyn FnMut(u64, u64) + Send),
    ) {
        for wave in waves {
            match wave {
                Ok(wave) => {
                    self.wave(&wave);
                    // Whoever reads may have come to the end.
                    let _ = spent.send(wave);
                }
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
        let mut stretches = self.hash(wave);
        self.events += count(wave.len());
        for stretch in &mut stretches {
            let (tile, bundle) = stretch.agrees;
            self.tiles += u64::from(tile);
            self.bundles += u64::from(bundle);
            let findings = stretch.not_an_event.take().into_iter().chain(stretch.tile.take());
            findings.for_each(|finding| self.find(finding));
        }
        // Nothing from a bad entry on can be judged. What lies before it in the wave was decoded without a gap.
        let before = self.end().saturating_sub(wave.first());
        let before = usize::try_from(before).unwrap_or(usize::MAX);
        let events = stretches.iter().flat_map(|stretch| &stretch.events);
        let shares = self.follow(events.take(before));
        for stretch in &stretches {
            self.growth.push(&stretch.block);
        }
        if let Some(wrong) = self.growth.wrong.take() {
            self.find(wrong);
        }
        self.judge(shares);
    }

    /// Leaves and events of a wave, shared out by tiles.
    fn hash<'w>(&self, wave: &'w Batch) -> Vec<Stretch<'w>> {
        let hashing = Hashing {
            published: self.published,
            tiles_of: self.options.tiles.then_some(self.size),
            bundles: self.compares_bundles,
            decoding: self.found.is_none().then_some(&self.hasher),
        };
        let starts = (0..wave.len()).into_par_iter().step_by(TILE_HASHES);
        starts.map(|start| hashing.stretch(wave, start)).collect()
    }

    /// Follows what concerns all events: places, times, ids, and the register's own events. Gives the events on records
    /// that are good so far, each to the share that its record belongs to.
    fn follow<'e, 'w: 'e>(&mut self, events: impl Iterator<Item = &'e Stored<'w>>) -> Good<'e, 'w> {
        let mut good = Good {
            ordered: Vec::new(),
            shares: vec![Vec::new(); SHARES],
        };
        for stored in events {
            if let Err(finding) = self.next(stored) {
                self.find(finding);
                break;
            }
            if !stored.event.is_administrative()
                && let Some(share) = good.shares.get_mut(share_of(stored.record_hash))
            {
                share.push(stored);
                good.ordered.push(stored);
            }
        }
        good
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
        } else {
            self.settings.keep_announcement(event);
        }
        self.first_recorded = self.first_recorded.or(Some(recorded));
        self.last_recorded = Some(recorded);
        self.claims.note(event);
        Ok(())
    }

    /// Judges the events on records: each before its own record, share by share, then before the others.
    fn judge(&mut self, Good { ordered, shares }: Good<'_, '_>) {
        let settings = &self.settings;
        let own = self.shares.par_iter_mut().zip(shares);
        let mut findings: Vec<_> = own
            .filter_map(|(share, events)| share.judge(&events, settings).err())
            .collect();
        let records = Records {
            shares: &self.shares,
            hasher: &self.hasher,
        };
        let parts = ordered.par_chunks(EVENTS_ACROSS);
        let across: Vec<_> = parts
            .filter_map(|events| across::bad_reference(events, &records))
            .collect();
        findings.extend(across);
        findings.extend(across::plate_taken(
            &ordered,
            &records,
            settings,
            &mut self.plates,
        ));
        findings.into_iter().for_each(|finding| self.find(finding));
    }

    /// All entries were seen, or enough of them.
    fn conclude(mut self) -> Result<Report, Finding> {
        if let Some(wrong) = self.growth.wrong.take() {
            self.find(wrong);
        }
        if let Some(finding) = std::mem::take(&mut self.claims).settle(&mut self.shares, &self.hasher) {
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

/// The share that a record belongs to, by bits of its hash that its table does not look at.
pub(crate) fn share_of(record_hash: u64) -> usize {
    usize::try_from(record_hash >> 32).unwrap_or(0) % SHARES
}
