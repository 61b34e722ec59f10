use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::http::HeaderMap;
use axum::response::Response;
use bytes::Bytes;
use kernel::{ErrorCode, FieldError};
use serde::Deserialize;
use serde_json::json;
use tokio::time::{Instant, MissedTickBehavior};

use super::source::{End, Item, Source};
use super::{Since, secret};
use crate::auth::Actor;
use crate::events::After;
use crate::http::extract::Query;
use crate::http::problem::Problem;
use crate::http::route::SUBPROTOCOL;
use crate::{App, Error, Result};

const PING_EVERY: Duration = Duration::from_secs(15);
/// A peer of which nothing was heard for so long, not even an answer to a ping, is gone.
const DEAD_AFTER: Duration = Duration::from_secs(45);
/// A peer that takes nothing for so long is gone too; meanwhile nothing piles up but what [`crate::events::Bus`] bounds.
const SEND_WITHIN: Duration = Duration::from_secs(30);
const GOODBYE_WITHIN: Duration = Duration::from_secs(2);
/// A message of a client.
const MESSAGE_MAX_BYTES: usize = 64 * 1024;
/// What the protocol layer takes: more, so that a message slightly too large is answered and not just cut.
const FRAME_MAX_BYTES: usize = 4 * MESSAGE_MAX_BYTES;
const WRITE_MAX_BYTES: usize = 4 * 1024 * 1024;
const KINDS_MAX: usize = 50;
const KIND_MAX_BYTES: usize = 100;

