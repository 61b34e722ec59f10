use std::collections::{HashMap, HashSet};

use kernel::{FieldError, ItemId, Quantity};
use platform::audit::Entry;
use platform::auth::Actor;
use platform::database::Tx;
use platform::{Error, Result};
use serde_json::json;
use uuid::Uuid;

use super::dto::{CountDto, CountLineDto};
use super::input::{ApproveLines, CancelCount, MAX_ENTRIES, RejectLines, reason};
use super::model::{Count, CountLine, CountState, LineState, LineView};
use super::store::LineQuery;
use super::{COUNTS_APPROVE, COUNTS_PLAN, service, store};
use crate::model::{ADJUSTMENT, MovementKind, Posting};

/// The adjustment of a line's variance: what was found, not the number that was counted, because stock has moved since.
pub(super) fn posting(count: &Count, line: &CountLine) -> Posting {
    let variance = line.variance.unwrap_or_default();
    let (from, to, quantity) = match variance < Quantity::ZERO {
        true => (line.location_id, ADJUSTMENT, -variance),
        false => (ADJUSTMENT, line.location_id, variance),
    };
    let mut posting = Posting::transfer(line.item_id, line.lot_id, quantity, from, to, line.quality_status)
        .with_reason(format!("cycle count {}", count.code))
        .with_reference(count.code.clone());
    posting.kind = MovementKind::Adjustment;
    posting
}

pub(super) fn has_variance(line: &CountLine) -> bool {
    line.variance.is_some_and(|variance| !variance.is_zero())
}

/// Items of the lines whose variance a count cannot adjust, because it does not know which pieces are missing or too many.
pub(super) async fn serial_tracked(
    tx: &mut Tx,
    actor: &Actor,
    lines: impl Iterator<Item = &CountLine>,
) -> Result<HashSet<ItemId>> {
    let items: HashSet<ItemId> = lines.map(|line| line.item_id).collect();
    catalog::service::serial_tracked(tx, actor.tenant(), &items.into_iter().collect::<Vec<_>>()).await
}

/// Adjusts the variances of lines that wait, in one transaction, all or none. Nobody approves what they counted.
pub async fn approve(tx: &mut Tx, actor: &Actor, reference: &str, input: &ApproveLines) -> Result<Vec<CountLineDto>> {
    actor.require(COUNTS_APPROVE)?;
    if input.all != input.lines.is_empty() {
        return Err(Error::field("lines", "must name the lines, or `all` must be true"));
    }
    let count = service::find_open(tx, actor.tenant(), reference).await?;
    let counted_it = |view: &LineView| view.entries.iter().any(|entry| entry.by == actor.principal.user);
    let mut views = if input.all { waiting(tx, actor, &count).await? } else { named(tx, actor, &count, &input.lines).await? };
    if input.all {
        views.retain(|view| !counted_it(view));
    }
    let tracked = serial_tracked(tx, actor, views.iter().map(|view| &view.line)).await?;
    let needs_pieces = |view: &LineView| has_variance(&view.line) && tracked.contains(&view.line.item_id);
    if input.all {
        views.retain(|view| !needs_pieces(view));
        if views.is_empty() {
            return Err(Error::conflict(
                "no line waits for your approval; what you counted somebody else approves, and serial-tracked items are adjusted by a movement that names the pieces",
            ));
        }
    }
    if let Some(index) = views.iter().position(needs_pieces) {
        let detail = format!(
            "{} is serial-tracked: record an ADJUSTMENT that names the pieces, then reject the line without recount",
            views[index].item.code
        );
        return Err(Error::conflict(detail).at(format!("lines[{index}]")));
    }
    if let Some(index) = views.iter().position(counted_it) {
        let detail = format!("{} was counted by you; somebody else must approve it", views[index].item.code);
        return Err(Error::conflict(detail).at(format!("lines[{index}]")));
    }
    let now = actor.env.now();
    let mut lines: Vec<CountLine> = views.iter().map(|view| view.line.clone()).collect();
    let due: Vec<usize> = (0..lines.len()).filter(|n| has_variance(&lines[*n])).collect();
    let postings: Vec<Posting> = due.iter().map(|n| posting(&count, &lines[*n])).collect();
    let posted = crate::service::post(tx, actor, &postings).await.map_err(|error| named_as_lines(error, &due))?;
    for (n, posted) in due.iter().zip(posted) {
        lines[*n].movement_id = Some(posted.movement_id);
    }
    for line in &mut lines {
        line.state = LineState::Approved;
        (line.decided_by, line.decided_at) = (Some(actor.principal.user), Some(now));
    }
    store::update_lines(tx, actor.tenant(), &lines).await?;
    let told: Vec<_> = lines
        .iter()
        .map(|line| {
            json!({ "line_id": line.count_line_id, "item_id": line.item_id, "location": line.location_code,
            "variance": line.variance, "movement_id": line.movement_id })
        })
        .collect();
    let summary = json!({ "code": count.code, "lines": told });
    tx.audit(actor, Entry::new("count.approve", "count", count.count_id).after(&summary));
    finished(tx, actor, &count, lines).await
}

