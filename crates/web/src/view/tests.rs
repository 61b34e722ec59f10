use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use super::PAGES;
use super::samples::{Sample, Samples};
use crate::engine::Templates;

/// With ENTREPOT_UI set to a folder, the pages are written there to be looked at.
#[test]
fn every_template_renders_with_samples() {
    let samples = Samples::render().all;
    let covered: BTreeSet<&str> = samples.iter().map(|sample| sample.template).collect();
    assert_eq!(covered, PAGES.iter().copied().collect(), "pages without a sample");
    let parts = parts_in_use();
    for file in Templates::iter() {
        assert!(covered.contains(file.as_ref()) || parts.contains(file.as_ref()), "{file} is neither a page nor part of one");
    }
    let names: BTreeSet<_> = samples.iter().map(|sample| sample.name).collect();
    assert_eq!(names.len(), samples.len(), "two samples have one name");
    if let Some(folder) = std::env::var_os("ENTREPOT_UI").map(PathBuf::from) {
        fs::create_dir_all(&folder).unwrap();
        for sample in &samples {
            fs::write(folder.join(format!("{}.html", sample.name)), &sample.html).unwrap();
        }
    }
}

/// What the templates extend, import and include.
fn parts_in_use() -> BTreeSet<String> {
    let mut parts = BTreeSet::new();
    for file in Templates::iter() {
        let text = String::from_utf8(Templates::get(&file).unwrap().data.into_owned()).unwrap();
        for word in ["extends", "import", "include"] {
            for piece in text.split(&format!("{{% {word} \"")).skip(1) {
                parts.insert(piece[..piece.find('"').unwrap()].to_owned());
            }
        }
    }
    parts
}

#[test]
fn pages_obey_the_content_security_policy() {
    for Sample { name, html, .. } in Samples::render().all {
        for tag in Tag::all(&html) {
            assert!(!tag.has("style"), "{name}: <{}> has a style of its own", tag.name);
            assert!(!tag.attributes.keys().any(|key| key.starts_with("on")), "{name}: <{}> has a script of its own", tag.name);
            assert!(tag.name != "style", "{name}: a style element");
            assert!(tag.name != "script" || tag.has("src"), "{name}: an inline script");
            for key in ["href", "src", "action"] {
                let address = tag.get(key).unwrap_or("/");
                // A picture made for this page alone, and the door to an application on the same device.
                let is_own = key == "src" && tag.name == "img" && address.starts_with("data:image/svg+xml;base64,")
                    || key == "href" && address.starts_with("otpauth://totp/");
                if is_own {
                    continue;
                }
                assert!(
                    address.starts_with('/') && !address.starts_with("//") || address.starts_with('#'),
                    "{name}: {address} leads elsewhere"
                );
            }
        }
        assert!(!html.contains("<script>alert"), "{name}: a name was not escaped");
    }
}

#[test]
fn elements_are_closed_and_ids_are_unique() {
    const VOID: [&str; 7] = ["meta", "link", "input", "img", "br", "option", "!doctype"];
    for Sample { name, html, .. } in Samples::render().all {
        let mut open = Vec::new();
        let mut ids = BTreeSet::new();
        for tag in Tag::all(&html) {
            if let Some(closed) = tag.name.strip_prefix('/') {
                if !VOID.contains(&closed) {
                    assert_eq!(open.pop().as_deref(), Some(closed), "{name}: {closed} is closed out of turn");
                }
                continue;
            }
            if let Some(id) = tag.get("id") {
                assert!(ids.insert(id.to_owned()), "{name}: the id {id} stands twice");
            }
            if !VOID.contains(&tag.name.as_str()) && !tag.is_closed {
                open.push(tag.name.clone());
            }
        }
        assert!(open.is_empty(), "{name}: never closed: {open:?}");
    }
}

#[test]
fn every_control_has_a_name_and_every_reference_its_target() {
    for Sample { name, html, .. } in Samples::render().all {
        let tags = Tag::all(&html);
        let ids: BTreeSet<&str> = tags.iter().filter_map(|tag| tag.get("id")).collect();
        let labelled: BTreeSet<&str> = tags.iter().filter(|tag| tag.name == "label").filter_map(|tag| tag.get("for")).collect();
        for tag in &tags {
            for key in ["for", "aria-labelledby", "aria-describedby", "list", "popovertarget"] {
                for id in tag.get(key).unwrap_or("").split_whitespace() {
                    assert!(ids.contains(id), "{name}: {key}=\"{id}\" points nowhere");
                }
            }
            if let Some(id) = tag.get("href").and_then(|href| href.strip_prefix('#')) {
                assert!(ids.contains(id), "{name}: the link #{id} points nowhere");
            }
            let is_control = matches!(tag.name.as_str(), "input" | "select" | "textarea")
                && !matches!(tag.get("type"), Some("hidden" | "radio"));
            let is_named = tag.has("aria-label") || tag.get("id").is_some_and(|id| labelled.contains(id));
            assert!(!is_control || is_named, "{name}: the field {:?} has no label", tag.get("name"));
            assert!(tag.name != "img" || tag.has("alt"), "{name}: a picture without words");
            assert!(
                !matches!(tag.get("role"), Some("region" | "group" | "radiogroup" | "dialog"))
                    || tag.has("aria-label")
                    || tag.has("aria-labelledby"),
                "{name}: a {:?} without a name",
                tag.get("role")
            );
        }
        assert_eq!(html[..html.find("<body").unwrap()].matches("<title>").count(), 1, "{name}: exactly one title");
        for landmark in ["main", "h1", "html"] {
            assert_eq!(tags.iter().filter(|tag| tag.name == landmark).count(), 1, "{name}: exactly one {landmark}");
        }
    }
}

