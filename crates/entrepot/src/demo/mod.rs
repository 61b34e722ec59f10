//! A filled tenant to try things on: a facility with 480 bins, 240 items, stock, two months of shipped orders, six weeks of
//! deliveries that were put away, orders that wait, and a delivery of 50 lines.

mod past;

use std::fmt::Write as _;
use std::io::Cursor;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Days, TimeDelta, Utc};
use identity::{NewUser, Password, PasswordReset, TokenFilter, UserFilter};
use inventory::{MovementRequest, NumberText};
use kernel::{ErrorCode, PageRequest, Quantity, TenantId};
use platform::auth::{Actor, Role};
use platform::database::Tx;
use platform::imports::{self, Options, Source};
use platform::tabular::Limits;
use platform::{App, Result};
use warehouse::slotting::{OfFacility, service as slotting};
use warehouse::{
    ConfirmLine, ConfirmPicks, MoveTaskKind, NewFacility, NewOrder, NewOrderLine, NewReceipt, NewReceiptLine, NewTaskInput,
    ProposeTasks, ReleaseOrder,
};

use crate::wiring;

const TENANT: &str = "demo";
const EMAIL: &str = "admin@demo.example";
const FACILITY: &str = "facility-prod-123";
const AISLES: usize = 6;
const BAYS: usize = 10;
const LEVELS: usize = 4;
const DELIVERY: &str = "PO-1001";
const TOKEN: &str = "demo";
const DELIVERY_LINES: usize = 50;
/// Of history; each has so many orders.
const PAST_DAYS: usize = 60;
const ORDERS_A_DAY: usize = 8;
const WAITING_ORDERS: usize = 6;

/// How to get into the demo tenant. Made anew at each start: there is no default password.
pub struct Credentials {
    pub email: String,
    pub password: String,
    pub token: String,
}

/// Fills the tenant when it is empty, and prints how to get in.
pub async fn prepare(app: &App, address: &str) -> Result<()> {
    eprintln!("  Filling the demo warehouse ...");
    let credentials = fill(app).await?;
    eprintln!(
        "\n  Entrepot is ready.\n\n    Open      {address}\n    Sign in   {}\n    Password  {}\n    API token {}\n\n  \
         A delivery of 50 lines waits under Receiving. Try: curl -H \"Authorization: Bearer $TOKEN\" '{address}/api/v1/inventory/items?limit=1'\n  \
         Stop with ^C; the data stays.\n",
        credentials.email, credentials.password, credentials.token
    );
    Ok(())
}

/// Fills the tenant when it is empty; makes a new password and a new token in any case.
pub async fn fill(app: &App) -> Result<Credentials> {
    let tenant: TenantId = TENANT.parse().map_err(platform::Error::from)?;
    let actor = Actor::system(tenant.clone(), app.env.clone(), "demo");
    let mut tx = app.db.begin(&tenant).await?;
    wiring::ensure_tenant(&mut tx, &actor, &tenant, "Demo Warehouse").await?;
    let password = readable_secret(app);
    sign_in_for(&mut tx, &actor, &password).await?;
    let token = fresh_token(&mut tx, &actor).await?;
    tx.commit().await?;
    stock_up(app, &actor).await?;
    Ok(Credentials { email: EMAIL.into(), password, token })
}

fn readable_secret(app: &App) -> String {
    URL_SAFE_NO_PAD.encode(app.env.random_bytes::<12>())
}

async fn sign_in_for(tx: &mut Tx, actor: &Actor, password: &str) -> Result<()> {
    let password = Some(Password::from(password.to_owned()));
    let known = identity::service::list_users(
        tx,
        actor,
        &UserFilter { q: Some(EMAIL.into()), ..UserFilter::default() },
        &PageRequest::default(),
    )
    .await?;
    if known.items.iter().any(|user| user.email == EMAIL) {
        identity::service::reset_password(tx, actor, EMAIL, &PasswordReset { new_password: password }).await?;
    } else {
        let user = NewUser { email: EMAIL.into(), name: "Alex Demo".into(), role: Role::Admin, password };
        identity::service::create_user(tx, actor, &user).await?;
    }
    Ok(())
}

