use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use minijinja::value::Value;
use minijinja::{Environment, Error, ErrorKind, State};
use rust_decimal::Decimal;

/// Digits after the point that are kept; a quantity has at most six.
const DECIMALS: u32 = 6;

pub(super) fn add(environment: &mut Environment<'static>) {
    environment.add_filter("number", number);
    environment.add_filter("signed", |value: &Value| {
        number(value).map(|text| if text.starts_with('−') { text } else { format!("+{text}") })
    });
    environment.add_filter("percent", percent);
    environment.add_filter("figure", |value: f64| crate::view::plots::figure(value));
    environment.add_filter("plural", plural);
    environment.add_filter("when", when);
    environment.add_filter("datetime", |value: &str| stamp(value).map(absolute));
    environment.add_filter("date", |value: &str| day(value).map(|day| day.format("%-d %b %Y").to_string()));
    environment.add_filter("label", |value: &str| label(value));
    environment.add_filter("field_id", |value: &str| field_id(value));
    environment.add_filter("encoded", |value: &str| encoded(value));
    environment.add_filter("initials", |value: &str| initials(value));
    environment.add_filter("problem_of", problem_of);
}

/// `1234.500000` as `1,234.5`: groups of three, no trailing zeros, a real minus sign.
fn number(value: &Value) -> Result<String, Error> {
    Ok(grouped(decimal(value)?))
}

fn decimal(value: &Value) -> Result<Decimal, Error> {
    let text = value.to_string();
    let parsed = if value.as_str().is_some() {
        text.parse().ok()
    } else {
        text.parse().ok().or_else(|| Decimal::from_scientific(&text).ok())
    };
    parsed.ok_or_else(|| unusable("a number", &text))
}

