//! Reservations as the interface has them.

use serde_json::{Value, json};

use super::super::client::{Answer, CannotRun, Session};
use super::super::world::whole;

pub const RESERVATIONS: &str = "/api/v1/inventory/reservations";

/// A promise that the server made.
#[derive(Clone, Debug)]
pub struct Promise {
    pub id: String,
    pub asked: i64,
    pub allocated: i64,
}

impl Promise {
    /// Reads a 201, and checks that its parts add up.
    pub fn read(answer: &Answer, problems: &mut Vec<String>) -> Result<Self, CannotRun> {
        let body = &answer.body;
        let (asked, allocated) = (whole(&body["quantity"])?, whole(&body["allocated"])?);
        let parts = body["allocations"].as_array().map_or(&[][..], Vec::as_slice);
        let sum: i64 = parts.iter().map(|part| whole(&part["quantity"])).sum::<Result<i64, _>>()?;
        if sum != allocated || !(0..=asked).contains(&allocated) {
            problems.push(format!("a reservation whose parts do not add up: {}", answer.story()));
        }
        let id = body["reservation_id"].as_str().ok_or_else(|| CannotRun(format!("no reservation_id: {}", answer.story())))?;
        Ok(Self { id: id.to_owned(), asked, allocated })
    }
}

/// A server that has no reservations has nothing at their address.
pub async fn is_offered(session: &Session) -> Result<bool, CannotRun> {
    let answer = session.post(RESERVATIONS, &json!({})).await?;
    Ok(!matches!(answer.status, 404 | 405 | 501))
}

pub async fn close(session: &Session, promise: &Promise, how: &str) -> Result<Answer, CannotRun> {
    session.post(&format!("{RESERVATIONS}/{}/{how}", promise.id), &json!({})).await
}

/// What the server says the reservation is now; the answer's label when it does not know it.
pub async fn state(session: &Session, promise: &Promise) -> Result<String, CannotRun> {
    let answer = session.get(&format!("{RESERVATIONS}/{}", promise.id)).await?;
    Ok(answer.body["state"].as_str().map_or_else(|| answer.label(), str::to_owned))
}

pub fn is_done(answer: &Answer) -> bool {
    (200..300).contains(&answer.status)
}

/// Release, fulfil and expiry exclude each other: whoever comes later is told of a conflict.
pub fn is_too_late(answer: &Answer) -> bool {
    matches!(answer.status, 404 | 409)
}

/// A hard reservation; strategies take turns.
pub fn body(item: &str, facility: &str, quantity: i64, turn: usize) -> Value {
    let strategy = ["FEFO", "FIFO", "LIFO", "NEAREST"][turn % 4];
    json!({ "kind": "HARD", "item": item, "quantity": quantity, "facility": facility, "strategy": strategy })
}
