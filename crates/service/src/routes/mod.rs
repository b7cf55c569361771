//! The routes, one file per question.

pub(crate) mod behind;
pub(crate) mod changes;
pub(crate) mod commands;
pub(crate) mod diff;
pub(crate) mod event;
pub(crate) mod evidence;
pub(crate) mod figures;
pub(crate) mod operation;
mod question;
pub(crate) mod rankings;
pub(crate) mod record;
pub(crate) mod records;
pub(crate) mod samples;

pub(crate) use question::{Question, area, at, blocking, heavy, json, kind, last, ready};
