use std::fmt;

use serde::Serialize;

macro_rules! error_codes {
    ($($variant:ident $status:literal $title:literal $mend:literal;)+) => {
        /// The one table of error codes: what an API answer, a page and a log line call a failure.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ErrorCode { $($variant),+ }

        impl ErrorCode {
            pub const ALL: &[ErrorCode] = &[$(ErrorCode::$variant),+];

            /// The HTTP status that carries it.
            pub fn status(self) -> u16 {
                match self { $(Self::$variant => $status),+ }
            }

            /// One short line for people; the same for every occurrence.
            pub fn title(self) -> &'static str {
                match self { $(Self::$variant => $title),+ }
            }

            /// What the caller can do about it.
            pub fn mend(self) -> &'static str {
                match self { $(Self::$variant => $mend),+ }
            }

            /// The upper-case name that programs compare, for instance `STOCK_INSUFFICIENT`.
            pub fn name(self) -> String {
                let mut name = String::new();
                for c in format!("{self:?}").chars() {
                    if c.is_uppercase() && !name.is_empty() {
                        name.push('_');
                    }
                    name.push(c.to_ascii_uppercase());
                }
                name
            }
        }
    };
}

error_codes! {
    MalformedBody 400 "the body could not be read" "send well-formed JSON of the documented shape";
    MalformedQuery 400 "the query string or path could not be read" "correct the named parameter";
    MalformedCursor 400 "the page cursor is not one of ours" "start again without a cursor";
    SignInRequired 401 "no valid sign-in" "send a bearer token, or sign in again";
    WrongCredentials 401 "the address or the password is wrong" "check both; after too many failures the account is locked for a while";
    AccountLocked 401 "the account is locked after too many failed sign-ins" "wait until the lock ends, or ask an administrator";
    TokenInvalid 401 "the access token is not one of ours" "sign in again";
    TokenExpired 401 "the access token has expired" "get a new one with the refresh token, or sign in again";
    RefreshInvalid 401 "the refresh token is not valid" "sign in again";
    RefreshReused 401 "the refresh token was used before" "sign in again; if you did not use it twice, somebody else has it: change the password";
    SecondFactorRequired 401 "the second factor is missing" "sign in again with code or recovery_code";
    SecondFactorWrong 401 "the code is wrong" "send the present code of the authenticator application; each works once";
    Forbidden 403 "the role does not permit this" "ask an administrator for a role that does";
    CrossOrigin 403 "the request comes from another site" "submit the form from this site's own pages";
    CsrfRefused 403 "the request lacks this session's token" "load the page again and send the form from it, or send X-CSRF-Token";
    NotFound 404 "no such thing here" "check the id or code; another organisation's rows are never visible";
    MethodNotAllowed 405 "the address exists, the method does not" "use one of the methods in the Allow header";
    Conflict 409 "the present state does not allow this" "load the present state and decide again";
    AlreadyExists 409 "something with this code exists already" "choose another code, or change the existing one";
    VersionConflict 409 "somebody else changed it meanwhile" "load it again, repeat the change, and send the new version";
    StockInsufficient 409 "not enough stock there" "ask for at most the available quantity";
    RecommendationClosed 409 "the recommendation is decided or expired" "ask for a new recommendation";
    CapacityExceeded 409 "the goods do not fit there" "choose another location or a smaller quantity";
    RefreshConcurrent 409 "another request uses this refresh token at the same time" "take the other request's answer, or repeat this one after the given delay";
    KeyInProgress 409 "the first request with this idempotency key still runs" "repeat the request after the given delay";
    BodyTooLarge 413 "the body is larger than allowed" "send less at once";
    UnsupportedMedia 415 "the content type is not understood" "send application/json";
    Invalid 422 "some values are not acceptable" "correct the named fields";
    KeyReused 422 "the idempotency key was used for another request" "make a new key for each new request";
    UpgradeRequired 426 "this address speaks WebSocket only" "connect with a WebSocket client, or listen to /events";
    TooManyRequests 429 "too many requests" "wait for the given delay";
    Internal 500 "something failed on our side" "try again; report the request id when it persists";
    Unavailable 503 "the service is not ready" "repeat the request after the given delay";
    StorageFull 507 "the disk is full" "repeat the request after the operators made room; reads go on meanwhile";
    Timeout 504 "it took too long and was stopped" "try again with less at once";
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

/// One unacceptable value: where it stands and what would be accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// The path as the caller wrote it, for instance `items[3].quantity`.
    pub field: String,
    /// Lower case, says the mend: `must be greater than 0`.
    pub message: String,
}

impl FieldError {
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

/// Why a single value is not acceptable; whoever knows the field's name makes a [`FieldError`] of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(pub String);

impl Invalid {
    pub fn at(self, field: impl Into<String>) -> FieldError {
        FieldError::new(field, self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_upper_snake_case_and_unique() {
        assert_eq!(ErrorCode::StockInsufficient.name(), "STOCK_INSUFFICIENT");
        let mut names: Vec<_> = ErrorCode::ALL.iter().map(|code| code.name()).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), ErrorCode::ALL.len());
    }
}
