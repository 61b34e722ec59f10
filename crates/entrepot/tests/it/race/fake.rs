//! A warehouse of a hundred lines in memory, right or wrong on purpose: what the laboratory's judges are judged by.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::IntoResponse;
use serde_json::{Value, json};
use tokio::net::TcpListener;

const PLACES: usize = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    None,
    /// Reads what there is, thinks for a while, and writes what it computed.
    NoLock,
    /// Takes no notice of idempotency keys.
    NoKeys,
    /// Reservations end after half of their time.
    EarlyExpiry,
    /// Reservations that are given back stay reserved.
    NoRelease,
    /// A refused batch leaves its first line behind.
    HalfBatch,
    /// Reads of the ledger come from a copy that is renewed now and then.
    StaleReads,
}

#[derive(Clone, Default)]
struct Item {
    on_hand: [i64; PLACES],
    movements: Vec<Value>,
    reservations: Vec<Reservation>,
}

#[derive(Clone)]
struct Reservation {
    id: String,
    state: &'static str,
    expires: Option<Instant>,
    parts: [i64; PLACES],
}

#[derive(Clone, Default)]
struct Books {
    items: HashMap<String, Item>,
    /// By key: the body and its answer.
    answers: HashMap<String, (Bytes, u16, Value)>,
    next: usize,
}

pub struct Fake {
    fault: Fault,
    books: Mutex<Books>,
    copy: Mutex<(Books, usize)>,
}

type Reply = (u16, Value);

fn problem(status: u16, code: &str) -> Reply {
    (status, json!({ "status": status, "code": code, "detail": "refused" }))
}

impl Fake {
    /// Serves until the test's runtime ends; the address.
    pub async fn start(fault: Fault) -> String {
        let fake = Arc::new(Self { fault, books: Mutex::default(), copy: Mutex::default() });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer).with_state(fake)).await });
        url
    }

    fn get(&self, path: &str, query: &HashMap<String, String>) -> Reply {
        let mut books = self.books.lock().unwrap().clone();
        if self.fault == Fault::StaleReads && path.ends_with("/movements") {
            let mut copy = self.copy.lock().unwrap();
            copy.1 += 1;
            if copy.1 % 5 == 1 {
                copy.0 = books;
            }
            books = copy.0.clone();
        }
        if let Some(id) = path.strip_prefix("/api/v1/inventory/reservations/") {
            let mut all = books.items.values().flat_map(|item| &item.reservations);
            let found = all.find(|one| one.id == id);
            return found.map_or_else(|| problem(404, "NOT_FOUND"), |one| (200, json!({ "state": one.state })));
        }
        let item = books.items.get(&query["item"]).cloned().unwrap_or_default();
        let rows: Vec<Value> = if path.ends_with("/balances") {
            let row = |(place, on_hand): (usize, &i64)| json!({ "location_code": format!("P{place}"), "on_hand": on_hand.to_string(), "reserved": item.reserved(place).to_string() });
            item.on_hand.iter().enumerate().map(row).collect()
        } else {
            let is = |movement: &&Value| {
                query.get("kind").is_none_or(|kind| movement["kind"] == **kind)
                    && query.get("reference").is_none_or(|reference| movement["reference"] == **reference)
                    && query.get("location").is_none_or(|place| {
                        ["from", "to"].iter().any(|side| place.ends_with(&format!("/{}", code(&movement[side]))))
                    })
            };
            item.movements.iter().rev().filter(is).cloned().collect()
        };
        (200, json!({ "items": rows, "next_cursor": null }))
    }

    async fn post(&self, path: &str, key: &str, bytes: Bytes) -> Reply {
        let body: Value = serde_json::from_slice(&bytes).unwrap();
        if self.fault == Fault::NoLock {
            let mut books = self.books.lock().unwrap().clone();
            tokio::time::sleep(Duration::from_millis(3)).await;
            let reply = books.decide(self.fault, path, &body);
            let mut truth = self.books.lock().unwrap();
            truth.next += 1;
            for (code, item) in books.items {
                if body.to_string().contains(&code) || item.reservations.iter().any(|one| path.contains(&one.id)) {
                    truth.items.insert(code, item);
                }
            }
            return reply;
        }
        let mut books = self.books.lock().unwrap();
        if self.fault != Fault::NoKeys
            && let Some((first, status, answer)) = books.answers.get(key)
        {
            return if *first == bytes { (*status, answer.clone()) } else { problem(422, "KEY_REUSED") };
        }
        let reply = books.decide(self.fault, path, &body);
        if reply.0 < 400 {
            books.answers.insert(key.to_owned(), (bytes, reply.0, reply.1.clone()));
        }
        reply
    }
}

