//! An honest register passes; a red team shows that nothing else does.

mod across;
mod honest;
mod operator;
mod red_team;
mod register;
