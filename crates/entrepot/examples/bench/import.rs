//! Import of 32,951 real products (ENTREPOT_DATA), or as many of our own making.

use std::fmt::Write as _;
use std::io::Cursor;
use std::time::Instant;

use kernel::TenantId;
use platform::auth::Actor;
use platform::imports::{self, Options, Source};
use platform::tabular::{Limits, Units};

use crate::harness::{Server, real_data};
use crate::report;

const ROWS: usize = 32_951;

pub async fn run() {
    let server = Server::start().await;
    server.admin().await;
    let (name, bytes, map) = match real_data("olist/olist_products_dataset.csv.zst") {
        Some(path) => ("32,951 real products", std::fs::read(path).expect("a readable file"), OLIST),
        None => ("32,951 made-up products", made_up(), ""),
    };
    let started = Instant::now();
    let report_line = apply_mapped(&server, "items", bytes, None, map).await;
    let took = started.elapsed().as_secs_f64();
    report(&format!("import of {name} ({report_line})"), format!("{took:.2} s"), "< 20 s", took < 20.0);
}

const OLIST: &str = "code=product_id,name=product_id,category=product_category_name,weight=product_weight_g,\
                     length=product_length_cm,height=product_height_cm,width=product_width_cm";

fn made_up() -> Vec<u8> {
    let mut text = String::from("code,name,category,length_cm,width_cm,height_cm,weight_g\n");
    for n in 0..ROWS {
        writeln!(text, "P-{n:05},Product {n},c{},{},{},{},{}", n % 70, 10 + n % 50, 5 + n % 30, 2 + n % 20, 50 + n % 5000)
            .expect("a string takes it");
    }
    text.into_bytes()
}

pub async fn apply(server: &Server, kind: &str, bytes: Vec<u8>, facility: Option<&str>) {
    apply_mapped(server, kind, bytes, facility, "").await;
}

async fn apply_mapped(server: &Server, kind: &str, bytes: Vec<u8>, facility: Option<&str>, map: &str) -> String {
    let tenant: TenantId = "acme".parse().expect("a tenant name");
    let actor = Actor::system(tenant, server.app.env.clone(), "bench");
    let importers = entrepot::wiring::importers();
    let importer = importers.iter().find(|importer| importer.kind() == kind).expect("a known kind");
    let options = Options {
        map: Options::parse_map(map).expect("a well-formed map"),
        units: Units::default(),
        facility: facility.map(str::to_owned),
        skip_bad: true,
        dry_run: false,
    };
    let source = Source { name: format!("{kind}.csv"), content: Box::new(Cursor::new(bytes)), limits: Limits::FILE };
    let done =
        imports::run_import(&server.app, &actor, importer.as_ref(), source, &options, &|_| {}).await.expect("the import runs");
    format!("{} created, {} bad rows", done.created, done.rows_bad)
}
