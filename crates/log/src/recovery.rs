//! Opening after a stop or a crash: from `head` to the end of the log, everything is checked. Each commit was
//! synced before the next one was written, so a crash can leave only the last one incomplete; that one was
//! never acknowledged and is dropped whole. Anything else amiss is damage.

use std::cmp::Ordering;

use shilu_model::Position;
use tracing::info;

use crate::error::{Fault, LogError};
use crate::head::Head;
use crate::reader::Chunk;
use crate::store::{Store, WriteBatch};

/// What opening a log found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// The position that the file `head` stated.
    pub head: Position,
    /// Events found after it, in whole commits.
    pub events_beyond_head: u64,
    /// Events of an incomplete last commit, which were dropped. They were never acknowledged.
    pub dropped_events: u64,
}

/// Checks the log from `head` on and drops an incomplete last commit. Returns the log's end.
pub(crate) fn recover(store: &Store, head: Head) -> Result<(Head, Recovery), LogError> {
    check_head(store, head)?;
    let tail = walk(store, head)?;
    let mut dropped_events = 0;
    if !tail.incomplete.is_empty() {
        let mut batch = WriteBatch::default();
        for chunk in &tail.incomplete {
            batch.remove(chunk.first());
            dropped_events += chunk.end().get() - chunk.first().get();
        }
        info!(from = %tail.end.end, events = dropped_events, "dropped a commit that a crash left incomplete");
        store.write(batch)?;
    }
    // A killed process may have left whole commits that it had not synced yet.
    store.sync(head.end)?;
    let events_beyond_head = tail.end.end.get() - head.end.get();
    Ok((
        tail.end,
        Recovery {
            head: head.end,
            events_beyond_head,
            dropped_events,
        },
    ))
}

/// Checks that the log reaches `head` and has its history there.
fn check_head(store: &Store, head: Head) -> Result<(), LogError> {
    let Some(last) = head.end.get().checked_sub(1).map(Position::new) else {
        return Ok(());
    };
    let (key, bytes) = store
        .floor(last)?
        .ok_or_else(|| Fault::ShorterThanHead { head: head.end }.at(Position::ZERO))?;
    let chunk = Chunk::decode(key, bytes)?;
    if chunk.end() < head.end {
        let later = store.range(head.end).next().transpose()?.is_some();
        let fault = if later {
            Fault::Missing
        } else {
            Fault::ShorterThanHead { head: head.end }
        };
        return Err(fault.at(chunk.end()));
    }
    if chunk.end() != head.end || chunk.hash() != head.hash {
        return Err(Fault::OtherThanHead.at(chunk.first()));
    }
    Ok(())
}

/// The log after `head`.
struct Tail {
    /// The end of the last whole commit.
    end: Head,
    /// The chunks of an incomplete commit after it.
    incomplete: Vec<Chunk>,
}

