use serde::{Deserialize, Serialize};

use super::{Errors, PublicPage};

#[derive(Serialize)]
pub struct Setup {
    pub page: PublicPage,
    pub input: SetupInput,
    pub errors: Errors,
}

/// `code` is the one of the log; `tenant` the organisation's short name.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SetupInput {
    pub code: String,
    pub organisation: String,
    pub tenant: String,
    pub name: String,
    pub email: String,
    #[serde(skip_serializing)]
    pub password: String,
}
