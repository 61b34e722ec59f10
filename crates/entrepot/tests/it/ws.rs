//! `/ws`: the same events as `/events`, for whoever may, for as long as they may.

use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use kernel::Env;
use platform::auth::Role;
use platform::config::Config;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::{HeaderValue, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::harness::{Server, Warehouse, eventually, new_database};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn connect(url: &str, headers: &[(&'static str, String)]) -> Result<(Socket, Response<Option<Vec<u8>>>), Error> {
    let mut request = format!("{}/ws", url.replace("http://", "ws://")).into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, HeaderValue::from_str(value).unwrap());
    }
    tokio_tungstenite::connect_async(request).await
}

fn bearer(token: &str) -> Vec<(&'static str, String)> {
    vec![("authorization", format!("Bearer {token}"))]
}

async fn refused(url: &str, headers: &[(&'static str, String)]) -> StatusCode {
    match connect(url, headers).await {
        Err(Error::Http(response)) => StatusCode::from_u16(response.status().as_u16()).unwrap(),
        Err(error) => panic!("not an HTTP answer: {error}"),
        Ok(_) => panic!("it was let in"),
    }
}

async fn next(socket: &mut Socket) -> Message {
    tokio::time::timeout(Duration::from_secs(20), socket.next()).await.expect("in time").expect("not over").expect("a message")
}

async fn next_json(socket: &mut Socket) -> Value {
    loop {
        if let Message::Text(text) = next(socket).await {
            return serde_json::from_str(&text).unwrap();
        }
    }
}

async fn next_of(socket: &mut Socket, kind: &str) -> Value {
    loop {
        let message = next_json(socket).await;
        if message["type"] == kind {
            return message;
        }
    }
}

async fn close_of(socket: &mut Socket) -> CloseFrame {
    loop {
        if let Message::Close(frame) = next(socket).await {
            return frame.expect("a reason");
        }
    }
}

async fn say(socket: &mut Socket, message: Value) {
    socket.send(Message::text(message.to_string())).await.unwrap();
}

// C020
#[tokio::test(flavor = "multi_thread")]
async fn a_movement_is_heard_over_the_socket_and_a_ping_is_answered() {
    let warehouse = Warehouse::open(1, 1).await;
    let rival = warehouse.server.token("rival", Role::Admin).await;
    let (mut socket, response) = connect(&warehouse.server.url, &bearer(warehouse.staff.token.as_ref().unwrap())).await.unwrap();
    assert_eq!(response.status().as_u16(), 101);
    let (mut theirs, _) = connect(&warehouse.server.url, &bearer(&rival)).await.unwrap();
    let hello = next_json(&mut socket).await;
    assert_eq!(hello["type"], "hello");
    assert_eq!(next_json(&mut theirs).await["type"], "hello");
    socket.send(Message::Ping("are you there".into())).await.unwrap();
    assert_eq!(next(&mut socket).await, Message::Pong("are you there".into()));
    tokio::time::sleep(Duration::from_millis(500)).await;
    warehouse.stock("ITEM-000", "F1/BIN-000", 7).await;
    let event = next_of(&mut socket, "event").await;
    assert_eq!(event["kind"], "inventory.stock.changed");
    assert!(event["seq"].is_i64() && event["at"].is_string() && event["entity_id"].is_string() && event["payload"].is_object());
    let silence = tokio::time::timeout(Duration::from_millis(500), next_of(&mut theirs, "event")).await;
    assert!(silence.is_err(), "another tenant hears nothing");
    // Coming back after the greeting, the movement is told again, as by /events.
    say(&mut socket, json!({ "type": "subscribe", "kinds": ["inventory.*"], "after": hello["id"] })).await;
    assert_eq!(next_json(&mut socket).await["type"], "hello");
    assert_eq!(next_of(&mut socket, "event").await["seq"], event["seq"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_was_subscribed_to_is_told_and_nonsense_is_answered() {
    let warehouse = Warehouse::open(1, 1).await;
    let (mut socket, _) = connect(&warehouse.server.url, &bearer(warehouse.staff.token.as_ref().unwrap())).await.unwrap();
    next_of(&mut socket, "hello").await;
    for (nonsense, code) in [
        ("{", "MALFORMED_BODY"),
        ("[]", "INVALID"),
        (r#"{"type":"shout"}"#, "INVALID"),
        (r#"{"type":"subscribe","kinds":["a b"]}"#, "INVALID"),
        ("\u{0}\u{fffd}", "MALFORMED_BODY"),
    ] {
        socket.send(Message::text(nonsense)).await.unwrap();
        let error = next_of(&mut socket, "error").await;
        assert_eq!(error["code"], code, "{nonsense}: {error}");
    }
    socket.send(Message::binary(vec![1, 2, 3])).await.unwrap();
    assert_eq!(next_of(&mut socket, "error").await["code"], "UNSUPPORTED_MEDIA");
    say(&mut socket, json!({ "type": "subscribe", "after": "nowhere" })).await;
    next_of(&mut socket, "reload").await;
    say(&mut socket, json!({ "type": "subscribe", "kinds": ["nothing.like.it"] })).await;
    next_of(&mut socket, "hello").await;
    warehouse.stock("ITEM-000", "F1/BIN-000", 7).await;
    let silence = tokio::time::timeout(Duration::from_millis(700), next_of(&mut socket, "event")).await;
    assert!(silence.is_err(), "that kind was not asked for");
    let huge = json!({ "type": "subscribe", "kinds": ["a".repeat(70_000)] });
    say(&mut socket, huge).await;
    assert_eq!(u16::from(close_of(&mut socket).await.code), 1009);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_in_without_proof_and_a_cookie_only_from_our_own_pages() {
    let server = Server::start().await;
    server.as_role(Role::Admin).await;
    let token = server.token("acme", Role::Viewer).await;
    assert_eq!(refused(&server.url, &[]).await, StatusCode::UNAUTHORIZED);
    assert_eq!(refused(&server.url, &bearer("ent_acme_wrong")).await, StatusCode::UNAUTHORIZED);
    let offer = |token: &str| vec![("sec-websocket-protocol", format!("entrepot.v1, bearer.{token}"))];
    let (_socket, response) = connect(&server.url, &offer(&token)).await.unwrap();
    assert_eq!(response.headers()["sec-websocket-protocol"], "entrepot.v1", "the token is never said back");
    assert_eq!(refused(&server.url, &offer("ent_acme_wrong")).await, StatusCode::UNAUTHORIZED);
    let host = server.url.trim_start_matches("http://").to_owned();
    let cookie = |origin: &str| vec![("cookie", format!("entrepot_session={token}")), ("origin", origin.to_owned())];
    assert_eq!(refused(&server.url, &cookie("https://evil.example")).await, StatusCode::FORBIDDEN);
    assert_eq!(refused(&server.url, &cookie("https://evil.example")[..1]).await, StatusCode::FORBIDDEN, "no origin at all");
    connect(&server.url, &cookie(&format!("http://{host}"))).await.unwrap();
    // Without an upgrade there is an answer that says so.
    let plain = server.caller(Some(token.clone())).get("/ws").await;
    assert_eq!((plain.status.as_u16(), plain.code()), (426, "UPGRADE_REQUIRED"));
    let verify = server.client.get(format!("{}/api/v1/auth/verify", server.url));
    let verify = verify.header("sec-websocket-protocol", format!("entrepot.v1, bearer.{token}"));
    let outside = server.anonymous().send(verify).await;
    assert_eq!(outside.status, StatusCode::UNAUTHORIZED, "an offer counts only with an upgrade");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_token_is_cut_and_streams_end_in_order_at_shutdown() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let token = server.token("acme", Role::Viewer).await;
    let (mut socket, _) = connect(&server.url, &bearer(&token)).await.unwrap();
    let (mut other, _) = connect(&server.url, &bearer(admin.token.as_ref().unwrap())).await.unwrap();
    let mut sse = server.caller(Some(token.clone())).request(reqwest::Method::GET, "/events").send().await.unwrap();
    next_of(&mut socket, "hello").await;
    next_of(&mut other, "hello").await;
    let tokens = admin.get("/api/v1/tokens?limit=100").await.expect(200);
    let mine = tokens["items"].as_array().unwrap().iter().find(|one| one["role"] == "VIEWER").unwrap()["token_id"].clone();
    let path = format!("/api/v1/tokens/{}", mine.as_str().unwrap());
    admin.send(admin.request(reqwest::Method::DELETE, &path)).await.expect(204);
    let started = std::time::Instant::now();
    assert_eq!(u16::from(close_of(&mut socket).await.code), 1008);
    let ended = tokio::time::timeout(Duration::from_secs(12), async { while sse.chunk().await.unwrap().is_some() {} }).await;
    assert!(ended.is_ok() && started.elapsed() < Duration::from_secs(12), "{:?}", started.elapsed());
    eventually(Duration::from_secs(5), "the seats are free again", async || server.app.streams().open() == 1).await;
    server.app.lifecycle.shutdown.cancel();
    assert_eq!(u16::from(close_of(&mut other).await.code), 1001);
    other.close(None).await.ok();
    tokio::time::timeout(Duration::from_secs(5), server.app.streams().closed()).await.expect("nobody is left");
}

/// Access tokens answer with an error where API tokens answer with nobody.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_an_access_token_ends_when_its_session_does() {
    let (server, _) = crate::sign_in::standing(|_| {}).await;
    let ann = crate::sign_in::with_token(&server, &crate::sign_in::login(&server).await);
    let (mut socket, _) = connect(&server.url, &bearer(ann.token.as_ref().unwrap())).await.unwrap();
    next_of(&mut socket, "hello").await;
    ann.post("/api/v1/auth/logout-all", &Value::Null).await.expect(200);
    assert_eq!(u16::from(close_of(&mut socket).await.code), 1008);
    eventually(Duration::from_secs(5), "its seat is free again", async || server.app.streams().open() == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_are_counted_over_both_doors_and_given_back() {
    let config = Config { enable_rate_limiting: false, streams_per_user: 2, ..Config::default() };
    let server = Server::with(new_database().await, Env::system(), |settings| {
        *settings = Config { data_dir: settings.data_dir.clone(), ..config }
    })
    .await;
    let (staff, other) = (server.as_role(Role::Staff).await, server.as_role(Role::Staff).await);
    let token = staff.token.clone().unwrap();
    let (socket, _) = connect(&server.url, &bearer(&token)).await.unwrap();
    let sse = staff.request(reqwest::Method::GET, "/events").send().await.unwrap();
    assert_eq!(refused(&server.url, &bearer(&token)).await, StatusCode::TOO_MANY_REQUESTS);
    let third = staff.request(reqwest::Method::GET, "/events").send().await.unwrap();
    assert_eq!(third.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(third.headers().contains_key("retry-after"));
    connect(&server.url, &bearer(other.token.as_ref().unwrap())).await.unwrap();
    drop((socket, sse));
    eventually(Duration::from_secs(20), "a closed stream gives its seat back", async || {
        connect(&server.url, &bearer(&token)).await.is_ok()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_read_is_told_to_load_anew_and_holds_little() {
    let warehouse = Warehouse::open(1, 1).await;
    let (mut socket, _) = connect(&warehouse.server.url, &bearer(warehouse.staff.token.as_ref().unwrap())).await.unwrap();
    next_of(&mut socket, "hello").await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut sql = warehouse.server.sql().await;
    // Some 60 MB, more than sockets and backlog hold together.
    for _ in 0..30 {
        sqlx::query(
            "WITH written AS (INSERT INTO platform.outbox (tenant_id, at, kind, entity_id, payload)
                 SELECT 'acme', now(), 'big.one', n, jsonb_build_object('text', repeat('x', 20000)) FROM generate_series(1, 100) n RETURNING seq)
             SELECT pg_notify('entrepot_events', concat_ws(' ', 'acme', min(seq), max(seq), pg_current_xact_id(), pg_snapshot_xmin(pg_current_snapshot()), 'big.one')) FROM written",
        )
        .execute(&mut sql)
        .await
        .unwrap();
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    next_of(&mut socket, "reload").await;
}
