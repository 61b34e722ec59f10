//! The template engine: minijinja with the filters that the pages use. A value that a template names and its view lacks
//! is an error, not an empty string, so that the two cannot drift apart.

mod filters;

use std::sync::{PoisonError, RwLock};
use std::time::SystemTime;

use axum::response::Html;
use minijinja::value::Value;
use minijinja::{AutoEscape, Environment, ErrorKind, UndefinedBehavior, escape_formatter};
use platform::{Error, Result};
use rust_embed::RustEmbed;

use crate::assets;
use crate::view::View;

#[derive(RustEmbed)]
#[folder = "templates/"]
pub(crate) struct Templates;

#[derive(RustEmbed)]
#[folder = "assets/icons/"]
struct Icons;

/// Turns views into pages. One per process; shared by reference.
pub struct Engine {
    loaded: RwLock<Loaded>,
}

struct Loaded {
    environment: Environment<'static>,
    newest: Option<SystemTime>,
}

impl Default for Engine {
    fn default() -> Self {
        Self::new()
    }
}

impl Engine {
    pub fn new() -> Self {
        Self { loaded: RwLock::new(Loaded { environment: environment(), newest: newest() }) }
    }

    /// Renders the view with its own template. Fails only by a fault of ours: a template that does not suit its view.
    pub fn render<V: View>(&self, view: &V) -> Result<Html<String>> {
        if cfg!(debug_assertions) {
            self.reload();
        }
        let loaded = self.loaded.read().unwrap_or_else(PoisonError::into_inner);
        let template = loaded.environment.get_template(V::TEMPLATE).map_err(described)?;
        template.render(view).map(Html).map_err(described)
    }

    /// Somebody who edits a template sees the change on the next request.
    fn reload(&self) {
        let newest = newest();
        if self.loaded.read().unwrap_or_else(PoisonError::into_inner).newest == newest {
            return;
        }
        let mut loaded = self.loaded.write().unwrap_or_else(PoisonError::into_inner);
        loaded.environment.clear_templates();
        loaded.newest = newest;
    }
}

/// When the newest template was written; `None` in a release build, where they cannot change.
fn newest() -> Option<SystemTime> {
    if !cfg!(debug_assertions) {
        return None;
    }
    let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/templates")).ok()?;
    folder.filter_map(|entry| entry.ok()?.metadata().ok()?.modified().ok()).max()
}

fn described(error: minijinja::Error) -> Error {
    let mut text = format!("{error}");
    let mut cause: Option<&(dyn std::error::Error + 'static)> = std::error::Error::source(&error);
    while let Some(error) = cause {
        text.push_str(&format!("; because: {error}"));
        cause = error.source();
    }
    Error::internal(text)
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_loader(|name| {
        let file = Templates::get(name);
        Ok(file.map(|file| String::from_utf8_lossy(&file.data).into_owned()))
    });
    environment.set_trim_blocks(true);
    environment.set_lstrip_blocks(true);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|name| if name.ends_with(".html") { AutoEscape::Html } else { AutoEscape::None });
    environment.set_formatter(|out, state, value| if value.is_none() { Ok(()) } else { escape_formatter(out, state, value) });
    environment.add_function("asset", |path: &str| assets::url(path).ok_or_else(|| missing("asset", path)));
    environment.add_function("icon", icon);
    filters::add(&mut environment);
    environment
}

/// An icon as inline SVG, hidden from assistive technology: the words beside it say the same.
fn icon(name: &str) -> Result<Value, minijinja::Error> {
    let file = Icons::get(&format!("{name}.svg")).ok_or_else(|| missing("icon", name))?;
    let shapes = String::from_utf8_lossy(&file.data);
    let shapes = shapes.split_once('>').and_then(|(_, rest)| rest.rsplit_once("</svg>")).map_or("", |(inner, _)| inner.trim());
    Ok(Value::from_safe_string(format!(
        r#"<svg class="icon" viewBox="0 0 24 24" width="20" height="20" fill="none" stroke="currentColor" stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">{shapes}</svg>"#
    )))
}

fn missing(what: &str, name: &str) -> minijinja::Error {
    minijinja::Error::new(ErrorKind::InvalidOperation, format!("there is no {what} {name:?}"))
}
