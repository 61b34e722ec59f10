use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use kernel::{LengthUnit, MassUnit, TenantId, VolumeUnit};
use platform::auth::Actor;
use platform::config::Config;
use platform::imports::{self, Options, Report, Source};
use platform::tabular::{Limits, Units};

use crate::connect::Connected;
use crate::wiring;

#[derive(Args)]
pub struct Import {
    /// What the file holds: items, locations, stock, movements or orders.
    kind: String,
    /// CSV, plain or compressed (.gz, .zst).
    file: PathBuf,
    /// Whose it is; may be left out while there is only one tenant.
    #[arg(long)]
    tenant: Option<TenantId>,
    /// Id or code of the facility that the locations or orders belong to; for stock and movements the code that bare location codes are of.
    #[arg(long)]
    facility: Option<String>,
    /// Our column names for theirs: code=product_id,name=title
    #[arg(long, value_name = "OUR=THEIRS,…", default_value = "")]
    map: String,
    /// Unit of length columns whose header names none: mm, cm, m, in, ft.
    #[arg(long)]
    length_unit: Option<String>,
    /// Unit of weight columns whose header names none: g, kg, lb, oz, t.
    #[arg(long)]
    weight_unit: Option<String>,
    /// Unit of volume columns whose header names none: cm3, l, m3, ft3, in3.
    #[arg(long)]
    volume_unit: Option<String>,
    /// Take the good rows although others are bad.
    #[arg(long)]
    skip_bad: bool,
    /// Check everything, keep nothing.
    #[arg(long)]
    dry_run: bool,
}

pub async fn run(config: Config, import: Import) -> anyhow::Result<ExitCode> {
    let options = import.options()?;
    let content = std::fs::File::open(&import.file).with_context(|| format!("{} cannot be read", import.file.display()))?;
    let name = import.file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let source = Source { name, content: Box::new(content), limits: Limits::FILE };
    let connected = Connected::open(&config, "import").await?;
    let outcome = load(&connected, config, &import, source, &options).await;
    connected.close().await;
    let report = outcome?;
    print(&report);
    Ok(if report.applied || report.rows_bad == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Import {
    fn options(&self) -> anyhow::Result<Options> {
        let map = Options::parse_map(&self.map).context("--map")?;
        let units = Units {
            length_unit: self.length_unit.as_deref().map(LengthUnit::parse).transpose().context("--length-unit")?,
            weight_unit: self.weight_unit.as_deref().map(MassUnit::parse).transpose().context("--weight-unit")?,
            volume_unit: self.volume_unit.as_deref().map(VolumeUnit::parse).transpose().context("--volume-unit")?,
        };
        Ok(Options { map, units, dry_run: self.dry_run, skip_bad: self.skip_bad, facility: self.facility.clone() })
    }
}

async fn load(
    connected: &Connected,
    config: Config,
    import: &Import,
    source: Source,
    options: &Options,
) -> anyhow::Result<Report> {
    connected.migrations().up().await?;
    let tenant = match &import.tenant {
        Some(tenant) => tenant.clone(),
        None => only_tenant(connected).await?,
    };
    let (app, _) = wiring::app(config, connected)?;
    if !app.db.read(&tenant, async |connection| identity::service::tenant_exists(connection, &tenant).await).await? {
        bail!("--tenant: there is no tenant {tenant}; make it with `entrepot token create --tenant {tenant} --role ADMIN`");
    }
    let actor = Actor::system(tenant, app.env.clone(), "command line");
    let importers = wiring::importers();
    let Some(importer) = importers.iter().find(|importer| importer.kind() == import.kind) else {
        let kinds: Vec<_> = importers.iter().map(|importer| importer.kind()).collect();
        bail!("kind: must be one of {}", kinds.join(", "));
    };
    let style =
        ProgressStyle::with_template("{bar:40} {human_pos}/{human_len} rows, {eta} left").expect("the template is well-formed");
    let bar = ProgressBar::new(0).with_style(style);
    let report = imports::run_import(&app, &actor, importer.as_ref(), source, options, &|progress| {
        bar.set_length(progress.rows_total);
        bar.set_position(progress.rows_done);
    })
    .await;
    bar.finish_and_clear();
    Ok(report?)
}

async fn only_tenant(connected: &Connected) -> anyhow::Result<TenantId> {
    let mut connection = connected.migrations().connect().await?;
    let tenants = identity::service::tenant_ids(&mut connection).await?;
    match tenants.as_slice() {
        [one] => Ok(one.clone()),
        [] => bail!("there is no tenant yet; make one with `entrepot token create --tenant NAME --role ADMIN`"),
        many => bail!("--tenant: name one of {}", many.iter().map(TenantId::as_str).collect::<Vec<_>>().join(", ")),
    }
}

fn print(report: &Report) {
    for note in &report.notes {
        println!("note: {note}");
    }
    for bad in &report.bad {
        let column = bad.column.as_deref().map_or_else(String::new, |column| format!(", column {column}"));
        println!("line {}{column}: {:?} {}; {}", bad.line, bad.value, bad.reason, bad.mend);
    }
    if report.bad.len() == imports::BAD_CELLS_KEPT {
        println!("… the first {} faults; {} rows are bad in all", imports::BAD_CELLS_KEPT, report.rows_bad);
    }
    let verdict = match (report.applied, report.dry_run) {
        (true, _) => "imported",
        (false, true) => "dry run, nothing kept",
        (false, false) => "nothing imported; mend the rows above, or take the good ones with --skip-bad",
    };
    println!(
        "{verdict}: {} rows, {} created, {} updated, {} unchanged, {} bad, in {:.1} s",
        report.rows_total,
        report.created,
        report.updated,
        report.unchanged,
        report.rows_bad,
        report.milliseconds as f64 / 1000.0
    );
}