fn walk(store: &Store, head: Head) -> Result<Tail, LogError> {
    let mut end = head;
    let mut reached = head;
    let mut hole: Option<Position> = None;
    // The chunks since `end`. They are of one commit, so they are few.
    let mut open: Vec<Chunk> = Vec::new();
    for stored in store.range(head.end) {
        let (key, bytes) = stored?;
        let chunk = Chunk::decode(key, bytes)?;
        match chunk.first().cmp(&reached.end) {
            Ordering::Less => return Err(Fault::Overlap.at(key)),
            Ordering::Equal if chunk.previous() != reached.hash => return Err(Fault::Chain.at(key)),
            Ordering::Equal => {}
            Ordering::Greater => hole = hole.or(Some(reached.end)),
        }
        let commit = chunk.commit();
        let continues = open.first().is_none_or(|first| first.commit() == commit);
        if !continues || commit.first != end.end {
            return Err(hole.map_or(Fault::Commit.at(key), |hole| Fault::Missing.at(hole)));
        }
        reached = Head {
            end: chunk.end(),
            hash: chunk.hash(),
        };
        open.push(chunk);
        if hole.is_none() && reached.end == commit.last.next() {
            end = reached;
            open.clear();
        }
    }
    Ok(Tail {
        end,
        incomplete: open,
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::sync::{Arc, Mutex};

    use proptest::prelude::*;
    use proptest::test_runner::{RngAlgorithm, TestRng};

    use super::*;
    use crate::testing::{append, assert_holds, create, event, events, failing_sync, open};
    use crate::{Faults, Log, Options, chunk};

    /// A log of these commits, closed; returns its chunks' first positions, whose last is the last commit's.
    fn closed(commits: &[u64]) -> (tempfile::TempDir, Head) {
        let (dir, log) = create();
        append(&log, commits);
        let head = log.durable();
        (dir, head)
    }

    /// Changes the stored chunks of a closed log.
    fn change(dir: &Path, change: impl FnOnce(&Store, &mut WriteBatch)) {
        let store = Store::open(dir, Options::default()).unwrap();
        let mut batch = WriteBatch::default();
        change(&store, &mut batch);
        store.write(batch).unwrap();
    }

    /// The chunks of a commit of `count` events after `head`.
    fn commit(head: Head, count: u64) -> (Vec<(Position, Vec<u8>)>, Head) {
        let list = events(head.end.get()..head.end.get() + count);
        let mut chunks = Vec::new();
        let hash = chunk::encode_commit(head.end, &list, head.hash, |at, bytes| {
            chunks.push((at, bytes.to_vec()))
        });
        (
            chunks,
            Head {
                end: list.end_from(head.end),
                hash,
            },
        )
    }

    fn damaged_at(dir: &Path) -> (u64, Fault) {
        match open(dir).err() {
            Some(LogError::Damaged { position, fault }) => (position.get(), fault),
            other => panic!("expected damage, got {other:?}"),
        }
    }

    #[test]
    fn an_incomplete_last_commit_is_dropped_whole_whichever_of_its_chunks_remain() {
        let (dir, head) = closed(&[30, 20]);
        let (torn, torn_head) = commit(head, 60);
        let count = torn.len();
        assert!(count >= 4);
        for subset in 1..(1_u32 << count) {
            let kept: Vec<_> = (0..count).filter(|index| subset >> index & 1 == 1).collect();
            change(dir.path(), |_, batch| {
                for &index in &kept {
                    batch.insert(torn[index].0, &torn[index].1);
                }
            });
            let log = open(dir.path()).unwrap();
            if kept.len() == count {
                assert_holds(&log, torn_head.end.get());
                assert_eq!(log.recovery().events_beyond_head, 60);
                assert_eq!(log.recovery().dropped_events, 0);
                break;
            }
            let kept_events: u64 = kept
                .iter()
                .map(|&index| u64::from(chunk::decode(&torn[index].1).unwrap().count))
                .sum();
            assert_eq!(log.recovery().dropped_events, kept_events, "subset {subset:b}");
            assert_holds(&log, head.end.get());
            assert_eq!(log.store().range(head.end).count(), 0);
        }
    }

    #[test]
    fn writing_goes_on_after_a_dropped_commit() {
        let (dir, head) = closed(&[30]);
        let (torn, _) = commit(head, 60);
        change(dir.path(), |_, batch| batch.insert(torn[1].0, &torn[1].1));
        let log = open(dir.path()).unwrap();
        append(&log, &[10, 200]);
        drop(log);
        assert_holds(&open(dir.path()).unwrap(), 240);
    }

    #[test]
    fn whole_commits_beyond_head_are_kept_and_a_torn_one_after_them_is_dropped() {
        let (dir, head) = closed(&[30]);
        let (second, second_head) = commit(head, 40);
        let (third, third_head) = commit(second_head, 50);
        let (torn, _) = commit(third_head, 60);
        change(dir.path(), |_, batch| {
            for (at, bytes) in second.iter().chain(&third).chain(torn.iter().skip(2)) {
                batch.insert(*at, bytes);
            }
        });
        let log = open(dir.path()).unwrap();
        assert_holds(&log, 120);
        assert_eq!(log.recovery().events_beyond_head, 90);
        // Recovery brings `head` up to date.
        assert_eq!(Head::read(dir.path()).unwrap(), Some(third_head));
    }

    #[test]
    fn a_hole_before_the_last_commit_is_damage() {
        let (dir, head) = closed(&[30]);
        let (second, second_head) = commit(head, 60);
        let (third, _) = commit(second_head, 60);
        for missing in 0..second.len() {
            change(dir.path(), |_, batch| {
                for (at, bytes) in second.iter().chain(&third) {
                    batch.insert(*at, bytes);
                }
                batch.remove(second[missing].0);
            });
            let (position, fault) = damaged_at(dir.path());
            assert_eq!(position, second[missing].0.get());
            assert!(matches!(fault, Fault::Missing), "{fault:?}");
        }
    }

    #[test]
    fn a_log_shorter_than_head_or_with_a_hole_at_it_is_damaged() {
        let (dir, head) = closed(&[30, 60]);
        let mut firsts = Vec::new();
        change(dir.path(), |store, _| {
            firsts.extend(store.range(Position::ZERO).map(|stored| stored.unwrap().0));
        });
        let last = *firsts.last().unwrap();
        change(dir.path(), |_, batch| batch.remove(last));
        let (position, fault) = damaged_at(dir.path());
        assert_eq!(position, last.get());
        assert!(
            matches!(fault, Fault::ShorterThanHead { head: at } if at == head.end),
            "{fault:?}"
        );

        // A commit after the lost chunk makes it a hole.
        let (next, _) = commit(head, 10);
        change(dir.path(), |_, batch| batch.insert(next[0].0, &next[0].1));
        let (position, fault) = damaged_at(dir.path());
        assert_eq!(position, last.get());
        assert!(matches!(fault, Fault::Missing), "{fault:?}");

        change(dir.path(), |_, batch| {
            batch.remove(next[0].0);
            firsts.iter().for_each(|&first| batch.remove(first));
        });
        let (position, fault) = damaged_at(dir.path());
        assert_eq!(position, 0);
        assert!(matches!(fault, Fault::ShorterThanHead { .. }), "{fault:?}");
    }

    #[test]
    fn another_history_than_heads_is_damage() {
        let (dir, head) = closed(&[30]);
        Head {
            hash: [1; 32],
            ..head
        }
        .write(dir.path())
        .unwrap();
        assert!(matches!(damaged_at(dir.path()).1, Fault::OtherThanHead));
        Head {
            end: Position::new(head.end.get() - 1),
            ..head
        }
        .write(dir.path())
        .unwrap();
        assert!(matches!(damaged_at(dir.path()).1, Fault::OtherThanHead));
        head.write(dir.path()).unwrap();
        assert_holds(&open(dir.path()).unwrap(), 30);
    }

    #[test]
    fn commits_that_do_not_continue_the_log_are_damage() {
        let (dir, head) = closed(&[30]);
        let foreign = Head {
            hash: [1; 32],
            ..head
        };
        let (alien, _) = commit(foreign, 5);
        change(dir.path(), |_, batch| batch.insert(alien[0].0, &alien[0].1));
        let (position, fault) = damaged_at(dir.path());
        assert_eq!(position, 30);
        assert!(matches!(fault, Fault::Chain), "{fault:?}");

        // Bytes that are no chunk were not torn by a crash: sled checks its own bytes.
        change(dir.path(), |_, batch| batch.insert(alien[0].0, b"not a chunk"));
        assert!(matches!(damaged_at(dir.path()).1, Fault::Chunk { .. }));

        // A chunk stored elsewhere.
        change(dir.path(), |_, batch| {
            batch.remove(alien[0].0);
            batch.insert(head.end.next(), &alien[0].1);
        });
        let (position, fault) = damaged_at(dir.path());
        assert_eq!(position, 31);
        assert!(matches!(fault, Fault::Key), "{fault:?}");

        // A chunk of a commit that began earlier.
        let (two, _) = commit(
            Head {
                end: Position::new(20),
                hash: head.hash,
            },
            60,
        );
        let later = two.iter().find(|(at, _)| at.get() > 30).unwrap();
        change(dir.path(), |_, batch| {
            batch.remove(head.end.next());
            batch.insert(later.0, &later.1);
        });
        let (position, fault) = damaged_at(dir.path());
        assert_eq!(position, 30);
        assert!(matches!(fault, Fault::Missing), "{fault:?}");
    }

    #[test]
    fn remains_of_two_commits_are_damage() {
        let (dir, head) = closed(&[30]);
        let (one, _) = commit(head, 60);
        let (other, _) = commit(head, 90);
        change(dir.path(), |_, batch| {
            batch.insert(one[0].0, &one[0].1);
            batch.insert(other[2].0, &other[2].1);
        });
        let (position, fault) = damaged_at(dir.path());
        assert_eq!(position, one[1].0.get());
        assert!(matches!(fault, Fault::Missing), "{fault:?}");
        // Without a hole between them, the second one is what does not fit.
        change(dir.path(), |_, batch| {
            batch.remove(other[2].0);
            let mut header = chunk::decode(&other[1].1).unwrap();
            header.previous = chunk::hash(&one[0].1);
            let mut bytes = Vec::new();
            let list = events(header.first.get()..header.end().get());
            chunk::encode(&header, list.iter(), &mut bytes);
            batch.insert(header.first, &bytes);
        });
        let (position, fault) = damaged_at(dir.path());
        assert_eq!(position, one[1].0.get());
        assert!(matches!(fault, Fault::Commit), "{fault:?}");
    }

    #[test]
    fn nothing_found_is_called_durable_before_it_is_synced() {
        let (dir, head) = closed(&[30]);
        let (second, _) = commit(head, 40);
        change(dir.path(), |_, batch| {
            second.iter().for_each(|(at, bytes)| batch.insert(*at, bytes))
        });
        let options = Options {
            faults: failing_sync(1),
            ..Options::default()
        };
        assert_eq!(Log::open(dir.path(), options).err().unwrap().code(), "IO");
        assert_eq!(Head::read(dir.path()).unwrap(), Some(head));
        assert_holds(&open(dir.path()).unwrap(), 70);
    }

    #[test]
    fn missing_files_are_told_apart() {
        let empty = tempfile::tempdir().unwrap();
        assert!(matches!(open(empty.path()), Err(LogError::NotARegister { .. })));
        assert!(!empty.path().join("log").exists());

        let (dir, head) = closed(&[30]);
        fs::remove_file(dir.path().join("head")).unwrap();
        assert!(matches!(damaged_at(dir.path()), (0, Fault::HeadMissing)));
        head.write(dir.path()).unwrap();
        assert_holds(&open(dir.path()).unwrap(), 30);
        fs::remove_file(dir.path().join("log/db")).unwrap();
        assert!(matches!(damaged_at(dir.path()), (0, Fault::StoreMissing)));
        assert!(!dir.path().join("log/db").exists());
    }

    /// What may be found after the file `log/db` was changed under a closed log: damage, or the log as it was,
    /// or the log without commits beyond `head`. Never less, never other events, never the end of the process.
    fn survives(dir: &Path, at_least: u64, at_most: u64) {
        let log = match open(dir) {
            Ok(log) => log,
            Err(error) => return assert_eq!(error.code(), "LOG_DAMAGED", "{error:?}"),
        };
        let end = log.end().get();
        assert!(
            (at_least..=at_most).contains(&end),
            "{end} events, at least {at_least} were acknowledged"
        );
        let mut next = 0;
        for chunk in log.scan_verified(Position::ZERO, Position::LIMIT) {
            let chunk = match chunk {
                Ok(chunk) => chunk,
                Err(error) => return assert_eq!(error.code(), "LOG_DAMAGED", "{error:?}"),
            };
            for (position, bytes) in &chunk {
                assert_eq!((position.get(), bytes), (next, &event(next)[..]));
                next += 1;
            }
        }
        assert_eq!(next, end);
    }

    /// A closed log as bytes, to be laid out and damaged again and again.
    struct Image {
        files: Vec<(String, Vec<u8>)>,
        acknowledged: u64,
        end: u64,
    }

    impl Image {
        /// A log with `head` at 1,000 of 3,100 events, as after a crash a second later.
        fn take() -> Image {
            let (dir, log) = create();
            append(&log, &[400, 600]);
            let head = fs::read(dir.path().join("head")).unwrap();
            append(&log, &[900, 1200]);
            drop(log);
            let mut files = vec![("head".to_owned(), head)];
            for entry in fs::read_dir(dir.path().join("log")).unwrap() {
                let entry = entry.unwrap();
                if entry.file_type().unwrap().is_file() {
                    let name = format!("log/{}", entry.file_name().to_str().unwrap());
                    files.push((name, fs::read(entry.path()).unwrap()));
                }
            }
            Image {
                files,
                acknowledged: 1000,
                end: 3100,
            }
        }

        fn db_bytes(&self) -> usize {
            self.files
                .iter()
                .find(|(name, _)| name == "log/db")
                .unwrap()
                .1
                .len()
        }

        fn damaged(&self, damage: impl Fn(&mut Vec<u8>)) {
            let dir = tempfile::tempdir().unwrap();
            fs::create_dir_all(dir.path().join("log/blobs")).unwrap();
            for (name, bytes) in &self.files {
                let mut bytes = bytes.clone();
                if name == "log/db" {
                    damage(&mut bytes);
                }
                fs::write(dir.path().join(name), bytes).unwrap();
            }
            survives(dir.path(), self.acknowledged, self.end);
        }
    }

    #[test]
    fn a_damaged_store_is_noticed_or_harmless() {
        let image = Image::take();
        let bytes = image.db_bytes();
        image.damaged(|_| {});
        let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
            failure_persistence: None,
            ..ProptestConfig::default()
        });
        let damage = prop_oneof![
            (Just("cut"), 0..bytes, Just(0_usize)),
            (Just("zero"), 0..bytes, 1..bytes),
            (Just("flip"), 0..bytes, 0..8_usize),
        ];
        let outcome = runner.run(&damage, |(kind, at, extent)| {
            image.damaged(|db| match kind {
                "cut" => db.truncate(at),
                "zero" => {
                    let end = db.len().min(at + extent);
                    db[at..end].fill(0);
                }
                _ => db[at] ^= 1 << extent,
            });
            Ok(())
        });
        outcome.unwrap();
    }

    /// The bytes of the file `log/db` as they are right before each of its syncs.
    type Syncs = Arc<Mutex<Vec<Vec<u8>>>>;

    /// Runs a writer and records what it had written at each sync, and the end it reached by it.
    fn recorded(dir: &Path) -> (Syncs, Vec<u64>) {
        let syncs = Syncs::default();
        let sync = {
            let (syncs, db) = (syncs.clone(), dir.join("log/db"));
            move || {
                syncs.lock().unwrap().push(fs::read(&db)?);
                Ok(())
            }
        };
        let faults = Faults {
            sync: Some(Arc::new(sync)),
            ..Faults::default()
        };
        let log = Log::create(
            dir,
            Options {
                faults,
                ..Options::default()
            },
        )
        .unwrap();
        let ends = Arc::new(Mutex::new(Vec::new()));
        log.subscribe({
            let ends = ends.clone();
            Box::new(move |end| ends.lock().unwrap().push(end.get()))
        });
        append(
            &log,
            &[
                512, 100, 900, 512, 30, 700, 1, 1500, 512, 512, 512, 512, 512, 512, 512, 512,
            ],
        );
        let ends = ends.lock().unwrap().clone();
        assert_eq!(ends.len(), syncs.lock().unwrap().len());
        (syncs, ends)
    }

    /// Loses power at every sync: of the 4 KiB pages written since the sync before, any may have reached the
    /// disk and any may not. Whatever did, opening gives all acknowledged events, and the last commit whole
    /// or not at all.
    #[test]
    fn a_power_failure_at_any_sync_leaves_whole_commits() {
        const PAGE: usize = 4096;
        let dir = tempfile::tempdir().unwrap();
        let (syncs, ends) = recorded(dir.path());
        let syncs = syncs.lock().unwrap();
        let conf = fs::read(dir.path().join("log/conf")).unwrap();
        let mut acknowledged = 0;
        let mut dropped = 0;
        let mut random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
        for (sync, (written, &end)) in syncs.iter().zip(&ends).enumerate() {
            let durable = sync.checked_sub(1).map_or(&[][..], |before| &syncs[before]);
            for attempt in 0..12 {
                // From all pages lost to all pages kept, with a random choice between.
                let share = f64::from(attempt) / 11.0;
                let mut disk = written.clone();
                for (index, page) in disk.chunks_mut(PAGE).enumerate() {
                    if !random.random_bool(share) {
                        let old = durable.get(index * PAGE..).unwrap_or_default();
                        page.fill(0);
                        let known = page.len().min(old.len());
                        page[..known].copy_from_slice(&old[..known]);
                    }
                }
                let crashed = tempfile::tempdir().unwrap();
                fs::create_dir_all(crashed.path().join("log/blobs")).unwrap();
                fs::write(crashed.path().join("log/conf"), &conf).unwrap();
                fs::write(crashed.path().join("log/db"), &disk).unwrap();
                Head::EMPTY.write(crashed.path()).unwrap();
                let log = open(crashed.path()).unwrap();
                let found = log.end().get();
                assert!(
                    [acknowledged, end].contains(&found),
                    "sync {sync}: {found} of {acknowledged} or {end}"
                );
                dropped += u64::from(found < end);
                assert_holds(&log, found);
                append(&log, &[40]);
                assert_holds(&log, found + 40);
            }
            acknowledged = end;
        }
        assert!(dropped > 0);
    }
}
