//! Facilities and their locations: the floor as a map or a list, one location, and the forms.

pub(super) mod floor;
mod form;
mod one;

use axum::http::Method;
use axum::routing::{get, post};
use platform::http::{Access, Api};
use warehouse::{LOCATIONS_WRITE, WAREHOUSE_READ};

use super::visitor::segment;

pub fn api() -> Api {
    let (read, write) = (Access::Needs(WAREHOUSE_READ), Access::Needs(LOCATIONS_WRITE));
    Api::new()
        .page(Method::GET, "/facilities/new", write, get(form::new_facility))
        .page(Method::POST, "/facilities", write, post(form::create_facility))
        .page(Method::GET, "/locations", read, get(floor::list))
        .page(Method::POST, "/locations", write, post(form::create))
        .page(Method::GET, "/locations/new", write, get(form::new))
        .page(Method::GET, "/locations/{location}", read, get(one::find))
        .page(Method::GET, "/locations/{facility}/{code}", read, get(one::one))
        .page(Method::POST, "/locations/{facility}/{code}", write, post(form::edit))
        .page(Method::GET, "/locations/{facility}/{code}/edit", write, get(form::edit_form))
        .page(Method::POST, "/locations/{facility}/{code}/block", write, post(one::block))
        .page(Method::POST, "/locations/{facility}/{code}/unblock", write, post(one::unblock))
        .page(Method::POST, "/locations/{facility}/{code}/activate", write, post(one::activate))
        .page(Method::POST, "/locations/{facility}/{code}/deactivate", write, post(one::deactivate))
}

/// Where a location is shown.
pub fn href(facility: &str, code: &str) -> String {
    format!("/locations/{}/{}", segment(facility), segment(code))
}

/// Where all locations of a facility are listed.
fn list_href(facility: &str) -> String {
    format!("/locations?facility={}&view=list", segment(facility))
}

/// The share in percent, one decimal; 0 of nothing.
fn percent(part: i64, whole: i64) -> f64 {
    if whole <= 0 { 0.0 } else { (part as f64 / whole as f64 * 1_000.0).round() / 10.0 }
}