/// `GET /ws`.
///
/// The server sends `{"type":"hello","id"}` first and after each subscription, then `{"type":"event","id","seq","at","kind","entity_id","payload"}`,
/// `{"type":"reload","id"}` when events were missed, `{"type":"error","code","detail"}` for a message that it does not take. The client
/// may send `{"type":"subscribe","kinds":["inventory.*"],"after":"ID"}`: only those kinds from now on, after that position or from now.
/// Close codes: 1001 the server stops, 1008 the sign-in ended or the peer is silent, 1009 a message of more than 64 KiB.
pub(super) async fn upgrade(
    State(app): State<App>,
    actor: Actor,
    Query(since): Query<Since>,
    headers: HeaderMap,
    upgrade: std::result::Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response> {
    let upgrade = upgrade.map_err(|_| Error::new(ErrorCode::UpgradeRequired, "this address speaks WebSocket only"))?;
    let source = Source::open(app, actor, secret(&headers)?, since.after(&headers)).await?;
    Ok(upgrade
        .protocols([SUBPROTOCOL])
        .max_message_size(FRAME_MAX_BYTES)
        .max_frame_size(FRAME_MAX_BYTES)
        .max_write_buffer_size(WRITE_MAX_BYTES)
        .on_upgrade(move |socket| talk(socket, source)))
}

/// Which kinds a client wants to hear.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Kinds(Vec<String>);

impl Kinds {
    fn parse(patterns: Vec<String>) -> Result<Self> {
        if patterns.len() > KINDS_MAX {
            return Err(Error::field("kinds", format!("must be at most {KINDS_MAX} patterns")));
        }
        let is_good = |pattern: &str| {
            let stem = pattern.strip_suffix(".*").unwrap_or(pattern);
            pattern == "*"
                || (1..=KIND_MAX_BYTES).contains(&pattern.len())
                    && stem.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
        };
        let faults: Vec<FieldError> = patterns
            .iter()
            .enumerate()
            .filter(|(_, pattern)| !is_good(pattern))
            .map(|(n, _)| {
                FieldError::new(format!("kinds[{n}]"), "must be a kind such as inventory.stock.changed, inventory.* or *")
            })
            .collect();
        if faults.is_empty() { Ok(Self(patterns)) } else { Err(Error::invalid(faults)) }
    }

    /// None named: all.
    fn hold(&self, kind: &str) -> bool {
        let fits = |pattern: &String| match pattern.strip_suffix('*') {
            Some(start) => kind.starts_with(start),
            None => kind == pattern,
        };
        self.0.is_empty() || self.0.iter().any(fits)
    }
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum Asked {
    Subscribe {
        #[serde(default)]
        kinds: Vec<String>,
        #[serde(default)]
        after: Option<String>,
    },
}

struct Talk {
    socket: WebSocket,
    source: Source,
    kinds: Kinds,
    heard: Instant,
}

/// Why a conversation ends: with these words to the peer, or without any because it is gone.
type Over = Option<CloseFrame>;

async fn talk(socket: WebSocket, source: Source) {
    let mut talk = Talk { socket, source, kinds: Kinds::default(), heard: Instant::now() };
    let goodbye = talk.run().await;
    let farewell = async {
        if talk.socket.send(Message::Close(goodbye)).await.is_ok() {
            // Until the peer has said goodbye too: a socket closed with unread data would take our last words with it.
            while let Some(Ok(_)) = talk.socket.recv().await {}
        }
    };
    let _ = tokio::time::timeout(GOODBYE_WITHIN, farewell).await;
}

impl Talk {
    async fn run(&mut self) -> Over {
        let mut pings = tokio::time::interval_at(Instant::now() + PING_EVERY, PING_EVERY);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let step = tokio::select! {
                item = self.source.next() => self.tell(item).await,
                message = self.socket.recv() => self.hear(message).await,
                _ = pings.tick() => self.ping().await,
            };
            if let Err(over) = step {
                return over;
            }
        }
    }

    async fn send(&mut self, message: Message) -> Result<(), Over> {
        match tokio::time::timeout(SEND_WITHIN, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(None),
        }
    }

    async fn say(&mut self, text: String) -> Result<(), Over> {
        self.send(Message::Text(text.into())).await
    }

    async fn ping(&mut self) -> Result<(), Over> {
        if is_dead(self.heard, Instant::now()) {
            return Err(close(close_code::POLICY, "nothing heard from you"));
        }
        self.send(Message::Ping(Bytes::new())).await
    }

    async fn tell(&mut self, item: Option<Item>) -> Result<(), Over> {
        match item {
            Some(Item::Event { occurrence, id }) if self.kinds.hold(&occurrence.kind) => {
                // The occurrence is a JSON object already; ours goes around its fields.
                let fields = occurrence.json.trim_start_matches('{');
                self.say(format!(r#"{{"type":"event","id":"{id}",{fields}"#)).await
            }
            Some(Item::Event { .. }) => Ok(()),
            Some(Item::Hello { id }) => self.say(json!({ "type": "hello", "id": id }).to_string()).await,
            Some(Item::Reload { id }) => self.say(json!({ "type": "reload", "id": id }).to_string()).await,
            Some(Item::End(End::Shutdown)) | None => Err(close(close_code::AWAY, "the server stops; connect again")),
            Some(Item::End(End::SignedOut)) => Err(close(close_code::POLICY, "the sign-in has ended")),
        }
    }

    async fn hear(&mut self, message: Option<std::result::Result<Message, axum::Error>>) -> Result<(), Over> {
        self.heard = Instant::now();
        let asked = match message {
            None | Some(Err(_) | Ok(Message::Close(_))) => return Err(None),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => return Ok(()),
            Some(Ok(Message::Text(text))) if text.len() > MESSAGE_MAX_BYTES => {
                return Err(close(close_code::SIZE, "a message may have 64 KiB"));
            }
            Some(Ok(Message::Binary(_))) => Err(Error::new(ErrorCode::UnsupportedMedia, "messages must be JSON text")),
            Some(Ok(Message::Text(text))) => read(&text),
        };
        // Each message may cost a look-up, as a call does.
        let allowed = self.source.app().limits().caller(&self.source.actor().principal);
        let done = match (allowed, asked) {
            (Ok(()), Ok(Asked::Subscribe { kinds, after })) => self.subscribe(kinds, after).await,
            (Err(error), _) | (_, Err(error)) => Err(error),
        };
        match done {
            Ok(()) => Ok(()),
            Err(error) => self.say(refusal(&error)).await,
        }
    }

    async fn subscribe(&mut self, kinds: Vec<String>, after: Option<String>) -> Result<()> {
        let kinds = Kinds::parse(kinds)?;
        // Without a position the stream goes on where it is, so that nothing falls between the two subscriptions.
        let after = After::parse(Some(after.unwrap_or_else(|| self.source.id()).as_str()));
        self.source.rewind(after).await?;
        self.kinds = kinds;
        Ok(())
    }
}

fn read(text: &str) -> Result<Asked> {
    serde_json::from_str(text).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => Error::field("message", error.to_string()),
        _ => Error::new(ErrorCode::MalformedBody, format!("not well-formed JSON: {error}")),
    })
}

fn refusal(error: &Error) -> String {
    let problem = Problem::from(error);
    let mut text = json!({ "type": "error", "code": problem.code, "detail": problem.detail, "mend": problem.mend });
    if !problem.errors.is_empty() {
        text["errors"] = json!(problem.errors);
    }
    if let Some(seconds) = error.retry_after {
        text["retry_after"] = json!(seconds);
    }
    text.to_string()
}

fn close(code: u16, reason: &'static str) -> Over {
    Some(CloseFrame { code, reason: reason.into() })
}

fn is_dead(heard: Instant, now: Instant) -> bool {
    now.duration_since(heard) >= DEAD_AFTER
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_is_dead_after_three_unanswered_pings() {
        let heard = Instant::now();
        assert!(!is_dead(heard, heard + PING_EVERY * 2));
        assert!(is_dead(heard, heard + PING_EVERY * 3));
    }

    #[test]
    fn kinds_are_named_whole_or_by_their_beginning() {
        let kinds = |patterns: &[&str]| Kinds::parse(patterns.iter().map(|&pattern| pattern.to_owned()).collect());
        let some = kinds(&["inventory.*", "receipt.closed"]).unwrap();
        assert!(some.hold("inventory.stock.changed") && some.hold("receipt.closed"));
        assert!(!some.hold("inventory") && !some.hold("inventoryx.a") && !some.hold("receipt.closed.again"));
        assert!(kinds(&[]).unwrap().hold("anything") && kinds(&["*"]).unwrap().hold("anything"));
        let refused = kinds(&["ok", "", "a*b", "a\0"]).unwrap_err();
        assert_eq!(
            refused.fields.iter().map(|fault| fault.field.as_str()).collect::<Vec<_>>(),
            ["kinds[1]", "kinds[2]", "kinds[3]"]
        );
        assert!(kinds(&["a"; KINDS_MAX + 1]).is_err());
    }

    #[test]
    fn what_is_no_subscription_is_refused_by_name() {
        assert_eq!(read("{").unwrap_err().code, ErrorCode::MalformedBody);
        for bad in ["[]", "{}", r#"{"type":"x"}"#, r#"{"type":"subscribe","kind":[]}"#, r#"{"type":"subscribe","kinds":"a"}"#] {
            assert_eq!(read(bad).unwrap_err().code, ErrorCode::Invalid, "{bad}");
        }
        assert!(read(r#"{"type":"subscribe"}"#).is_ok());
    }
}
