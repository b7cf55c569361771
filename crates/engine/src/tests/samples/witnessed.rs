//! Campaigns with witnesses: they must know an announcement before its draw, and the checkpoint of the draw after it.

use shilu_model::SAMPLE_WITNESSED;

use super::{evidence::witnesses::Witness, *};
use crate::SampleNotice;

/// A register with one witness, who must cosign, and whose clock is set with the register's.
struct Witnessed {
    parish: Parish,
    witness: Witness,
}

impl Witnessed {
    /// Each test has an origin of its own: witnesses know registers by it.
    fn new(origin: &str) -> Witnessed {
        let witness = Witness::start("w", 1);
        let base = CAMPAIGN.replace("example.org/parish", origin);
        let (key, url) = (witness.key.verifier(), &witness.url);
        let own = format!("quorum = 1\n{base}[[witnesses]]\nkey = \"{key}\"\nurl = \"{url}\"\n");
        witness.at("2015-05-01T08:00");
        let parish = Parish::of(&own);
        for (key, area) in FOUR {
            parish.dwelling(key, area, "own");
        }
        Witnessed { parish, witness }
    }

    fn at(&self, time: &str) {
        self.parish.at(time);
        self.witness.at(time);
    }

    /// What is published once it covers everything.
    fn note(&self) -> String {
        let (engine, size) = (&self.parish.engine, self.parish.engine.end().get());
        until(|| engine.publication().borrow().size() >= size);
        let published = engine.publication().borrow().checkpoint.clone();
        published.unwrap().to_string()
    }

    fn store(&self, id: &str, field: &str, note: &str) {
        let record = format!("sample/{id}");
        self.parish
            .take(&record, "zhang", Deed::Collect(vec![text(field, note)]));
    }

    fn problem(&self, id: &str) -> String {
        let sample = self.parish.engine.sample(id).unwrap();
        assert_eq!(sample.state, SampleState::Invalid);
        sample.draw.unwrap().problem.unwrap()
    }

    fn draw(&self, id: &str) -> Result<crate::Sample, EngineError> {
        self.parish.engine.draw(id, None, BECAUSE)
    }
}

impl Witness {
    fn at(&self, time: &str) {
        let time = Timestamp::parse(&format!("{time}:00+08:00")).unwrap();
        let seconds = u64::try_from(time.micros() / 1_000_000).unwrap();
        self.seconds.store(seconds, Ordering::SeqCst);
    }
}

#[test]
fn witnesses_know_the_announcement_before_and_the_checkpoint_after() {
    let with = Witnessed::new("example.org/in-time");
    with.parish.announce("a", "rooms", "2015-05-02T08:00");
    with.at("2015-05-02T08:00");
    let drawn = with.draw("a").unwrap();
    assert_eq!((drawn.state, drawn.notices), (SampleState::Drawn, Vec::new()));
    let time = Timestamp::parse("2015-05-02T08:00:00+08:00").unwrap();
    assert_eq!(drawn.draw.unwrap().cosigned, [("w".to_owned(), time)]);
    with.parish.engine.check_sample("a").unwrap();
}

#[test]
fn an_announcement_that_witnesses_learn_of_too_late_is_not_drawn() {
    let with = Witnessed::new("example.org/too-late");
    // By the witness's clock it is announced after the time of its draw: the register's own clock is behind.
    with.witness.at("2015-05-02T08:00");
    with.parish.announce("a", "rooms", "2015-05-02T08:00");
    with.at("2015-05-02T09:00");
    assert_eq!(refused(with.draw("a")), "NOT_WITNESSED");
    // Saying so all the same helps nobody.
    let late = with.note();
    with.store("a", SAMPLE_WITNESSED, &late);
    assert_eq!(refused(with.draw("a")), "NOT_WITNESSED");
    with.store("a", SAMPLE_CHECKPOINT, &with.note());
    assert!(
        with.problem("a").contains("0 witnesses knew"),
        "{}",
        with.problem("a")
    );
}

#[test]
fn what_is_held_for_the_announcement_must_hold_it() {
    let with = Witnessed::new("example.org/not-held");
    let older = with.note();
    let announce = |id: &str, draw_at: &str| {
        let number = OwnedValue::Integer(1);
        let fields = vec![
            text("indicator", "rooms"),
            ("size".to_owned(), Some(number)),
            text("strata", "area"),
            text("draw_at", &format!("{draw_at}:00+08:00")),
            text("entropy", "none"),
        ];
        with.parish
            .take(&format!("sample/{id}"), "zhang", Deed::Collect(fields));
    };
    // Announced by a bare command: nobody has asked the witnesses yet. Whoever comes early does.
    announce("a", "2015-05-02T08:00");
    with.note();
    assert_eq!(refused(with.draw("a")), "DRAW_NOT_DUE");
    announce("none", "2015-05-02T08:00");
    announce("older", "2015-05-02T08:00");
    with.store("older", SAMPLE_WITNESSED, &older);
    with.at("2015-05-02T08:00");
    with.draw("a").unwrap();
    for id in ["none", "older"] {
        assert_eq!(refused(with.draw(id)), "NOT_WITNESSED");
    }
}

#[test]
fn cosignatures_of_the_checkpoint_come_at_its_time() {
    let with = Witnessed::new("example.org/early");
    with.parish.announce("early", "rooms", "2015-05-02T08:00");
    // The register's clock runs ahead of the witness's.
    with.parish.at("2015-05-02T08:00");
    with.parish.dwelling("5", "north", "own");
    with.store("early", SAMPLE_CHECKPOINT, &with.note());
    let problem = with.problem("early");
    assert!(problem.contains("at the announced time or later"), "{problem}");

    // It cosigns long after: by then the entropy was known.
    with.at("2015-05-03T08:00");
    let mut late = with.parish.announcement("late", "rooms", "2015-05-04T08:00");
    late.entropy = "public:3D 2015093".to_owned();
    with.parish.engine.announce(&late).unwrap();
    with.parish.at("2015-05-04T08:00");
    with.witness.at("2015-05-04T09:01");
    let drawn = with.parish.engine.draw("late", Some("471"), BECAUSE).unwrap();
    assert_eq!(
        (drawn.steerable, drawn.notices),
        (true, vec![SampleNotice::DrawnLate])
    );
}