/// The token of an earlier start ends, so that they do not pile up.
async fn fresh_token(tx: &mut Tx, actor: &Actor) -> Result<String> {
    let filter = TokenFilter { active: Some(true), ..TokenFilter::default() };
    let earlier = identity::service::list_tokens(tx, actor, &filter, &PageRequest::default()).await?;
    for token in earlier.items.iter().filter(|token| token.name == TOKEN) {
        identity::service::revoke_token(tx, actor, token.token_id).await?;
    }
    wiring::machine_token(tx, actor, Role::Admin, TOKEN).await
}

/// Through the same doors as any user: imports for items and locations, movements for stock, an expected delivery. The
/// delivery comes last, with the stock: while it is missing, an earlier start was interrupted and the filling goes on.
async fn stock_up(app: &App, actor: &Actor) -> Result<()> {
    let mut tx = app.db.begin(actor.tenant()).await?;
    if exists(warehouse::receipts::get(&mut tx, actor, DELIVERY).await)? {
        return Ok(());
    }
    if !exists(warehouse::facilities::get(&mut tx, actor, FACILITY).await)? {
        let facility = NewFacility { code: FACILITY.into(), name: "Main warehouse".into() };
        warehouse::facilities::create(&mut tx, actor, &facility).await?;
    }
    tx.commit().await?;
    import(app, actor, "items", items_csv(), None).await?;
    import(app, actor, "locations", locations_csv(), Some(FACILITY)).await?;
    import(app, actor, "orders", past_orders_csv(app), Some(FACILITY)).await?;
    past::live_through(app, actor.tenant()).await?;
    let mut tx = app.db.begin(actor.tenant()).await?;
    waiting_orders(app, &mut tx, actor).await?;
    warehouse::receipts::create(&mut tx, actor, &delivery(app)).await?;
    look_back(app, &mut tx, actor).await?;
    tx.commit().await?;
    // Else the dashboards would know nothing of it before the clock's next tenth minute, and the statistics before tomorrow.
    warehouse::utilizations::refresh(app).await?;
    warehouse::statistics::run(app).await.map(drop)
}

/// What is done each night, for the first morning; the model is trained as soon as the server runs.
async fn look_back(app: &App, tx: &mut Tx, actor: &Actor) -> Result<()> {
    let switches = app.config.switches();
    let here = OfFacility { facility: FACILITY.into() };
    slotting::analyse(tx, actor, switches.sku_affinity, &here).await?;
    if switches.ml_model {
        warehouse::learning::service::train(tx, actor, &switches).await?;
    }
    Ok(())
}

/// Orders that are open, the first of them on a pick list with one line picked, and a move that somebody proposes.
async fn waiting_orders(app: &App, tx: &mut Tx, actor: &Actor) -> Result<()> {
    for number in 0..WAITING_ORDERS {
        let lines = (0..2 + number % 4).map(|line| NewOrderLine {
            item: wanted_item(number * 7 + line * 5),
            quantity: (1 + (number + line) % 4).to_string(),
            unit: None,
        });
        let order = NewOrder {
            facility: FACILITY.into(),
            code: Some(format!("SO-{}", 2001 + number)),
            customer: Some(CUSTOMERS[number % CUSTOMERS.len()].into()),
            due_at: Some(app.env.now() + TimeDelta::hours(4 + 9 * i64::try_from(number).unwrap_or(0))),
            urgent: number == 1,
            draft: number + 1 == WAITING_ORDERS,
            lines: lines.collect(),
        };
        warehouse::orders::create(tx, actor, &order).await?;
    }
    let to_stage = ReleaseOrder { to: Some("STAGE-1".into()), whole: false };
    let released = warehouse::picks::release(tx, actor, "SO-2001", &to_stage).await?;
    let first = released.pick_list.lines.iter().flatten().next();
    let picked = first.map(|line| ConfirmLine { line_id: line.line_id, ..ConfirmLine::default() });
    let picked = ConfirmPicks { confirm_all: false, lines: picked.into_iter().collect() };
    warehouse::picks::confirm(tx, actor, &released.pick_list.code, &picked).await?;
    let task = NewTaskInput {
        kind: MoveTaskKind::Replenishment,
        item: item_code(0, 0),
        lot_number: Some("OPEN-000".into()),
        quantity: "2".into(),
        unit: None,
        from: bin_code(0, 0, 0, 0),
        to: bin_code(0, 0, 0, 1),
        reason: Some("keep the reserve together".into()),
    };
    let proposed = ProposeTasks { facility: FACILITY.into(), tasks: vec![task] };
    warehouse::move_tasks::create(tx, actor, &proposed).await.map(drop)
}

