//! The facility, places and items of one run, and the requests that every scenario makes.

use futures::future::try_join_all;
use serde_json::{Value, json};

use super::client::{Answer, CannotRun, Session};

pub const MOVEMENTS: &str = "/api/v1/inventory/movements";
pub const PLACES: usize = 8;

/// Codes of what this run may touch.
pub struct World {
    pub facility: String,
}

/// What one item has at one place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stock {
    pub on_hand: i64,
    pub reserved: i64,
}

impl World {
    pub async fn make(session: &Session) -> Result<Self, CannotRun> {
        let world = Self { facility: session.api.run.clone() };
        let facility = json!({ "code": world.facility, "name": format!("Race laboratory {}", world.facility) });
        needed(session.post("/api/v1/facilities", &facility).await?, "a facility")?;
        for place in 0..PLACES {
            let location = json!({ "facility": world.facility, "code": format!("P{place}"), "type": "PUTAWAY",
                "volume": { "value": "1000", "unit": "m3" }, "max_weight": { "value": "100", "unit": "t" } });
            needed(session.post("/api/v1/locations", &location).await?, "a location")?;
        }
        Ok(world)
    }

    /// The place as movements name it.
    pub fn place(&self, number: usize) -> String {
        format!("{}/P{}", self.facility, number % PLACES)
    }

    /// New items, `count` of them; their codes begin with the run's.
    pub async fn items(&self, session: &Session, name: &str, count: usize) -> Result<Vec<String>, CannotRun> {
        let codes: Vec<String> = (0..count).map(|number| format!("{}-{name}-{number}", self.facility)).collect();
        try_join_all(codes.iter().map(async |code| {
            let item = json!({ "code": code, "name": format!("Race item {code}") });
            needed(session.post("/api/v1/inventory/items", &item).await?, "an item")
        }))
        .await?;
        Ok(codes)
    }

    /// Puts goods there; what it needs is not part of the race.
    pub async fn receive(&self, session: &Session, item: &str, place: &str, quantity: i64) -> Result<(), CannotRun> {
        let movement = json!({ "kind": "RECEIPT", "item": item, "quantity": quantity, "from": "SUPPLIER", "to": place });
        needed(session.post(MOVEMENTS, &json!({ "movements": [movement] })).await?, "a receipt")?;
        Ok(())
    }

    /// Stock of the item by place number, as one look at all places.
    pub async fn stock(&self, session: &Session, item: &str) -> Result<Vec<Stock>, CannotRun> {
        let path = format!("/api/v1/inventory/balances?item={item}&include_empty=true&limit=500");
        let answer = session.get(&path).await?;
        if answer.status != 200 {
            return Err(CannotRun(format!("balances of {item} cannot be read: {}", answer.story())));
        }
        let mut stock = vec![Stock::default(); PLACES];
        for row in list(&answer) {
            let place = row["location_code"].as_str().and_then(|code| code.strip_prefix('P')?.parse::<usize>().ok());
            let known = place.and_then(|place| stock.get_mut(place));
            let known = known.ok_or_else(|| CannotRun(format!("a balance of {item} at a place that is not ours: {row}")))?;
            known.on_hand += whole(&row["on_hand"])?;
            known.reserved += whole(&row["reserved"])?;
        }
        Ok(stock)
    }

    /// All movements of the item, oldest first; `place` narrows to one place. At most 500 fit into one look; more are read
    /// page by page.
    pub async fn movements(&self, session: &Session, item: &str, more: &str) -> Result<Vec<Value>, CannotRun> {
        let mut movements = Vec::new();
        let mut cursor = String::new();
        loop {
            let answer = session.get(&format!("{MOVEMENTS}?item={item}&limit=500{more}{cursor}")).await?;
            if answer.status != 200 {
                return Err(CannotRun(format!("movements of {item} cannot be read: {}", answer.story())));
            }
            movements.extend(list(&answer).iter().cloned());
            match answer.body["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        movements.reverse();
        Ok(movements)
    }
}

fn list(answer: &Answer) -> &[Value] {
    answer.body["items"].as_array().map_or(&[], Vec::as_slice)
}

/// Quantities come as strings; all of ours are whole.
pub fn whole(value: &Value) -> Result<i64, CannotRun> {
    let number = value.as_str().and_then(|text| text.parse().ok());
    number.ok_or_else(|| CannotRun(format!("{value} is not a whole quantity")))
}

/// What the laboratory itself depends on.
fn needed(answer: Answer, what: &str) -> Result<Answer, CannotRun> {
    if answer.is_created() { Ok(answer) } else { Err(CannotRun(format!("{what} cannot be made: {}", answer.story()))) }
}
