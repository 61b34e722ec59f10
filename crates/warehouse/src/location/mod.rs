//! Places inside a facility, what they hold and how full they are.

mod floor;
mod graphql;
mod http;
mod import;
mod kept;
pub(crate) mod load;
mod model;
pub mod service;
mod store;
mod zones;

pub use floor::{FloorLocation, floor};
pub(crate) use graphql::{LocationLoader, LocationMutation, LocationObject, LocationQuery};
pub(crate) use http::api;
pub use import::LocationImporter;
pub(crate) use kept::Kept;
pub(crate) use load::Loads;
pub use load::{Content, Load};
pub use model::{Block, Location, LocationFilter, LocationPatch, NewLocation};
pub use zones::{Zones, zones};