fn exists<T>(found: Result<T>) -> Result<bool> {
    match found {
        Ok(_) => Ok(true),
        Err(error) if error.code == ErrorCode::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

async fn import(app: &App, actor: &Actor, kind: &str, csv: String, facility: Option<&str>) -> Result<()> {
    let importers = wiring::importers();
    let importer = importers.iter().find(|importer| importer.kind() == kind).expect("the demo imports kinds that exist");
    let options = Options { facility: facility.map(str::to_owned), ..Options::default() };
    let source =
        Source { name: format!("demo-{kind}.csv"), content: Box::new(Cursor::new(csv.into_bytes())), limits: Limits::FILE };
    let report = imports::run_import(app, actor, importer.as_ref(), source, &options, &|_| {}).await?;
    if report.applied {
        return Ok(());
    }
    let first = report.bad.first().map_or_else(String::new, |bad| format!("line {}: {} {}", bad.line, bad.value, bad.reason));
    Err(platform::Error::internal(format!("the demo's own {kind} are not acceptable: {first}")))
}

/// A family of goods: category, noun, length, width, height in mm, weight in g, class, shelf life in days.
type Family = (&'static str, &'static str, u32, u32, u32, u32, &'static str, Option<u32>);

const FAMILIES: [Family; 12] = [
    ("Coffee", "Coffee beans 1 kg", 120, 80, 260, 1020, "A", Some(365)),
    ("Coffee", "Coffee filters 100 pcs", 180, 60, 150, 240, "B", None),
    ("Tea", "Tea 50 bags", 160, 80, 90, 180, "A", Some(540)),
    ("Dairy", "Oat drink 6 x 1 l", 300, 200, 240, 6400, "A", Some(180)),
    ("Cleaning", "Dishwasher tablets", 200, 120, 250, 1800, "B", None),
    ("Cleaning", "Descaler 500 ml", 80, 80, 230, 560, "C", None),
    ("Paper", "Kitchen rolls 4 pcs", 250, 250, 240, 950, "B", None),
    ("Paper", "Paper cups 50 pcs", 90, 90, 450, 380, "A", None),
    ("Machines", "Espresso machine", 420, 300, 380, 9800, "C", None),
    ("Machines", "Grinder", 260, 180, 400, 4200, "C", None),
    ("Glass", "Glass set 6 pcs", 280, 190, 140, 1650, "B", None),
    ("Spare parts", "Seal kit", 60, 60, 20, 45, "C", None),
];
const VARIANTS: usize = 20;

fn item_code(family: usize, variant: usize) -> String {
    format!("{}-{:03}", FAMILIES[family].0[..2].to_uppercase(), family * 100 + variant)
}

fn items_csv() -> String {
    let mut csv = String::from(
        "code,name,category,length_mm,width_mm,height_mm,weight_g,abc_class,picks_per_day,shelf_life_days,lot_tracked,barcode\n",
    );
    for (family, (category, noun, length, width, height, weight, class, shelf_life)) in FAMILIES.iter().enumerate() {
        for variant in 0..VARIANTS {
            let (grow, picks) = (u32::try_from(variant).unwrap_or(0), (VARIANTS - variant) * if *class == "A" { 4 } else { 1 });
            let days = shelf_life.map_or_else(String::new, |days| days.to_string());
            writeln!(
                csv,
                "{},{noun} no. {},{category},{},{width},{},{},{class},{picks},{days},{},{}",
                item_code(family, variant),
                variant + 1,
                length + grow * 2,
                height + grow,
                weight + grow * 5,
                if shelf_life.is_some() { "yes" } else { "no" },
                ean13(family * 100 + variant),
            )
            .expect("a string takes it");
        }
    }
    csv.push_str("material-test-001,Test material,Test,300,200,200,500,A,10,,no,\n");
    csv
}

/// A barcode of the range that GS1 leaves to companies' own use (20 to 29), with its check digit.
fn ean13(number: usize) -> String {
    let body = format!("20{number:010}");
    let sum: usize =
        body.bytes().enumerate().map(|(place, digit)| usize::from(digit - b'0') * if place % 2 == 0 { 1 } else { 3 }).sum();
    format!("{body}{}", (10 - sum % 10) % 10)
}

fn bin_code(aisle: usize, side: usize, bay: usize, level: usize) -> String {
    format!("{}{}-{:02}-{}", char::from(b'A' + u8::try_from(aisle).unwrap_or(0)), ["L", "R"][side], bay + 1, level + 1)
}

/// Six aisles with two sides, ten bays and four levels: 2.7 m from aisle to aisle, bays of 1.3 m, levels of 0.9 m.
fn locations_csv() -> String {
    let mut csv = String::from(
        "code,type,zone,aisle,rack,shelf,length_mm,width_mm,height_mm,max_weight_kg,abc_class,pick_sequence,x_mm,y_mm,z_mm,mixing_policy\n",
    );
    let mut sequence = 0;
    for aisle in 0..AISLES {
        for bay in 0..BAYS {
            for side in 0..2 {
                for level in 0..LEVELS {
                    sequence += 1;
                    let kind = if level == 0 { "PICK_FACE" } else { "RESERVE" };
                    let class = ["A", "A", "B", "B", "C", "C"][aisle];
                    let (x, y, z) = (3000 + aisle * 2700 + side * 1600, 4000 + bay * 1300, level * 900);
                    let policy = if level == 0 { "SINGLE_ITEM" } else { "ANY" };
                    let name = bin_code(aisle, side, bay, level);
                    let aisle = char::from(b'A' + u8::try_from(aisle).unwrap_or(0));
                    writeln!(
                        csv,
                        "{name},{kind},AMBIENT,{aisle},{:02},{},1200,800,850,400,{class},{sequence},{x},{y},{z},{policy}",
                        bay + 1,
                        level + 1
                    )
                    .expect("a string takes it");
                }
            }
        }
    }
    for (name, kind, x, y) in [
        ("DOCK-1", "RECEIVING", 3000, 500),
        ("DOCK-2", "RECEIVING", 6000, 500),
        ("STAGE-1", "STAGING", 9000, 500),
        ("PACK-1", "PACKING", 12000, 500),
        ("SHIP-1", "SHIPPING", 15000, 500),
        ("HOLD-1", "QUARANTINE", 18000, 500),
        ("RET-1", "RETURNS", 18000, 1800),
    ] {
        writeln!(csv, "{name},{kind},DOCK,,,,6000,4000,3000,20000,C,,{x},{y},0,ANY").expect("a string takes it");
    }
    csv
}

/// Stock in about six of ten bins, never more than fits.
fn opening_stock(at: DateTime<Utc>) -> Vec<MovementRequest> {
    let expires = |days: u32| (at + TimeDelta::days(i64::from(days))).date_naive().to_string();
    let mut movements = Vec::new();
    for number in 0..AISLES * BAYS * 2 * LEVELS {
        if number * 7 % 10 >= 6 {
            continue;
        }
        let (family, variant) = (number % FAMILIES.len(), number / FAMILIES.len() % VARIANTS);
        let (_, _, length, width, height, weight, _, shelf_life) = FAMILIES[family];
        let by_volume = 1200 * 800 * 850 * 7 / 10 / (u64::from(length + 40) * u64::from(width) * u64::from(height + 20));
        let by_weight = 380_000 / u64::from(weight + 100);
        let quantity = (by_volume.min(by_weight).min(160) * (3 + number as u64 % 8) / 10).max(1);
        let (aisle, rest) = (number / (BAYS * 2 * LEVELS), number % (BAYS * 2 * LEVELS));
        let place = bin_code(aisle, rest / LEVELS % 2, rest / (2 * LEVELS), rest % LEVELS);
        movements.push(MovementRequest {
            kind: "RECEIPT".into(),
            item: item_code(family, variant),
            quantity: NumberText(quantity.to_string()),
            to: Some(format!("{FACILITY}/{place}")),
            lot: shelf_life.map(|_| format!("OPEN-{family}{variant:02}")),
            expires_on: shelf_life.map(|days| expires(days / 3 + u32::try_from(variant).unwrap_or(0))),
            reference: Some("opening stock".into()),
            ..MovementRequest::default()
        });
    }
    movements
}

const CUSTOMERS: [&str; 5] = ["Café Nordwind", "Hotel am Hafen", "Kantine 12", "Bäckerei Lindner", "Büro Berg"];

/// Items are wanted unevenly, as in any shop: the further down the list of variants, the less.
fn wanted(number: usize) -> (usize, usize) {
    let (family, rank) = (number % FAMILIES.len(), number * 31 % 100);
    (family, rank * rank * VARIANTS / 10_000)
}

fn wanted_item(number: usize) -> String {
    let (family, variant) = wanted(number);
    item_code(family, variant)
}

fn past_orders_csv(app: &App) -> String {
    let mut csv = String::from("order,item,quantity,customer,shipped_at\n");
    for number in 0..PAST_DAYS * ORDERS_A_DAY {
        let (day, turn) = (number / ORDERS_A_DAY, number % ORDERS_A_DAY);
        let hours = i64::try_from((PAST_DAYS - day) * 24 - turn).unwrap_or(24);
        let at = (app.env.now() - TimeDelta::hours(hours)).format("%Y-%m-%d %H:%M:%S");
        for line in 0..1 + number * 13 % 5 {
            let (item, customer) = (wanted_item(number * 17 + line * 29), CUSTOMERS[number % CUSTOMERS.len()]);
            writeln!(csv, "SO-{:04},{item},{},{customer},{at}", 1 + number, 1 + (number + line) % 6).expect("a string takes it");
        }
    }
    csv
}

fn delivery(app: &App) -> NewReceipt {
    let lines = (0..DELIVERY_LINES).map(|line| {
        let (family, variant) = (line % FAMILIES.len(), line * 3 % VARIANTS);
        let shelf_life = FAMILIES[family].7;
        NewReceiptLine {
            item: item_code(family, variant),
            lot_number: shelf_life.map(|_| format!("LOT-{line:03}")),
            expires_on: shelf_life.and_then(|days| app.env.now().date_naive().checked_add_days(Days::new(u64::from(days)))),
            expected: Quantity::from(u32::try_from(6 + line * 5 % 30).unwrap_or(6)),
            unit: None,
        }
    });
    NewReceipt {
        facility: FACILITY.into(),
        code: Some(DELIVERY.into()),
        supplier: "Nordic Roasters".into(),
        expected_at: Some(app.env.now() + TimeDelta::hours(2)),
        lines: lines.collect(),
    }
}