fn grouped(value: Decimal) -> String {
    let text = value.round_dp(DECIMALS).normalize().abs().to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let mut out = String::with_capacity(text.len() + text.len() / 3 + 1);
    if value.is_sign_negative() && !value.is_zero() {
        out.push('−');
    }
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if !fraction.is_empty() {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

/// A share given in percent, as whole percent; what is not quite nothing or not quite all is not shown as such.
fn percent(value: &Value) -> Result<String, Error> {
    let share = decimal(value)?;
    let whole = share.round();
    Ok(if share > Decimal::ZERO && whole.is_zero() {
        "<1%".into()
    } else if share < Decimal::ONE_HUNDRED && whole == Decimal::ONE_HUNDRED {
        ">99%".into()
    } else {
        format!("{}%", grouped(whole))
    })
}

/// `3|plural("line")` is `3 lines`; the second word is for plurals that do not end in s.
fn plural(count: &Value, one: &str, many: Option<&str>) -> Result<String, Error> {
    let count = decimal(count)?;
    let word = if count == Decimal::ONE { one.to_owned() } else { many.map_or_else(|| format!("{one}s"), str::to_owned) };
    Ok(format!("{} {word}", grouped(count)))
}

/// A time relative to the page's own, with the exact one as title; a script keeps it fresh.
fn when(state: &State, value: &str) -> Result<Value, Error> {
    let at = stamp(value)?;
    let now = state.lookup("page").and_then(|page| page.get_attr("now").ok()).and_then(|now| stamp(now.as_str()?).ok());
    let shown = now.map_or_else(|| absolute(at), |now| relative(at, now));
    Ok(Value::from_safe_string(format!(
        r#"<time datetime="{}" title="{}">{shown}</time>"#,
        at.format("%Y-%m-%dT%H:%M:%SZ"),
        absolute(at)
    )))
}

fn relative(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let apart = if at > now { at - now } else { now - at };
    let amount = if apart < TimeDelta::seconds(45) {
        return "just now".into();
    } else if apart < TimeDelta::minutes(60) {
        format!("{} min", apart.num_minutes().max(1))
    } else if apart < TimeDelta::hours(36) {
        format!("{} h", apart.num_hours())
    } else if apart < TimeDelta::days(14) {
        format!("{} days", (apart.num_hours() + 12) / 24)
    } else {
        return at.format("%-d %b %Y").to_string();
    };
    if at > now { format!("in {amount}") } else { format!("{amount} ago") }
}

fn absolute(at: DateTime<Utc>) -> String {
    at.format("%-d %b %Y, %H:%M UTC").to_string()
}

fn stamp(text: &str) -> Result<DateTime<Utc>, Error> {
    DateTime::parse_from_rfc3339(text).map(|at| at.to_utc()).map_err(|_| unusable("a time", text))
}

fn day(text: &str) -> Result<NaiveDate, Error> {
    NaiveDate::parse_from_str(text, "%Y-%m-%d").or_else(|_| stamp(text).map(|at| at.date_naive()))
}

/// `PICK_FACE` as `Pick face`.
fn label(code: &str) -> String {
    // People's names do not follow the rule.
    match code {
        "DURBIN_WATSON" => return "Durbin–Watson".into(),
        "HOLM_BONFERRONI" => return "Holm–Bonferroni".into(),
        "MANN_KENDALL" => return "Mann–Kendall".into(),
        "MANN_WHITNEY" => return "Mann–Whitney".into(),
        "OBRIEN_FLEMING" => return "O’Brien–Fleming".into(),
        "SHAPIRO_WILK" => return "Shapiro–Wilk".into(),
        _ => {}
    }
    let text = code.replace(['_', '.'], " ").to_lowercase();
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// A form field's name as an id: `lines[0].quantity` becomes `f-lines-0-quantity`.
fn field_id(name: &str) -> String {
    let words: Vec<_> = name.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| !word.is_empty()).collect();
    format!("f-{}", words.join("-"))
}

/// A value for a query string.
fn encoded(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn initials(name: &str) -> String {
    name.split_whitespace().filter_map(|word| word.chars().next()).take(2).flat_map(char::to_uppercase).collect()
}

/// The message for one field of `crate::view::Errors`; none when the field is fine.
fn problem_of(errors: &Value, field: &str) -> Result<Value, Error> {
    for problem in errors.get_attr("fields")?.try_iter()? {
        if problem.get_attr("field")?.as_str() == Some(field) {
            return problem.get_attr("message");
        }
    }
    Ok(Value::from(()))
}

fn unusable(what: &str, text: &str) -> Error {
    Error::new(ErrorKind::InvalidOperation, format!("{text:?} is not {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_trimmed() {
        let cases = [
            ("0", "0"),
            ("999", "999"),
            ("1000", "1,000"),
            ("1234567.500000", "1,234,567.5"),
            ("-0.250", "−0.25"),
            ("-1200", "−1,200"),
            ("0.0000004", "0"),
        ];
        for (given, shown) in cases {
            assert_eq!(number(&Value::from(given)).unwrap(), shown);
        }
        assert_eq!(number(&Value::from(12_345)).unwrap(), "12,345");
        assert_eq!(number(&Value::from(0.125)).unwrap(), "0.125");
        assert_eq!(number(&Value::from(-0.0)).unwrap(), "0");
        assert!(number(&Value::from("many")).is_err());
    }

    #[test]
    fn percent_does_not_round_to_nothing_or_all() {
        for (given, shown) in [(0.0, "0%"), (0.2, "<1%"), (62.5, "62%"), (99.7, ">99%"), (100.0, "100%"), (104.2, "104%")] {
            assert_eq!(percent(&Value::from(given)).unwrap(), shown);
        }
    }

    #[test]
    fn times_are_told_from_the_pages_own() {
        let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let cases = [
            (TimeDelta::seconds(-20), "just now"),
            (TimeDelta::seconds(-59), "1 min ago"),
            (TimeDelta::minutes(25), "in 25 min"),
            (TimeDelta::hours(-5), "5 h ago"),
            (TimeDelta::hours(-47), "2 days ago"),
            (TimeDelta::days(-40), "5 Oct 2023"),
        ];
        for (offset, shown) in cases {
            assert_eq!(relative(now + offset, now), shown);
        }
    }

    #[test]
    fn words_are_made_of_names() {
        assert_eq!(plural(&Value::from(1), "line", None).unwrap(), "1 line");
        assert_eq!(plural(&Value::from(1200), "entry", Some("entries")).unwrap(), "1,200 entries");
        assert_eq!(label("PENDING_INSPECTION"), "Pending inspection");
        assert_eq!(field_id("lines[12].expires_on"), "f-lines-12-expires_on");
        assert_eq!(encoded("A&B 1/2é"), "A%26B%201%2F2%C3%A9");
        assert_eq!(initials("ada king lovelace"), "AK");
    }
}
