//! One or more views per template, with what the pages must cope with: long names, markup in names, nothing at all, refused forms.

mod between;
mod demand;
mod goods;
mod history;
mod learning;
mod pieces;
mod promises;
mod quality;
mod slotting;
pub mod statistics;
mod work;

use chrono::{DateTime, Days, TimeDelta, Utc};
use serde_json::json;

use super::*;
use crate::engine::Engine;

/// A page as it would be sent: `name` is unique, for instance `items-empty`.
pub struct Sample {
    pub name: &'static str,
    pub template: &'static str,
    pub html: String,
}

pub struct Samples {
    engine: Engine,
    pub all: Vec<Sample>,
}

impl Samples {
    pub fn render() -> Self {
        let mut samples = Self { engine: Engine::new(), all: Vec::new() };
        samples.overview();
        samples.people();
        samples.records();
        samples.status();
        goods::add(&mut samples);
        history::add(&mut samples);
        learning::add(&mut samples);
        work::add(&mut samples);
        between::add(&mut samples);
        demand::add(&mut samples);
        pieces::add(&mut samples);
        promises::add(&mut samples);
        quality::add(&mut samples);
        statistics::add(&mut samples);
        slotting::add(&mut samples);
        samples
    }

    fn add<V: View>(&mut self, name: &'static str, view: &V) {
        let html = self.engine.render(view).unwrap_or_else(|error| panic!("{name}: {:?}", error.source)).0;
        self.all.push(Sample { name, template: V::TEMPLATE, html });
    }

    fn overview(&mut self) {
        let entry = |title: &str, detail: &str, count, href: &str, icon, tone| Attention {
            title: title.into(),
            detail: detail.into(),
            count,
            href: href.into(),
            icon,
            tone,
        };
        let figure = |label: &str, value: &str, hint: &str, href: &str| Figure {
            label: label.into(),
            value: value.into(),
            hint: hint.into(),
            href: href.into(),
        };
        let activity = |minutes, actor: &str, text: &str, href: Option<&str>| Activity {
            at: ago(minutes),
            actor: actor.into(),
            text: text.into(),
            href: href.map(str::to_owned),
        };
        let step = |title: &str, detail: &str, is_done| Step {
            title: title.into(),
            detail: detail.into(),
            href: "/imports".into(),
            is_done,
        };
        let figures = || {
            vec![
                figure("Items", "1,204", "38 inactive", "/items"),
                figure("In stock", "86,410", "units in 612 locations", "/locations"),
                figure("Locations used", "61%", "of 1,000", "/locations"),
                figure("Put away today", "148", "lines, 92% as recommended", "/movements"),
            ]
        };
        self.add(
            "overview",
            &Overview {
                page: page("Overview", "/"),
                attention: vec![
                    entry(
                        "Deliveries to receive",
                        "RCV-2041 from Nordwind Handel is 3 h late",
                        4,
                        "/receipts",
                        "receive",
                        "info",
                    ),
                    entry("Lines to put away", "the oldest has waited 2 h", 23, "/putaway", "putaway", "info"),
                    entry("Recommendations expire soon", "in less than 10 minutes", 6, "/putaway", "clock", "warn"),
                    entry("Locations over 95% full", "the fullest is A-03-12-2", 9, "/locations?state=full", "full", "warn"),
                    entry("Lots expire within 30 days", "the first on 2 Dec 2025", 3, "/items", "calendar", "warn"),
                    entry("An import failed", "locations-hall-2.csv", 1, "/imports", "alert", "bad"),
                ],
                figures: figures(),
                activity: vec![
                    activity(2, "Ada Berg", "Put 48 EA of Ceramic mug, blue to A-03-12-2", Some("/locations/A-03-12-2")),
                    activity(14, "Ada Berg", "Received 12 lines of RCV-2040", Some("/receipts/RCV-2040")),
                    activity(190, "Jonas <b>Weiß</b>", "Adjusted 2 EA of Garden hose 25 m, 1/2 inch, missing", None),
                ],
                steps: vec![],
            },
        );
        self.add(
            "overview-new",
            &Overview {
                page: Page {
                    flash: Some(Flash { kind: FlashKind::Done, text: "Welcome. Your organisation is ready.".into() }),
                    ..page("Overview", "/")
                },
                attention: vec![],
                figures: figures(),
                activity: vec![],
                steps: vec![
                    step("Import items", "From a CSV file, or enter the first one by hand.", true),
                    step("Add your locations", "A facility, its aisles and bins.", false),
                    step("Receive a delivery", "Goods arrive, and Entrepot finds them a place.", false),
                ],
            },
        );
    }

