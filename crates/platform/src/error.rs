use std::error::Error as StdError;
use std::fmt;

use kernel::{ErrorCode, FieldError, Invalid};

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The one error type above the kernel: a code of the table, what happened this time, and the fields at fault.
#[derive(Debug)]
pub struct Error {
    pub code: ErrorCode,
    /// Lower case, for the caller; never holds SQL, a path or a secret.
    pub detail: String,
    pub fields: Vec<FieldError>,
    /// Seconds after which a repetition makes sense.
    pub retry_after: Option<u32>,
    /// For the log only.
    pub source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    pub fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), fields: Vec::new(), retry_after: None, source: None }
    }

    /// Some values are not acceptable; `fields` says which and why.
    pub fn invalid(fields: Vec<FieldError>) -> Self {
        let detail = match fields.as_slice() {
            [one] => format!("{}: {}", one.field, one.message),
            many => format!("{} fields are not acceptable", many.len()),
        };
        Self { fields, ..Self::new(ErrorCode::Invalid, detail) }
    }

    pub fn field(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::invalid(vec![FieldError::new(field, message)])
    }

    /// `what` is a noun with its id or code: `item "A-1"`.
    pub fn not_found(what: impl fmt::Display) -> Self {
        Self::new(ErrorCode::NotFound, format!("{what} does not exist"))
    }

    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(ErrorCode::Conflict, detail)
    }

    pub fn internal(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { source: Some(source.into()), ..Self::new(ErrorCode::Internal, "something failed on our side") }
    }

    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self { retry_after: Some(1), ..Self::new(ErrorCode::Unavailable, detail) }
    }

    pub fn at(mut self, field: impl Into<String>) -> Self {
        let message = self.detail.clone();
        self.fields.push(FieldError::new(field, message));
        self
    }

    /// Whether the same transaction may succeed when run again at once: deadlock or serialization failure.
    pub fn is_transient(&self) -> bool {
        self.sqlstate().is_some_and(|state| matches!(state.as_str(), "40001" | "40P01"))
    }

    /// The same for another caller, without the source, which stands in the log once.
    pub fn again(&self) -> Self {
        let Self { code, detail, fields, retry_after, source: _ } = self;
        Self { code: *code, detail: detail.clone(), fields: fields.clone(), retry_after: *retry_after, source: None }
    }

    /// Whether the connection to the database failed, so that nothing is known of what was under way.
    pub(crate) fn lost_connection(&self) -> bool {
        let source = self.source.as_ref().and_then(|source| source.downcast_ref::<sqlx::Error>());
        source.is_some_and(|error| error.as_database_error().is_none())
            || self.sqlstate().is_some_and(|state| ["08", "57P", "53"].iter().any(|class| state.starts_with(class)))
    }

    pub(crate) fn sqlstate(&self) -> Option<String> {
        let database = self.source.as_ref()?.downcast_ref::<sqlx::Error>()?.as_database_error()?;
        database.code().map(|code| code.into_owned())
    }

    /// The database constraint that refused the statement, if one did.
    pub fn constraint(&self) -> Option<&str> {
        self.source.as_ref()?.downcast_ref::<sqlx::Error>()?.as_database_error()?.constraint()
    }

    /// Replaces the general error for a named constraint by what it means to the caller.
    pub fn on_constraint(self, name: &str, meaning: impl FnOnce() -> Error) -> Self {
        if self.constraint() == Some(name) { Self { source: self.source, ..meaning() } } else { self }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.detail)?;
        // The detail of a single fault tells it already.
        let told = |field: &&FieldError| self.detail.contains(&field.message);
        for field in self.fields.iter().filter(|field| !told(field)) {
            write!(f, "; {}: {}", field.field, field.message)?;
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_ref().map(|source| -> &(dyn StdError + 'static) { source.as_ref() })
    }
}

impl From<FieldError> for Error {
    fn from(field: FieldError) -> Self {
        Self::invalid(vec![field])
    }
}

impl From<Invalid> for Error {
    fn from(invalid: Invalid) -> Self {
        Self::new(ErrorCode::Invalid, invalid.0)
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        let (code, detail, retry_after) = match &error {
            sqlx::Error::RowNotFound => (ErrorCode::NotFound, "no such row", None),
            sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => {
                (ErrorCode::Unavailable, "the database connection was lost", Some(1))
            }
            sqlx::Error::Database(database) => classify(&database.code().unwrap_or_default()),
            _ => (ErrorCode::Internal, "something failed on our side", None),
        };
        Self { retry_after, source: Some(Box::new(error)), ..Self::new(code, detail) }
    }
}

/// What an SQLSTATE means to the caller (PostgreSQL documentation, appendix A).
fn classify(sqlstate: &str) -> (ErrorCode, &'static str, Option<u32>) {
    match sqlstate {
        "23505" => (ErrorCode::AlreadyExists, "something with this key exists already", None),
        "23503" => (ErrorCode::Conflict, "it refers to something that does not exist, or is still referred to", None),
        "23514" | "23502" => (ErrorCode::Invalid, "a value is outside its allowed range", None),
        "22003" => (ErrorCode::Invalid, "a number is too large", None),
        "22P05" | "22021" => (ErrorCode::Invalid, "a text contains a character that cannot be stored", None),
        "40001" | "40P01" => (ErrorCode::Unavailable, "many changes met at once", Some(1)),
        "55P03" => (ErrorCode::Unavailable, "another change holds what this one needs", Some(1)),
        "57014" => (ErrorCode::Timeout, "the query took too long and was stopped", None),
        "53100" => (ErrorCode::StorageFull, "the disk of the database is full; nothing was changed", Some(10)),
        s if s.starts_with("28") => (ErrorCode::Unavailable, "the database refuses our user or password", Some(1)),
        s if s.starts_with("08") || s.starts_with("57P") || s.starts_with("53") => {
            (ErrorCode::Unavailable, "the database is not available", Some(1))
        }
        _ => (ErrorCode::Internal, "something failed on our side", None),
    }
}
