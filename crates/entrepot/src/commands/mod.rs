pub mod check;
pub mod doctor;
pub mod health;
pub mod import;
pub mod migrate;
pub mod psql;
pub mod putaway;
pub mod token;