#[test]
fn every_form_that_changes_something_has_a_key_of_its_own() {
    for Sample { name, html, .. } in Samples::render().all {
        let mut keys = BTreeSet::new();
        let mut is_post = false;
        let mut has_key = false;
        // A page without a session has no token to send.
        let has_session = html.contains("name=\"csrf-token\"");
        let mut has_token = false;
        for tag in Tag::all(&html) {
            match tag.name.as_str() {
                "form" => (is_post, has_key, has_token) = (tag.get("method") == Some("post"), false, false),
                "input" if tag.get("name") == Some("csrf_token") => has_token = true,
                "input" if tag.get("name") == Some("idempotency_key") => {
                    has_key = true;
                    let key = tag.get("value").unwrap().to_owned();
                    assert!(key.len() <= 150, "{name}: the key {key} is too long");
                    assert!(keys.insert(key.clone()), "{name}: two forms share the key {key}");
                }
                "/form" => {
                    assert!(!is_post || has_key, "{name}: a form without a key");
                    assert!(!is_post || has_token == has_session, "{name}: a form without the session's token");
                }
                _ => {}
            }
        }
    }
}

#[test]
fn a_refused_form_keeps_what_was_typed_and_says_why_beside_the_field() {
    let samples = Samples::render().all;
    let html = |name: &str| samples.iter().find(|sample| sample.name == name).map(|sample| Tag::all(&sample.html)).unwrap();
    for (name, field, typed) in [
        ("item-refused", "weight", "heavy"),
        ("item-refused", "units[0].factor", "0"),
        ("receipt-refused", "lines[0].quantity", "twelve"),
        ("receipt-new-refused", "lines[0].item", "UNKNOWN-1"),
        ("movement-refused", "quantity", "1e309"),
        ("location-new", "max_weight", "-4"),
        ("user-new", "email", "jonas@example"),
    ] {
        let tags = html(name);
        let input = tags.iter().find(|tag| tag.get("name") == Some(field)).unwrap();
        assert_eq!(input.get("value"), Some(typed), "{name}: {field}");
        assert_eq!(input.get("aria-invalid"), Some("true"), "{name}: {field}");
        let error = format!("{}-error", input.get("id").unwrap());
        assert!(input.get("aria-describedby").unwrap().contains(&error), "{name}: {field}");
        assert!(
            tags.iter().any(|tag| tag.get("class") == Some("error-summary") && tag.has("tabindex")),
            "{name}: no summary to focus"
        );
    }
}

/// A start or end tag with its attributes, as far as our own templates write HTML.
struct Tag {
    name: String,
    attributes: BTreeMap<String, String>,
    is_closed: bool,
}

impl Tag {
    fn get(&self, key: &str) -> Option<&str> {
        self.attributes.get(key).map(String::as_str)
    }

    fn has(&self, key: &str) -> bool {
        self.attributes.contains_key(key)
    }

    fn all(html: &str) -> Vec<Tag> {
        let mut tags = Vec::new();
        let mut rest = html;
        while let Some(start) = rest.find('<') {
            rest = &rest[start + 1..];
            let mut quoted = false;
            let end = rest.find(|c| {
                quoted ^= c == '"';
                c == '>' && !quoted
            });
            let end = end.expect("a tag ends");
            tags.push(Tag::of(&rest[..end]));
            rest = &rest[end + 1..];
        }
        tags
    }

    fn of(text: &str) -> Tag {
        let is_closed = text.ends_with('/');
        let text = text.trim_end_matches('/');
        let cut = text.find(char::is_whitespace).unwrap_or(text.len());
        let (name, mut rest) = text.split_at(cut);
        let mut attributes = BTreeMap::new();
        loop {
            rest = rest.trim_start();
            if rest.is_empty() {
                break;
            }
            let end = rest.find(|c: char| c == '=' || c.is_whitespace()).unwrap_or(rest.len());
            let key = rest[..end].to_lowercase();
            rest = &rest[end..];
            let value = match rest.strip_prefix("=\"") {
                Some(quoted) => {
                    let (value, after) = quoted.split_once('"').expect("a value is closed");
                    rest = after;
                    value
                }
                None => "",
            };
            let value = value
                .replace("&#x2f;", "/")
                .replace("&#x27;", "'")
                .replace("&quot;", "\"")
                .replace("&lt;", "<")
                .replace("&gt;", ">")
                .replace("&amp;", "&");
            assert!(attributes.insert(key.clone(), value).is_none(), "{name} has {key} twice");
        }
        Tag { name: name.to_lowercase(), attributes, is_closed }
    }
}
