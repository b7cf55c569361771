//! The wire: JSON as clients write and read it. Nothing of it goes further in than the routes.

pub(crate) mod answer;
pub(crate) mod behind;
pub(crate) mod command;
pub(crate) mod event;
pub(crate) mod figure;
pub(crate) mod hex;
pub(crate) mod object;
pub(crate) mod page;
pub(crate) mod ranking;
pub(crate) mod read;
pub(crate) mod record;
pub(crate) mod sample;
pub(crate) mod value;
