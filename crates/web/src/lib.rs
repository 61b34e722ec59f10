//! The console: server-rendered pages, their assets and what stands between them and the services.
//!
//! Invariants: a page works without JavaScript; no style or script stands inline, so that the content security policy
//! holds without exceptions; a template sees nothing but its [`view`] struct.

pub mod assets;
pub mod engine;
mod pages;
#[cfg(test)]
mod styles;
pub mod view;

pub use pages::{api, dress, open_setup};
