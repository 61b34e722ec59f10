use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use kernel::Env;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio_util::sync::CancellationToken;

use crate::auth::Authenticator;
use crate::config::Config;
use crate::database::Database;
use crate::events::Bus;
use crate::http::Streams;
use crate::limits::Limits;

/// What every handler, job and page gets: one shared [`Parts`], so that a clone costs next to nothing.
#[derive(Clone)]
pub struct App(Arc<Shared>);

struct Shared {
    parts: Parts,
    /// Request ids are this and a count: unique among processes, and cheaper than fresh randomness for each.
    request_prefix: String,
    requests: AtomicU64,
    singletons: RwLock<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
    limits: Limits,
    streams: Streams,
}

/// What an application is made of; wired once in the binary.
pub struct Parts {
    pub env: Env,
    pub config: Arc<Config>,
    pub db: Database,
    pub bus: Bus,
    pub authenticator: Arc<dyn Authenticator>,
    pub metrics: PrometheusHandle,
    pub lifecycle: Lifecycle,
}

impl App {
    pub fn new(parts: Parts) -> Self {
        let request_prefix = parts.env.new_id().simple().to_string()[20..].to_owned();
        let (limits, streams) = (Limits::new(&parts.config), Streams::new(&parts.config));
        let (requests, singletons) = (AtomicU64::new(0), RwLock::default());
        Self(Arc::new(Shared { parts, request_prefix, requests, singletons, limits, streams }))
    }

    /// The one `T` of this application, made when it is first asked for: a queue that all requests share, for instance.
    pub fn the<T: Default + Send + Sync + 'static>(&self) -> Arc<T> {
        let known = self.0.singletons.read().unwrap_or_else(PoisonError::into_inner).get(&TypeId::of::<T>()).cloned();
        let one = known.unwrap_or_else(|| {
            let mut all = self.0.singletons.write().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(all.entry(TypeId::of::<T>()).or_insert_with(|| Arc::new(T::default())))
        });
        one.downcast().expect("it is kept under its own type")
    }

    /// How often somebody may call.
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// The event streams that are open.
    pub fn streams(&self) -> &Streams {
        &self.0.streams
    }

    pub(crate) fn new_request_id(&self) -> String {
        let number = self.0.requests.fetch_add(1, Ordering::Relaxed);
        format!("{}-{number:x}", self.0.request_prefix)
    }
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0.parts
    }
}

/// Whether the process takes new work. Readiness turns off first, so that a load balancer stops sending; then connections drain.
#[derive(Clone, Default)]
pub struct Lifecycle {
    draining: Arc<AtomicBool>,
    pub shutdown: CancellationToken,
}

impl Lifecycle {
    pub fn drain(&self) {
        self.draining.store(true, Ordering::SeqCst);
    }

    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::SeqCst)
    }
}