/// Sends lines that wait back to be counted from the start, or ends them without adjustment.
pub async fn reject(tx: &mut Tx, actor: &Actor, reference: &str, input: &RejectLines) -> Result<Vec<CountLineDto>> {
    actor.require(COUNTS_APPROVE)?;
    let reason = reason(&input.reason)?;
    if input.lines.is_empty() {
        return Err(Error::field("lines", "must not be empty"));
    }
    let count = service::find_open(tx, actor.tenant(), reference).await?;
    let views = named(tx, actor, &count, &input.lines).await?;
    let now = actor.env.now();
    let mut lines: Vec<CountLine> = views.into_iter().map(|view| view.line).collect();
    for line in &mut lines {
        line.reason.clone_from(&reason);
        if input.recount {
            line.state = LineState::Recount;
            line.round += 1;
        } else {
            line.state = LineState::Closed;
            (line.decided_by, line.decided_at) = (Some(actor.principal.user), Some(now));
        }
    }
    store::update_lines(tx, actor.tenant(), &lines).await?;
    let ids: Vec<_> = lines.iter().map(|line| line.count_line_id).collect();
    let summary = json!({ "code": count.code, "lines": ids, "recount": input.recount, "reason": reason });
    tx.audit(actor, Entry::new("count.reject", "count", count.count_id).after(&summary));
    finished(tx, actor, &count, lines).await
}

/// Ends the count; what is not decided is not adjusted, what was approved stands.
pub async fn cancel(tx: &mut Tx, actor: &Actor, reference: &str, input: &CancelCount) -> Result<CountDto> {
    actor.require(COUNTS_PLAN)?;
    let reason = reason(&input.reason)?;
    let count = service::find_open(tx, actor.tenant(), reference).await?;
    let now = actor.env.now();
    store::close_lines(tx, actor.tenant(), count.count_id, actor.principal.user, now, &reason).await?;
    store::update_state(tx, actor.tenant(), count.count_id, CountState::Cancelled, now).await?;
    let summary = json!({ "code": count.code, "reason": reason });
    tx.audit(actor, Entry::new("count.cancel", "count", count.count_id).after(&summary));
    let count = service::by_id(tx, actor.tenant(), count.count_id).await?;
    service::announce(tx, actor, &count);
    Ok(CountDto::of(actor, count))
}

async fn finished(tx: &mut Tx, actor: &Actor, count: &Count, lines: Vec<CountLine>) -> Result<Vec<CountLineDto>> {
    let count = service::touch(tx, actor, count.count_id).await?;
    let lines = service::view(tx, actor.tenant(), lines).await?;
    Ok(lines.into_iter().map(|line| CountLineDto::of(actor, &count, line)).collect())
}

/// As many as one call decides, the largest variances first.
async fn waiting(tx: &mut Tx, actor: &Actor, count: &Count) -> Result<Vec<LineView>> {
    let query = LineQuery { state: Some(LineState::Approval), by_variance: true, ..LineQuery::default() };
    let lines = store::lines(tx, actor.tenant(), count.count_id, &query, None, Some(MAX_ENTRIES as i64)).await?;
    service::view(tx, actor.tenant(), lines).await
}

/// In the order given; each must wait for approval.
async fn named(tx: &mut Tx, actor: &Actor, count: &Count, ids: &[Uuid]) -> Result<Vec<LineView>> {
    if ids.len() > MAX_ENTRIES {
        return Err(Error::field("lines", format!("must be at most {MAX_ENTRIES}")));
    }
    let query = LineQuery { ids: Some(ids.to_vec()), ..LineQuery::default() };
    let found = store::lines(tx, actor.tenant(), count.count_id, &query, None, None).await?;
    let mut found: HashMap<Uuid, CountLine> = found.into_iter().map(|line| (line.count_line_id.0, line)).collect();
    let (mut lines, mut errors) = (Vec::with_capacity(ids.len()), Vec::new());
    for (index, id) in ids.iter().enumerate() {
        match found.remove(id) {
            Some(line) => lines.push(line),
            None => errors.push(FieldError::new(format!("lines[{index}]"), "is not a line of this count, or stands twice")),
        }
    }
    if !errors.is_empty() {
        return Err(Error::invalid(errors));
    }
    if let Some(index) = lines.iter().position(|line| line.state != LineState::Approval) {
        let detail = format!("the line is {}, it does not wait for approval", lines[index].state);
        return Err(Error::conflict(detail).at(format!("lines[{index}]")));
    }
    service::view(tx, actor.tenant(), lines).await
}

/// The ledger's refusals under the callers' names; `due` says which line each posting is for.
fn named_as_lines(mut error: Error, due: &[usize]) -> Error {
    for field in &mut error.fields {
        let index = field.field.strip_prefix("movements[").and_then(|rest| rest.split_once(']'));
        let line = index.and_then(|(index, _)| due.get(index.parse::<usize>().ok()?));
        if let Some(line) = line {
            field.field = format!("lines[{line}]");
        }
    }
    error
}
