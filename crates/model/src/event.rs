//! The event: one immutable action on one record, or on the register itself.

use bincode::{BorrowDecode, Decode, Encode};

use crate::{campaign::SAMPLE_KIND, id::EventId, position::Position, time::Timestamp, value::Value};

/// One event, borrowed from its stored bytes or from the command that caused it.
///
/// The order of the fields is the stored order (`docs/log-format.md`): never change it; add a format version.
#[derive(Clone, Debug, PartialEq, Eq, Encode, BorrowDecode)]
pub struct Event<'a> {
    /// Where it stands in the log.
    pub position: Position,
    /// Its name.
    pub id: EventId,
    /// When the log took it; never decreases along the log.
    pub recorded: Timestamp,
    /// Since when the fact holds in the world; never after `recorded`.
    pub effective: Timestamp,
    /// What was done.
    pub action: Action,
    /// The record's kind; empty for an action on the register itself.
    pub kind: &'a str,
    /// The record's key; empty for an action on the register itself.
    pub key: &'a str,
    /// How many events the record has with this one, from 1.
    pub version: u32,
    /// The record's area after the event, at its effective time; empty where there is none.
    pub area: &'a str,
    /// Who acted.
    pub actor: &'a str,
    /// With which device.
    pub device: Option<&'a str>,
    /// How the fact came in.
    pub source: Source<'a>,
    /// Why, in the actor's words.
    pub reason: Option<&'a str>,
    /// The stated fields, with the values before, at (`effective`, when taken).
    pub changes: Vec<Change<'a>>,
    /// What a verification found.
    pub outcome: Option<Outcome>,
    /// The fields that a verification looked at.
    pub observed: Vec<Observed<'a>>,
    /// Why a registration was closed.
    pub because: Option<Because<'a>>,
    /// The event that led to this one.
    pub cause: Option<EventId>,
    /// Which parts the actor stated; the others were defaults.
    pub stated: Stated,
    /// The circumstances of a field visit.
    pub visit: Option<Visit>,
    /// The actor's own signature.
    pub signature: Option<Signature<'a>>,
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub enum Action {
    /// 采集: fields observed on site.
    Collect,
    /// 纠错: fields put right, with a reason.
    Correct,
    /// 登记: the registration opened.
    Register,
    /// 注销: the registration closed.
    Deregister,
    /// 核查: somebody else's check on site.
    Verify,
    /// The campaign, the clock or a key of the register.
    Configure,
    /// Who may do what where: given.
    Appoint,
    /// Who may do what where: taken back.
    Dismiss,
    /// A record's personal-data key destroyed.
    Erase,
}

/// How a fact came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, BorrowDecode)]
pub enum Source<'a> {
    /// A visit, entered by hand.
    Field,
    /// A row of a file.
    Import {
        /// SHA-256 of the file's bytes.
        sha256: [u8; 32],
        /// The file's name, without folders.
        file: &'a str,
        /// The row, counted as a spreadsheet does: the header is row 1. In JSON Lines, the line.
        row: u64,
    },
    /// The register itself.
    System,
}

/// One stated field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, BorrowDecode)]
pub struct Change<'a> {
    /// The field's id.
    pub field: &'a str,
    /// Its value at (effective, when taken) before the event.
    pub before: Option<Value<'a>>,
    /// Its value after. Equal to `before` where the event only confirms.
    pub after: Option<Value<'a>>,
    /// Whether the actor stated `before`.
    pub before_stated: bool,
}

/// What a verification found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub enum Outcome {
    /// It is there.
    Present,
    /// It was there and is no more.
    Gone,
    /// It is there, but not in the register.
    Unregistered,
    /// Nobody ever knew it.
    UnknownHere,
    /// Nobody answered.
    NoContact,
    /// The check was refused.
    Refused,
}

/// One field that a verification looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, BorrowDecode)]
pub struct Observed<'a> {
    /// The field's id.
    pub field: &'a str,
    /// What was seen.
    pub value: Option<Value<'a>>,
    /// How that compares with the register at (effective, when taken).
    pub verdict: Verdict,
}

/// How an observed value compares with the register.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub enum Verdict {
    /// The same.
    Equal,
    /// Another value, or one where the register has none.
    Differs,
    /// Could not be seen.
    NotSeen,
}

/// Why a registration was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, BorrowDecode)]
pub enum Because<'a> {
    /// Moved out.
    MovedOut,
    /// Demolished.
    Demolished,
    /// Closed down.
    Closed,
    /// Deceased.
    Deceased,
    /// The same thing as another record of the same kind: the record was never true.
    DuplicateOf(&'a str),
    /// The record was never true.
    Erroneous,
    /// Missing in an extract that claims to be complete.
    AbsentFromExtract,
}

/// Which parts of an event the actor stated, as bits; needed to compare a retry, and to check a signature.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Stated(u16);

impl Stated {
    /// The event id.
    pub const ID: Stated = Stated(1);
    /// The effective time, as a time.
    pub const EFFECTIVE: Stated = Stated(2);
    /// The effective time, as `origin`.
    pub const ORIGIN: Stated = Stated(4);
    /// The expected version: it was `version - 1`.
    pub const EXPECTED_VERSION: Stated = Stated(8);
    /// The area, for a record that was absent.
    pub const AREA: Stated = Stated(16);

