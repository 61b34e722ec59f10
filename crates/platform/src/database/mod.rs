//! The pool, the tenant of a connection, transactions, migrations and the private server.

mod bootstrap;
mod migrate;
mod pool;
pub mod private;
mod storage;
mod tx;

pub use bootstrap::bootstrap;
pub use migrate::{MIGRATOR, MigrationStatus, Migrations};
pub use pool::{Database, PoolStatus};
pub use sqlx::PgConnection;
pub use storage::Storage;
pub use tx::Tx;
