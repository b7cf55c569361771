//! Random commands, most of which some register takes, and random registers made of them.

use proptest::{collection::vec, option, prelude::*, sample::select};

use super::register::*;
use crate::{
    command::{Command, CommandSignature, Origin, Since},
    event::{Because, Outcome, Place, Visit},
    time::Timestamp,
};

fn deed() -> impl Strategy<Value = Command> {
    let seen = [("rooms", int(3)), ("built", None), ("name", text("磨坊"))];
    let check = verify(Outcome::Present).seeing(&seen).not_seeing("area");
    let both = correct(&[("rooms", int(4)), ("built", int(1))]);
    select(vec![
        collect(&[("name", text("磨坊")), ("area", text("north")), ("rooms", int(3))]),
        collect(&[("name", text("磨坊"))]),
        collect(&[("rooms", int(3)), ("built", None)]),
        collect(&[]),
        both.clone(),
        both.since_origin(),
        correct_from("rooms", int(3), None),
        correct_from("rooms", int(3), int(5)),
        correct_from("built", None, int(1)),
        correct(&[("area", text("south"))]),
        correct(&[("area", None)]),
        register(),
        register().since(50),
        deregister(Because::MovedOut),
        deregister(Because::Demolished),
        deregister(Because::Erroneous),
        duplicate_of("dwelling/2"),
        check.clone(),
        check.clone().in_area("north"),
        check.not_seeing("code"),
        verify(Outcome::Unregistered).in_area("south"),
        verify(Outcome::Unregistered),
        verify(Outcome::Refused),
        verify(Outcome::Gone),
    ])
}

/// A visit that states something.
fn visit() -> impl Strategy<Value = Visit> {
    let place = (-900_000_000..=900_000_000_i32, -2..3_i32, 0..3_u32);
    let place = option::of(place.prop_map(|(lat_e7, lon_e7, accuracy_m)| Place {
        lat_e7,
        lon_e7,
        accuracy_m,
    }));
    let time = || option::of((0..3_i64).prop_map(Timestamp::from_micros));
    let parts = (time(), time(), option::of(0..3_u64), place);
    let visit = parts.prop_map(|(begun, entered, seq, place)| Visit {
        begun,
        entered,
        seq,
        place,
    });
    visit.prop_filter("it states nothing", |visit| *visit != Visit::default())
}

fn source() -> impl Strategy<Value = Origin> {
    let import = (0..2_u8, select(vec!["a.csv", "户籍.csv"]), 1..4_u64);
    let import = import.prop_map(|(byte, file, row)| Origin::Import {
        sha256: [byte; 32],
        file: file.into(),
        row,
    });
    prop_oneof![Just(Origin::Field), import]
}

/// Any command on one of two dwellings.
pub fn command() -> impl Strategy<Value = Command> {
    let words = || option::of(select(vec!["one".to_owned(), "二".to_owned()]));
    let how = (words(), words(), source(), option::of(visit()));
    let who = (
        select(vec!["anna", "bob", "小月"]),
        select(vec![MILL, "dwelling/2"]),
    );
    let when = prop_oneof![3 => Just(None), 1 => (5..100_i64).prop_map(Some)];
    let named = (
        option::of(200..203_u8),
        option::of(0..4_u32),
        any::<bool>(),
        any::<bool>(),
    );
    (deed(), how, who, when, named).prop_map(|(mut command, how, (actor, record), when, named)| {
        command = command.on(record).by(actor);
        command.device = how.0;
        command.reason = how.1.or(command.reason);
        command.source = how.2;
        command.visit = how.3;
        if let Some(number) = when.filter(|_| command.effective == Since::Recorded) {
            command = command.since(number);
        }
        command.id = named.0.map(event_id);
        command.expected_version = named.1.filter(|_| named.2);
        command.cause = named.3.then(|| event_id(0));
        if command.id.is_some() && command.effective != Since::Recorded {
            command.signature = Some(CommandSignature {
                key_id: 7,
                bytes: [how_many(&command); 64],
            });
        }
        command
    })
}

/// Some byte, so that not every signature is alike.
fn how_many(command: &Command) -> u8 {
    u8::try_from(command.actor.len()).unwrap()
}

/// A register of the commands, among these, that it takes; the clock goes on by a day after each.
pub fn register_of(commands: &[Command]) -> Register {
    let mut register = Register::empty();
    for command in commands {
        let reused = register.events().iter().any(|event| Some(event.id) == command.id);
        if !reused {
            let _ = register.offer(command);
        }
        register.now = register.now.plus_micros(86_400_000_000);
    }
    register
}

/// Registers of up to 25 commands, with both dwellings collected first, or not.
pub fn registers() -> impl Strategy<Value = Register> {
    (any::<bool>(), vec(command(), 0..25)).prop_map(|(collected, commands)| {
        let both = ["dwelling/1", "dwelling/2"].map(|record| collect_mill().on(record).since(10));
        let first = if collected { &both[..] } else { &[] };
        register_of(&[first, &commands].concat())
    })
}
