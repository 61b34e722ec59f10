//! Entrepot: one binary that runs a warehouse. This crate is the wiring: command line, connections, router, GraphQL root.
//! It is a library only so that its tests and benches can reach it.

// The GraphQL root is one type of all contexts' queries in each other, which goes deeper than the usual limit.
#![recursion_limit = "256"]

pub mod cli;
mod commands;
pub mod connect;
pub mod connections;
pub mod demo;
pub mod graphql;
pub mod openapi;
mod serve;
pub mod wiring;