async fn answer(State(fake): State<Arc<Fake>>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> impl IntoResponse {
    let query = url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let key = headers.get("idempotency-key").map_or("", |key| key.to_str().unwrap());
    let (status, body) =
        if method == Method::GET { fake.get(uri.path(), &query) } else { fake.post(uri.path(), key, body).await };
    (StatusCode::from_u16(status).unwrap(), axum::Json(body))
}

fn code(side: &Value) -> &str {
    side["location_code"].as_str().unwrap()
}

impl Item {
    fn reserved(&self, place: usize) -> i64 {
        self.reservations.iter().filter(|one| one.state == "ACTIVE").map(|one| one.parts[place]).sum()
    }

    fn expire(&mut self) {
        let is_over = |one: &&mut Reservation| one.state == "ACTIVE" && one.expires.is_some_and(|at| at <= Instant::now());
        self.reservations.iter_mut().filter(is_over).for_each(|one| one.state = "EXPIRED");
    }

    fn take(&mut self, movement: &Value, number: usize) -> Result<(), Reply> {
        let quantity = movement["quantity"].as_i64().or_else(|| movement["quantity"].as_str()?.parse().ok()).unwrap();
        let place = |side: &str| match movement[side].as_str() {
            None | Some("SUPPLIER" | "CUSTOMER") => Ok(None),
            Some(text) => {
                let number = text.rsplit_once("/P").and_then(|(_, number)| number.parse::<usize>().ok()).filter(|n| *n < PLACES);
                number.map(Some).ok_or_else(|| problem(422, "INVALID"))
            }
        };
        let (from, to) = (place("from")?, place("to")?);
        if quantity <= 0 {
            return Err(problem(422, "INVALID"));
        }
        if let Some(from) = from {
            if self.on_hand[from] - self.reserved(from) < quantity {
                return Err(problem(409, "STOCK_INSUFFICIENT"));
            }
            self.on_hand[from] -= quantity;
        }
        if let Some(to) = to {
            self.on_hand[to] += quantity;
        }
        let side = |place: Option<usize>| match place {
            None => json!({ "location_kind": "SUPPLIER", "location_code": "OUTSIDE" }),
            Some(place) => json!({ "location_kind": "PHYSICAL", "location_code": format!("P{place}") }),
        };
        let (kind, reference) = (&movement["kind"], &movement["reference"]);
        self.movements.push(json!({ "movement_id": number, "kind": kind, "quantity": quantity.to_string(), "reference": reference, "from": side(from), "to": side(to) }));
        Ok(())
    }

    fn reserve(&mut self, body: &Value, number: usize, fault: Fault) -> Reply {
        self.expire();
        let (asked, mut missing) = (body["quantity"].as_i64().unwrap(), body["quantity"].as_i64().unwrap());
        let mut parts = [0; PLACES];
        for (place, part) in parts.iter_mut().enumerate() {
            *part = missing.min(self.on_hand[place] - self.reserved(place)).max(0);
            missing -= *part;
        }
        if missing == asked || (missing > 0 && body["allow_partial"] != true) {
            return problem(409, "STOCK_INSUFFICIENT");
        }
        let id = format!("reservation-{number}");
        let life = Duration::from_secs(1) / if fault == Fault::EarlyExpiry { 2 } else { 1 };
        let expires = body["expires_in_seconds"].as_u64().map(|seconds| Instant::now() + life * seconds as u32);
        self.reservations.push(Reservation { id: id.clone(), state: "ACTIVE", expires, parts });
        let allocations: Vec<_> =
            parts.iter().filter(|part| **part > 0).map(|part| json!({ "quantity": part.to_string() })).collect();
        (
            201,
            json!({ "reservation_id": id, "quantity": asked.to_string(), "allocated": (asked - missing).to_string(), "allocations": allocations }),
        )
    }

    fn close(&mut self, id: &str, how: &str, fault: Fault) -> Reply {
        self.expire();
        let one = self.reservations.iter_mut().find(|one| one.id == id).unwrap();
        if one.state != "ACTIVE" {
            return problem(409, "CONFLICT");
        }
        if how == "fulfil" {
            one.state = "FULFILLED";
            one.parts.iter().zip(&mut self.on_hand).for_each(|(part, on_hand)| *on_hand -= part);
        } else if fault != Fault::NoRelease {
            one.state = "RELEASED";
        }
        (200, json!({}))
    }
}

impl Books {
    fn decide(&mut self, fault: Fault, path: &str, body: &Value) -> Reply {
        self.next += 1;
        let number = self.next;
        let last = path.rsplit('/').next().unwrap();
        match last {
            "items" => drop(self.items.insert(body["code"].as_str().unwrap().to_owned(), Item::default())),
            "movements" => return self.record(fault, body, number),
            "reservations" => {
                let item = body["item"].as_str().and_then(|code| self.items.get_mut(code));
                return item.map_or_else(|| problem(422, "INVALID"), |item| item.reserve(body, number, fault));
            }
            "release" | "fulfil" => {
                let id = path.rsplit('/').nth(1).unwrap();
                let item = self.items.values_mut().find(|item| item.reservations.iter().any(|one| one.id == id));
                return item.map_or_else(|| problem(404, "NOT_FOUND"), |item| item.close(id, last, fault));
            }
            _ => {}
        }
        (201, json!({}))
    }

    fn record(&mut self, fault: Fault, body: &Value, number: usize) -> Reply {
        let movements = body["movements"].as_array().unwrap();
        let Some(item) = self.items.get_mut(movements[0]["item"].as_str().unwrap()) else { return problem(422, "INVALID") };
        let mut after = item.clone();
        for (line, movement) in movements.iter().enumerate() {
            if let Err(refused) = after.take(movement, number) {
                if fault == Fault::HalfBatch && line > 0 {
                    *item = after;
                }
                return refused;
            }
        }
        *item = after;
        (201, json!({ "posted": movements.len(), "number": number }))
    }
}