    fn people(&mut self) {
        let input =
            SignInInput { email: "ada@example.com".into(), next: "/putaway?facility=BER".into(), ..SignInInput::default() };
        let sign_in = |errors, tenants, notice: Option<&str>| SignIn {
            page: public("Sign in", "/sign-in"),
            input: input.clone(),
            errors,
            tenants,
            notice: notice.map(str::to_owned),
        };
        self.add("sign-in", &SignIn { input: SignInInput::default(), ..sign_in(Errors::none(), vec![], None) });
        let wrong = Errors { summary: Some("The address or the password is wrong.".into()), fields: vec![] };
        self.add(
            "sign-in-refused",
            &sign_in(wrong, vec![Choice::new("acme", "Acme"), Choice::new("berg", "Berg & Co")], Some("Please sign in again.")),
        );
        let setup = |input, errors| Setup { page: public("Welcome", "/setup"), input, errors };
        self.add("setup", &setup(SetupInput::default(), Errors::none()));
        let typed = SetupInput { organisation: "Berg & Co".into(), tenant: "Berg Co".into(), ..SetupInput::default() };
        self.add(
            "setup-refused",
            &setup(typed, refused(&[("tenant", "must be a-z, 0-9 and -"), ("password", "must have at least 10 characters")])),
        );
        let user = |name: &str, email: &str, role: &str, is_active, locked| UserRow {
            href: "/users/1".into(),
            name: name.into(),
            email: email.into(),
            role: role.into(),
            is_active,
            is_self: name.starts_with("Ada"),
            locked_until: if locked { Some(ago(-12)) } else { None },
            last_sign_in_at: is_active.then(|| ago(55)),
        };
        let users = vec![
            user("Ada Berg", "ada@example.com", "ADMIN", true, false),
            user("Jonas Weiß", "jonas@example.com", "STAFF", true, true),
            user("Mina", "mina.the-very-long-address@subsidiary.example.com", "VIEWER", false, false),
        ];
        self.add("users", &UserList { page: page("Users", "/users"), users, can_write: true });
        let roles = || {
            vec![
                Choice::new("VIEWER", "Viewer, looks"),
                Choice::new("STAFF", "Staff, moves goods"),
                Choice::new("ADMIN", "Administrator"),
            ]
        };
        let form = |href: Option<&str>, errors, password: Option<&str>| UserForm {
            page: page(if href.is_some() { "Jonas Weiß" } else { "New user" }, "/users/new"),
            href: href.map(str::to_owned),
            roles: roles(),
            input: UserInput {
                name: "Jonas Weiß".into(),
                email: "jonas@example".into(),
                role: "STAFF".into(),
                ..UserInput::default()
            },
            errors,
            is_active: true,
            is_self: false,
            locked_until: Some(ago(-12)),
            has_second_factor: password.is_some(),
            one_time_password: password.map(str::to_owned),
        };
        self.add("user-new", &form(None, refused(&[("email", "is used by another user")]), None));
        self.add("user-edit", &form(Some("/users/1"), Errors::none(), Some("lantern-copper-otter-91")));
        self.account();
        self.tokens(roles());
    }

    fn account(&mut self) {
        let session = |n: i64, is_page, is_current, program: &str| SessionRow {
            href: format!("/account/sessions/{n}"),
            is_page,
            is_current,
            program: program.into(),
            network: if is_page { "203.0.113.0/24".into() } else { String::new() },
            created_at: ago(n * 90),
            last_used_at: is_page.then(|| ago(n)),
        };
        let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";
        let account = |errors, since| Account {
            page: page("Your account", "/account"),
            email: "ada@example.com".into(),
            errors,
            second_factor_since: since,
            recovery_codes_left: 9,
            sessions: vec![
                session(1, true, true, firefox),
                session(2, false, false, "curl/8.5 <b>"),
                session(3, false, false, ""),
            ],
        };
        self.add("account", &account(Errors::none(), Some(ago(60 * 24 * 3))));
        self.add("account-refused", &account(refused(&[("new_password", "must have at least 10 characters")]), None));
        let code = |errors| CodeStep {
            page: public("Sign in", "/sign-in/code"),
            input: CodeStepInput { ticket: "c2VhbGVk".into(), next: "/putaway".into(), ..CodeStepInput::default() },
            errors,
        };
        self.add("sign-in-code", &code(Errors::none()));
        self.add("sign-in-code-refused", &code(Errors { summary: Some("The code is wrong.".into()), fields: vec![] }));
        let factor = |errors, setup, enabled_at, codes: &[&str]| SecondFactorPage {
            page: page("Second factor", "/account/second-factor"),
            email: "ada@example.com".into(),
            errors,
            enabled_at,
            recovery_codes_left: 1,
            setup,
            recovery_codes: codes.iter().map(|code| (*code).to_owned()).collect(),
        };
        let setup = TotpCodes {
            secret: "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ".into(),
            uri: "otpauth://totp/Entrepot:ada%40example.com?secret=GEZDGNBVGY3TQOJQ&issuer=Entrepot".into(),
            qr: "data:image/svg+xml;base64,PHN2ZyB4bWxucz0iaHR0cDovL3d3dy53My5vcmcvMjAwMC9zdmciLz4=".into(),
        };
        self.add("second-factor-off", &factor(refused(&[("current_password", "must not be empty")]), None, None, &[]));
        self.add("second-factor-setup", &factor(refused(&[("code", "must be six digits")]), Some(setup), None, &[]));
        self.add(
            "second-factor-codes",
            &factor(Errors::none(), None, Some(ago(0)), &["0a1b-2c3d-4e5f-6g7h", "9999-abcd-efgh-jkmn"]),
        );
        self.add("second-factor-on", &factor(refused(&[("code", "is wrong")]), None, Some(ago(600)), &[]));
    }

