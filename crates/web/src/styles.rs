//! Checks of the style sheets: no code runs in the product.

use std::collections::{BTreeMap, BTreeSet};

type Rgb = [u8; 3];

/// Each token's colour in the light and in the dark theme.
struct Tokens {
    colours: BTreeMap<String, [Rgb; 2]>,
    /// Text, ground, least ratio.
    pairs: Vec<(String, String, f64)>,
}

const SHEETS: &[&str] = &["base", "shell", "forms", "parts", "pages", "plots", "history"];

fn sheet(name: &str) -> String {
    std::fs::read_to_string(format!("{}/assets/css/{name}.css", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn tokens() -> Tokens {
    let text = sheet("tokens");
    let mut colours = BTreeMap::new();
    let mut pairs = Vec::new();
    for line in text.lines().map(str::trim) {
        if let Some((name, value)) = line.strip_prefix("--").and_then(|line| line.split_once(": light-dark(")) {
            let (light, dark) = value.trim_end_matches(");").split_once(", ").unwrap();
            colours.insert(format!("--{name}"), [rgb(light), rgb(dark)]);
        }
        let Some(rest) = line.strip_prefix("/* contrast") else { continue };
        let (least, rest) = rest.split_once(": ").unwrap();
        let least = if least.is_empty() { 4.5 } else { least.trim().parse().unwrap() };
        let (text, grounds) = rest.trim_end_matches(" */").split_once(" on ").unwrap();
        pairs.extend(grounds.split(' ').map(|ground| (text.to_owned(), ground.to_owned(), least)));
    }
    Tokens { colours, pairs }
}

fn rgb(hex: &str) -> Rgb {
    let hex = hex.strip_prefix('#').filter(|hex| hex.len() == 6).unwrap_or_else(|| panic!("{hex} is not #rrggbb"));
    [0, 2, 4].map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
}

/// Relative luminance as WCAG 2.2 defines it.
fn luminance(colour: Rgb) -> f64 {
    let [r, g, b] = colour.map(|channel| {
        let c = f64::from(channel) / 255.0;
        if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
    });
    0.2126 * r + 0.7152 * g + 0.0722 * b
}

fn contrast(a: Rgb, b: Rgb) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[test]
fn the_formula_gives_the_known_ratios() {
    assert!((contrast([0; 3], [255; 3]) - 21.0).abs() < 1e-9);
    assert!((contrast(rgb("#767676"), [255; 3]) - 4.54).abs() < 0.01);
}

#[test]
fn every_declared_pair_is_legible_in_both_themes() {
    let tokens = tokens();
    assert!(tokens.pairs.len() > 30 && tokens.colours.len() > 25, "the tokens were not read");
    let mut poor = Vec::new();
    for (text, ground, least) in &tokens.pairs {
        for (theme, name) in ["light", "dark"].iter().enumerate() {
            let ratio = contrast(tokens.colours[text][theme], tokens.colours[ground][theme]);
            if ratio < *least {
                poor.push(format!("{text} on {ground} in {name}: {ratio:.2}, at least {least} is needed"));
            }
        }
    }
    assert!(poor.is_empty(), "{}", poor.join("\n"));
}

#[test]
fn text_has_only_colours_whose_contrast_is_declared() {
    let tokens = tokens();
    let texts: BTreeSet<&str> = tokens.pairs.iter().filter(|pair| pair.2 >= 4.5).map(|pair| pair.0.as_str()).collect();
    for name in SHEETS {
        for line in sheet(name).lines().map(str::trim) {
            let Some(value) = line.strip_prefix("color: ") else { continue };
            let value = value.trim_end_matches(';');
            let token = value.strip_prefix("var(").map(|value| value.trim_end_matches(')'));
            assert!(value == "inherit" || token.is_some_and(|token| texts.contains(token)), "{name}.css: color: {value}");
        }
    }
}

/// A rule that sets both colours of a text must be one of the declared pairs.
#[test]
fn rules_that_set_text_and_ground_use_a_declared_pair() {
    let tokens = tokens();
    let declared: BTreeSet<(&str, &str)> = tokens.pairs.iter().map(|pair| (pair.0.as_str(), pair.1.as_str())).collect();
    for name in SHEETS {
        for rule in sheet(name).split('}') {
            let value = |property: &str| {
                let line = rule.lines().map(str::trim).find(|line| line.starts_with(property))?;
                line.strip_prefix(property)?.strip_prefix("var(")?.strip_suffix(");")
            };
            if let (Some(text), Some(ground)) = (value("color: "), value("background: ")) {
                assert!(
                    declared.contains(&(text, ground)),
                    "{name}.css: {text} on {ground} in {}",
                    rule.trim().lines().next().unwrap_or("")
                );
            }
        }
    }
}

#[test]
fn styles_name_only_tokens_that_exist() {
    let defined: BTreeSet<String> = sheet("tokens")
        .lines()
        .filter_map(|line| line.trim().strip_prefix("--")?.split_once(':').map(|(name, _)| format!("--{name}")))
        .collect();
    for name in SHEETS {
        for piece in sheet(name).split("var(").skip(1) {
            let token = &piece[..piece.find([')', ',']).unwrap()];
            assert!(defined.contains(token), "{name}.css: {token}");
        }
    }
}
