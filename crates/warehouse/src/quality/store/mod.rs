pub(crate) mod cancellation;
pub(crate) mod failure;
pub(crate) mod figures;
pub(crate) mod remediation;
pub(crate) mod verification;
