use futures::future::BoxFuture;
use platform::auth::Actor;
use platform::database::Tx;
use platform::http::{Grouped, IdempotencyKey, mutate, mutate_grouped};
use platform::{App, Result};

use super::post::announce;
use super::record::{Asked, MovementBatch, Recorded, all_refused, answer, decide, prepare, read, record};
use super::{STOCK_MOVE, require_for};
use crate::model::LotDates;
use crate::quality;
use crate::request::Draft;

/// Records movements and commits. A single movement shares its transaction with others that arrive at the same time.
pub async fn submit(app: &App, actor: &Actor, key: Option<&IdempotencyKey>, batch: &MovementBatch) -> Result<Recorded> {
    actor.require(STOCK_MOVE)?;
    batch.check_size()?;
    let [movement] = batch.movements.as_slice() else { return alone(app, actor, key, batch).await };
    match read(movement) {
        // Dates complete a lot, and numbers make serials, even where the movement is then refused for lack of stock; such a
        // call keeps to itself.
        Ok(draft) if draft.dates == LotDates::default() && draft.serials.is_empty() => {
            require_for(actor, [draft.kind])?;
            quality::require(actor, draft.statuses.change())?;
            mutate_grouped::<Single>(app, actor, key, One { draft, atomic: batch.atomic }).await
        }
        _ => alone(app, actor, key, batch).await,
    }
}

async fn alone(app: &App, actor: &Actor, key: Option<&IdempotencyKey>, batch: &MovementBatch) -> Result<Recorded> {
    mutate(app, actor, key, async |tx| record(tx, actor, batch).await).await
}

/// Single movements of many callers in one transaction.
#[derive(Default)]
struct Single;

struct One {
    draft: Draft,
    /// Whether a refusal is an error or a line of the answer.
    atomic: bool,
}

impl Grouped for Single {
    type Input = One;
    type Output = Recorded;

    const NAME: &'static str = "movements";

    fn run<'a>(tx: &'a mut Tx, calls: &'a [(&'a Actor, &'a One)]) -> BoxFuture<'a, Result<Vec<Result<Recorded>>>> {
        Box::pin(async move {
            let tenant = tx.tenant().clone();
            let asked = calls.iter().map(|(actor, one)| Asked { actor, draft: Ok(one.draft.clone()) }).collect();
            let (rows, mut lots) = prepare(tx, &tenant, asked).await?;
            lots.save(tx, &tenant).await?;
            let outcomes = decide(tx, &tenant, rows, &lots, false).await?;
            let answers = calls.iter().zip(outcomes).map(|((actor, one), outcome)| {
                if let Ok(posted) = &outcome {
                    announce(tx, actor, &[posted]);
                }
                match outcome {
                    Err(refusal) if one.atomic => Err(all_refused(vec![Some(refusal)])),
                    outcome => Ok(answer(vec![outcome])),
                }
            });
            Ok(answers.collect())
        })
    }
}
