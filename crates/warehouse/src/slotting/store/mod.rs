pub(super) mod plan;
pub(super) mod utilization;
pub(super) mod velocity;