    fn tokens(&mut self, roles: Vec<Choice>) {
        let token = |name: &str, used: Option<i64>, is_revoked| TokenRow {
            href: "/tokens/1".into(),
            name: name.into(),
            role: "STAFF".into(),
            owner: "Ada Berg".into(),
            created_at: ago(60 * 24 * 40),
            expires_at: used.map(|_| ago(-60 * 24 * 50)),
            last_used_at: used.map(ago),
            is_revoked,
            is_expired: false,
        };
        let list = |tokens, created: Option<&str>| TokenList {
            page: page("API tokens", "/tokens"),
            tokens,
            roles: roles.clone(),
            input: TokenInput { role: "STAFF".into(), days: "90".into(), ..TokenInput::default() },
            errors: Errors::none(),
            created: created.map(str::to_owned),
            can_write: true,
        };
        let some = vec![token("Scale at dock 2", Some(3), false), token("Old ERP bridge", None, true)];
        self.add("tokens", &list(some, Some("ent_7Yb1xw0bq2Kf9LmTz3RrVdQhPn8sJc5uAe6g")));
        self.add("tokens-empty", &list(vec![], None));
    }

    fn records(&mut self) {
        let before = json!({"name": "Mug", "abc_class": "C", "weight_g": 310});
        let after =
            json!({"name": "Ceramic mug, blue", "abc_class": "A", "weight_g": 310, "units": [{"unit": "CASE", "factor": "12"}]});
        let record = |minutes, action: &str, entity: &str, id: &str, changes| AuditRow {
            id: id.into(),
            at: ago(minutes),
            actor: "Ada Berg".into(),
            action: action.into(),
            entity: entity.into(),
            entity_id: id.into(),
            href: Some(format!("/items/{id}")),
            request_id: "8c5d1f0a2b7e4d63".into(),
            changes,
        };
        let list = |records, filter| AuditList {
            page: page("Audit", "/audit"),
            filter,
            entities: vec!["item".into(), "receipt".into()],
            records,
            pager: pager(),
        };
        let records = vec![
            record(3, "item.update", "item", "MUG-BLU", changes(Some(&before), Some(&after))),
            record(9, "user.sign_in", "user", "0192f", vec![]),
        ];
        self.add("audit", &list(records, AuditFilter::default()));
        self.add("audit-none", &list(vec![], AuditFilter { actor: "nobody".into(), ..AuditFilter::default() }));
    }

