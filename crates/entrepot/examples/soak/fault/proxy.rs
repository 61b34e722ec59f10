//! A TCP proxy before PostgreSQL that reads the frontend/backend protocol (PostgreSQL documentation, chapter 55, version 3.0)
//! just far enough to cut a connection around a COMMIT that carries movements.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Where the next COMMIT of a transaction with movements is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cut {
    /// It does not reach the server.
    Before,
    /// It reaches the server; nobody waits for what becomes of it.
    With,
    /// The server has committed and said so; the answer does not reach the client.
    After,
}

#[derive(Default)]
struct Orders {
    armed: Option<Cut>,
    done: HashMap<Cut, u32>,
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Orders>>);

impl Shared {
    fn take(&self) -> Option<Cut> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).armed.take()
    }

    fn count(&self, cut: Cut) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).done.entry(cut).or_default() += 1;
    }
}

pub struct Proxy {
    pub port: u16,
    shared: Shared,
    task: JoinHandle<()>,
}

impl Proxy {
    pub async fn start(server_port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("a bound listener").port();
        let shared = Shared::default();
        let task = tokio::spawn({
            let shared = shared.clone();
            async move {
                while let Ok((client, _)) = listener.accept().await {
                    let shared = shared.clone();
                    tokio::spawn(async move {
                        if let Ok(server) = TcpStream::connect(("127.0.0.1", server_port)).await {
                            // An end of either side is an end of both; nothing else to do about it.
                            let _ = Conversation::new(client, server, shared).run().await;
                        }
                    });
                }
            }
        });
        Self { port, shared, task }
    }

    pub fn arm(&self, cut: Cut) {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner).armed = Some(cut);
    }

    /// Takes the order back; whether it was still open.
    pub fn disarm(&self) -> bool {
        self.shared.take().is_some()
    }

    pub fn performed(&self, cut: Cut) -> u32 {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner).done.get(&cut).copied().unwrap_or(0)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What a statement is to us.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Statement {
    #[default]
    Other,
    WritesMovements,
    Commit,
}

impl Statement {
    fn of(text: &str) -> Self {
        let text = text.trim().to_ascii_lowercase();
        if text == "commit" || text == "end" || text.starts_with("commit;") {
            Self::Commit
        } else if text.contains("insert into inventory.movements") {
            Self::WritesMovements
        } else {
            Self::Other
        }
    }
}

/// Follows one session: which statements are prepared, whether the open transaction has written movements.
#[derive(Default)]
struct Session {
    prepared: HashMap<Vec<u8>, Statement>,
    in_transaction: bool,
    has_movements: bool,
}

impl Session {
    /// Whether this message of the client makes movements permanent.
    fn commits(&mut self, kind: u8, body: &[u8]) -> bool {
        let mut texts = body.split(|byte| *byte == 0);
        let first = texts.next().unwrap_or_default();
        let second = texts.next().unwrap_or_default();
        let statement = match kind {
            b'Q' => Statement::of(&String::from_utf8_lossy(first)),
            b'P' => {
                self.prepared.insert(first.to_vec(), Statement::of(&String::from_utf8_lossy(second)));
                return false;
            }
            // A portal's name comes first, then the statement's.
            b'B' => self.prepared.get(second).copied().unwrap_or_default(),
            _ => return false,
        };
        self.has_movements |= statement == Statement::WritesMovements;
        match statement {
            Statement::Commit => std::mem::take(&mut self.has_movements),
            // Outside a transaction a statement commits itself.
            Statement::WritesMovements => !self.in_transaction,
            Statement::Other => false,
        }
    }

    /// Whether this message of the server ends what was asked: ready for the next query, outside a transaction.
    fn is_done(&mut self, kind: u8, body: &[u8]) -> bool {
        if kind != b'Z' {
            return false;
        }
        self.in_transaction = body.first() != Some(&b'I');
        if !self.in_transaction {
            self.has_movements = false;
        }
        !self.in_transaction
    }
}

struct Conversation {
    client: TcpStream,
    server: TcpStream,
    shared: Shared,
    session: Session,
    has_started: bool,
    /// A cut that waits for the rest of the request, or for the server's answer.
    pending: Option<Cut>,
}

impl Conversation {
    fn new(client: TcpStream, server: TcpStream, shared: Shared) -> Self {
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        Self { client, server, shared, session: Session::default(), has_started: false, pending: None }
    }

    async fn run(mut self) -> io::Result<()> {
        let (mut asked, mut answered) = (Vec::new(), Vec::new());
        loop {
            tokio::select! {
                read = self.client.read_buf(&mut asked) => {
                    if read? == 0 || self.forward(&mut asked).await? {
                        return Ok(());
                    }
                }
                read = self.server.read_buf(&mut answered) => {
                    if read? == 0 || self.answer(&mut answered).await? {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Sends the whole messages among `bytes` to the server; `true` when the connection is to be cut.
    async fn forward(&mut self, bytes: &mut Vec<u8>) -> io::Result<bool> {
        while let Some(length) = message_length(bytes, self.has_started) {
            let message: Vec<u8> = bytes.drain(..length).collect();
            let kind = message[0];
            let commits = self.has_started && self.session.commits(kind, &message[5..]);
            self.has_started = true;
            if commits && let Some(cut) = self.shared.take() {
                self.pending = Some(cut);
                if cut == Cut::Before {
                    self.shared.count(cut);
                    return Ok(true);
                }
            }
            self.server.write_all(&message).await?;
            // A simple query is complete by itself, an extended one with its Sync.
            if self.pending == Some(Cut::With) && matches!(kind, b'Q' | b'S') {
                self.shared.count(Cut::With);
                // An abortive end could overtake the message on the way.
                self.server.shutdown().await?;
                tokio::time::sleep(Duration::from_millis(1)).await;
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn answer(&mut self, bytes: &mut Vec<u8>) -> io::Result<bool> {
        // A failed commit also ends with a ready server: then there is nothing to hide, and the cut only hides the error.
        let mut done = false;
        let mut read = 0;
        while let Some(length) = message_length(&bytes[read..], true) {
            let message = &bytes[read..read + length];
            done |= self.session.is_done(message[0], &message[5..]);
            read += length;
        }
        if self.pending == Some(Cut::After) {
            if done {
                self.shared.count(Cut::After);
            }
            bytes.drain(..read);
            return Ok(done);
        }
        self.client.write_all(&bytes[..read]).await?;
        bytes.drain(..read);
        Ok(false)
    }
}

/// Length of the first message, when it is there as a whole. Each but the first of a client begins with a byte for its kind.
fn message_length(bytes: &[u8], has_kind: bool) -> Option<usize> {
    let at = usize::from(has_kind);
    let length = u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?);
    let whole = at + usize::try_from(length).ok()?;
    (bytes.len() >= whole).then_some(whole)
}