    /// With these bits too, if `condition` holds.
    pub const fn with(self, bits: Stated, condition: bool) -> Self {
        if condition { Stated(self.0 | bits.0) } else { self }
    }

    /// Whether all of these bits are set.
    pub const fn has(self, bits: Stated) -> bool {
        self.0 & bits.0 == bits.0
    }
}

/// The circumstances of a field visit, as the device knew them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Visit {
    /// When the entry was begun, by the device's clock.
    pub begun: Option<Timestamp>,
    /// When it was entered, by the device's clock.
    pub entered: Option<Timestamp>,
    /// The device's own sequence number.
    pub seq: Option<u64>,
    /// Where the actor stood.
    pub place: Option<Place>,
}

/// A place on WGS 84.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Place {
    /// Latitude in units of 10⁻⁷ degrees, north positive; within ±90°.
    pub lat_e7: i32,
    /// Longitude in units of 10⁻⁷ degrees, east positive; within ±180°.
    pub lon_e7: i32,
    /// Radius of accuracy in metres.
    pub accuracy_m: u32,
}

/// An actor's signature over the RFC 8785 form of the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, BorrowDecode)]
pub struct Signature<'a> {
    /// Which of the actor's keys.
    pub key_id: u32,
    /// Ed25519, 64 bytes.
    pub bytes: &'a [u8],
}

impl Event<'_> {
    /// The longest encoded event in bytes: a larger one could push a sled page over the size above which it is
    /// kept in files that are never synced.
    pub const BYTES_MAX: usize = 6 * 1024;

    /// Whether the event announces a sample. Everything that happens to a sample is a collect, so that its first event
    /// is its first collect.
    pub fn is_announcement(&self) -> bool {
        self.kind == SAMPLE_KIND && self.action == Action::Collect && self.version == 1
    }

    /// Whether the event is about the register itself.
    pub fn is_administrative(&self) -> bool {
        self.kind.is_empty()
    }
}

impl<'a> Event<'a> {
    /// An event on the register itself, as the register makes it.
    pub fn on_register(
        position: Position,
        id: EventId,
        recorded: Timestamp,
        version: u32,
        actor: &'a str,
        reason: Option<&'a str>,
        changes: Vec<Change<'a>>,
    ) -> Self {
        Event {
            position,
            id,
            recorded,
            effective: recorded,
            action: Action::Configure,
            kind: "",
            key: "",
            version,
            area: "",
            actor,
            device: None,
            source: Source::System,
            reason,
            changes,
            outcome: None,
            observed: Vec::new(),
            because: None,
            cause: None,
            stated: Stated::default(),
            visit: None,
            signature: None,
        }
    }
}

impl Change<'_> {
    /// Whether the event sets the field, rather than confirming it.
    pub fn sets(&self) -> bool {
        self.before != self.after
    }
}

/// Gives an enumeration its wire words, both ways, from one list.
macro_rules! words {
    ($type:ty, $($variant:ident => $word:literal),+ $(,)?) => {
        impl $type {
            /// Every value, in the stored order.
            pub const ALL: &'static [$type] = &[$(<$type>::$variant),+];

            /// The word for it on the wire.
            pub const fn word(self) -> &'static str {
                match self { $(<$type>::$variant => $word),+ }
            }

            /// Reads the word.
            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(<$type>::$variant),)+ _ => None }
            }
        }
    };
}

words!(Action,
    Collect => "collect", Correct => "correct", Register => "register", Deregister => "deregister",
    Verify => "verify", Configure => "configure", Appoint => "appoint", Dismiss => "dismiss", Erase => "erase");
words!(Outcome,
    Present => "present", Gone => "gone", Unregistered => "unregistered", UnknownHere => "unknown-here",
    NoContact => "no-contact", Refused => "refused");
words!(Verdict, Equal => "equal", Differs => "differs", NotSeen => "not-seen");

impl Outcome {
    /// Whether the check saw enough to judge the record; `no-contact` and `refused` did not.
    pub const fn is_decisive(self) -> bool {
        !matches!(self, Outcome::NoContact | Outcome::Refused)
    }
}

impl<'a> Because<'a> {
    /// The word for it on the wire.
    pub const fn word(self) -> &'static str {
        match self {
            Because::MovedOut => "moved-out",
            Because::Demolished => "demolished",
            Because::Closed => "closed",
            Because::Deceased => "deceased",
            Because::DuplicateOf(_) => "duplicate-of",
            Because::Erroneous => "erroneous",
            Because::AbsentFromExtract => "absent-from-extract",
        }
    }

    /// Reads the word; `duplicate-of` needs the other record's name.
    pub fn parse(word: &str, duplicate_of: Option<&'a str>) -> Option<Self> {
        match (word, duplicate_of) {
            ("moved-out", None) => Some(Because::MovedOut),
            ("demolished", None) => Some(Because::Demolished),
            ("closed", None) => Some(Because::Closed),
            ("deceased", None) => Some(Because::Deceased),
            ("erroneous", None) => Some(Because::Erroneous),
            ("absent-from-extract", None) => Some(Because::AbsentFromExtract),
            ("duplicate-of", Some(name)) => Some(Because::DuplicateOf(name)),
            _ => None,
        }
    }

    /// Whether it says that the record was never true.
    pub const fn voids(self) -> bool {
        matches!(self, Because::DuplicateOf(_) | Because::Erroneous)
    }
}