    fn status(&mut self) {
        let check = |name: &str, state: &str| CheckState { name: name.into(), state: state.into() };
        for (name, status, cache) in
            [("health", "UP", "UP"), ("health-degraded", "DEGRADED", "DEGRADED"), ("health-down", "DOWN", "UNKNOWN")]
        {
            let checks = vec![check("database", "UP"), check("migrations", "UP"), check("cache", cache)];
            self.add(
                name,
                &HealthPage { page: public("Health", "/health.html"), status: status.into(), checks, checked_at: now() },
            );
        }
        let problem = |status, code: &str, detail: &str, mend: &str| ErrorPage {
            page: public("Problem", "/items/none"),
            status,
            code: code.into(),
            title: "something is the matter".into(),
            detail: detail.into(),
            mend: mend.into(),
            fields: vec![],
            request_id: "8c5d1f0a2b7e4d63".into(),
            retry_after_seconds: (status == 503).then_some(2),
        };
        self.add(
            "error-403",
            &problem(
                403,
                "FORBIDDEN",
                "the role VIEWER does not hold the permission users:read",
                "ask an administrator for a role that does",
            ),
        );
        self.add("error-404", &problem(404, "NOT_FOUND", "item \"<none>\" does not exist", "check the id or code"));
        self.add(
            "error-405",
            &problem(
                405,
                "METHOD_NOT_ALLOWED",
                "this address does not take that method",
                "use one of the methods in the Allow header",
            ),
        );
        self.add(
            "error-500",
            &problem(500, "INTERNAL", "something failed on our side", "try again; report the request id when it persists"),
        );
        self.add(
            "error-503",
            &problem(503, "UNAVAILABLE", "the database does not answer", "repeat the request after the given delay"),
        );
        let fields = refused(&[("quantity", "must be greater than 0")]).fields;
        self.add(
            "error-422",
            &ErrorPage { fields, ..problem(422, "INVALID", "1 field is not acceptable", "correct the named fields") },
        );
        self.add("error-401", &problem(401, "SIGN_IN_REQUIRED", "no valid sign-in", "sign in again"));
    }
}

pub fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_763_733_600, 0).unwrap()
}

fn ago(minutes: i64) -> DateTime<Utc> {
    now() - TimeDelta::minutes(minutes)
}

fn in_days(days: u64) -> chrono::NaiveDate {
    (now() + Days::new(days)).date_naive()
}

fn number(text: &str) -> rust_decimal::Decimal {
    text.parse().unwrap()
}

fn page(title: &str, path: &str) -> Page {
    Page {
        title: title.into(),
        path: path.into(),
        theme: Theme::Auto,
        nav: nav(path, |_| true),
        user: User { name: "Ada Berg".into(), role: "ADMIN".into(), tenant_name: "Nordlicht Logistik".into() },
        flash: None,
        key: "0192f0c1-7b6d-7000-8000-000000000001".into(),
        csrf: "c2FsdHNhbHRzYWx0c2FsdA".into(),
        now: now(),
        version: "0.1.0".into(),
    }
}

fn public(title: &str, path: &str) -> PublicPage {
    PublicPage {
        title: title.into(),
        path: path.into(),
        theme: Theme::Auto,
        key: "0192f0c1-7b6d-7000-8000-000000000002".into(),
        now: now(),
        version: "0.1.0".into(),
    }
}

fn pager() -> Pager {
    Pager { first: Some("/x".into()), next: Some("/x?cursor=WyIx".into()) }
}

fn refused(fields: &[(&str, &str)]) -> Errors {
    let fields = fields.iter().map(|(field, message)| kernel::FieldError::new(*field, *message)).collect();
    Errors::from(&platform::Error::invalid(fields))
}

fn facilities() -> Vec<Choice> {
    vec![Choice::new("BER", "Berlin (BER)"), Choice::new("HAM", "Hamburg (HAM)")]
}

fn movements() -> Vec<MovementRow> {
    let row = |minutes, kind: &str, quantity: &str, direction, from: (&str, bool), to: (&str, bool)| MovementRow {
        id: "0192f0c1".into(),
        at: ago(minutes),
        kind: kind.into(),
        item: "MUG-BLU".into(),
        item_name: "Ceramic mug, blue".into(),
        item_href: "/items/MUG-BLU".into(),
        lot: (kind != "ADJUSTMENT").then(|| "L2511-07".into()),
        quantity: number(quantity),
        unit: "EA".into(),
        direction,
        from: from.0.into(),
        from_href: from.1.then(|| format!("/locations/{}", from.0)),
        from_status: "RELEASED".into(),
        to: to.0.into(),
        to_href: to.1.then(|| format!("/locations/{}", to.0)),
        to_status: if kind == "STATUS_CHANGE" { "HOLD".into() } else { "RELEASED".into() },
        reason: if kind == "ADJUSTMENT" { "count".into() } else { String::new() },
        reference: if kind == "RECEIPT" { "RCV-2041".into() } else { String::new() },
        by: "Ada Berg".into(),
    };
    vec![
        row(3, "TRANSFER", "48.000000", 1, ("RCV-01", true), ("A-03-12-2", true)),
        row(25, "STATUS_CHANGE", "12", 0, ("A-03-12-2", true), ("A-03-12-2", true)),
        row(64, "RECEIPT", "1248.500000", 1, ("Supplier", false), ("RCV-01", true)),
        row(3000, "ADJUSTMENT", "2", -1, ("A-03-12-2", true), ("Adjustment", false)),
        row(60_000, "SCRAP", "1", -1, ("A-03-12-2", true), ("Scrap", false)),
    ]
}
