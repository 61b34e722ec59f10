//! Settings: defaults, then `entrepot.toml`, then the environment, then flags. Unknown or contradictory settings refuse to
//! start; the message names the setting and never its value.

use std::fmt;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};
use serde::de::value::SeqAccessDeserializer;
use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::{Error, Hidden, Result};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Addresses for everybody.
    #[serde(deserialize_with = "one_or_several")]
    pub listen: Vec<String>,
    /// Addresses for operators: the same routes plus health details and metrics without a token. Keep them on loopback.
    #[serde(deserialize_with = "one_or_several")]
    pub listen_ops: Vec<String>,
    /// Where the private PostgreSQL and everything else of ours lives.
    pub data_dir: PathBuf,
    /// A PostgreSQL of yours; without it a private one runs in `data_dir`.
    pub database_url: Option<String>,
    /// Folder with `postgres` and `initdb`, when they are not where they usually are.
    pub pg_bin: Option<PathBuf>,
    pub log_format: LogFormat,
    /// A tracing filter such as `info,sqlx=warn`.
    pub log: String,
    /// Set when a proxy in front speaks HTTPS: cookies become Secure and HSTS is sent.
    pub https: bool,
    pub pool_size: u32,
    /// Off, nobody is refused for calling too often.
    pub enable_rate_limiting: bool,
    /// Calls a second of one signed-in user, in the long run.
    pub rate_limit_per_second: u32,
    /// Calls that they may make at once.
    pub rate_limit_burst: u32,
    /// The same for one address that does not sign in, or fails to.
    pub anonymous_limit_per_second: u32,
    pub anonymous_limit_burst: u32,
    /// Attempts to sign in to one account from one address.
    pub sign_in_limit_per_minute: u32,
    /// Proxies in front, as addresses or networks: their X-Forwarded-For is believed.
    #[serde(deserialize_with = "one_or_several")]
    pub trusted_proxies: Vec<String>,
    /// Open event streams (`/events` and `/ws` together) of one user, and of everybody in this process.
    pub streams_per_user: u32,
    pub streams: u32,
    /// Signs access tokens; at least 32 bytes. Without it and without a file, a key is made once and kept in the database.
    pub jwt_secret: Option<Hidden>,
    /// A file with one secret per line: the first signs, all verify. Read again when it changes, and on SIGHUP.
    pub jwt_secret_file: Option<PathBuf>,
    /// How long an access token holds, in milliseconds.
    pub jwt_expiration: u64,
    /// What the secrets of second factors are sealed with; at least 32 bytes. Without it, a key is made once and kept in the
    /// database.
    pub seal_key: Option<Hidden>,
    /// Whether a request that changes something by the session cookie needs the session's token.
    pub enable_csrf_protection: bool,
    /// Connections of clients on all public addresses together; whoever is more waits.
    pub max_connections: u32,
    /// How places for goods are chosen unless a request says otherwise.
    pub bin_optimization_algorithm: Algorithm,
    /// Off, items that are often picked together are not drawn to each other.
    pub sku_affinity_enabled: bool,
    /// Off, received goods that a due order needs are put away like all others.
    pub cross_dock_enabled: bool,
    /// Off, the score of the rules stands alone.
    pub ml_model_enabled: bool,
    /// Off, aisles where much is picked count as any other.
    pub congestion_avoidance_enabled: bool,
    /// Off, capacity failures are not recorded and the daily audit rests.
    pub data_quality_monitoring_enabled: bool,
    /// Off, no statistics are computed.
    pub statistical_analysis_enabled: bool,
    /// A client that takes longer for the head of a request, or takes nothing of its answer for so long, is cut. Also how long
    /// a connection may idle between two requests.
    pub client_timeout_seconds: u32,
}

/// As long as the output of the hash that they key (RFC 7518, section 3.2).
pub const SECRET_MIN_BYTES: usize = 32;
const TOKEN_LIFETIME_MS: RangeInclusive<u64> = 1_000..=30 * 24 * 3600 * 1000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Text,
    Json,
}

/// First fit decreasing, best fit decreasing, a choice between the two by the goods, or the best that can be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Algorithm {
    Ffd,
    Bfd,
    Hybrid,
    Optimal,
}

impl Algorithm {
    pub fn as_str(self) -> &'static str {
        match self {
            Algorithm::Ffd => "FFD",
            Algorithm::Bfd => "BFD",
            Algorithm::Hybrid => "HYBRID",
            Algorithm::Optimal => "OPTIMAL",
        }
    }
}

/// Which parts of the placing of goods are on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Switches {
    pub algorithm: Algorithm,
    pub sku_affinity: bool,
    pub cross_dock: bool,
    pub ml_model: bool,
    pub congestion_avoidance: bool,
    pub data_quality_monitoring: bool,
    pub statistical_analysis: bool,
}

impl Switches {
    /// The settings that are off, by name.
    pub fn off(&self) -> Vec<&'static str> {
        let all = [
            ("SKU_AFFINITY_ENABLED", self.sku_affinity),
            ("CROSS_DOCK_ENABLED", self.cross_dock),
            ("ML_MODEL_ENABLED", self.ml_model),
            ("CONGESTION_AVOIDANCE_ENABLED", self.congestion_avoidance),
            ("DATA_QUALITY_MONITORING_ENABLED", self.data_quality_monitoring),
            ("STATISTICAL_ANALYSIS_ENABLED", self.statistical_analysis),
        ];
        all.into_iter().filter(|(_, is_on)| !is_on).map(|(name, _)| name).collect()
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: vec!["127.0.0.1:8080".into()],
            listen_ops: vec!["127.0.0.1:8081".into()],
            data_dir: default_data_dir(),
            database_url: None,
            pg_bin: None,
            log_format: LogFormat::Text,
            log: "info".into(),
            https: false,
            pool_size: 16,
            enable_rate_limiting: true,
            rate_limit_per_second: 200,
            rate_limit_burst: 2_000,
            anonymous_limit_per_second: 10,
            anonymous_limit_burst: 50,
            sign_in_limit_per_minute: 10,
            trusted_proxies: Vec::new(),
            streams_per_user: 50,
            streams: 5_000,
            jwt_secret: None,
            jwt_secret_file: None,
            jwt_expiration: 15 * 60 * 1000,
            seal_key: None,
            enable_csrf_protection: true,
            max_connections: 4096,
            bin_optimization_algorithm: Algorithm::Optimal,
            sku_affinity_enabled: true,
            cross_dock_enabled: true,
            ml_model_enabled: true,
            congestion_avoidance_enabled: true,
            data_quality_monitoring_enabled: true,
            statistical_analysis_enabled: true,
            client_timeout_seconds: 30,
        }
    }
}

/// A list, or as environments write it: one, or several separated by commas.
fn one_or_several<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    struct Several;

    impl<'de> Visitor<'de> for Several {
        type Value = Vec<String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("one, or several separated by commas")
        }

        fn visit_str<E>(self, text: &str) -> Result<Vec<String>, E> {
            Ok(text.split(',').map(str::trim).filter(|one| !one.is_empty()).map(str::to_owned).collect())
        }

        fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Vec<String>, A::Error> {
            Vec::deserialize(SeqAccessDeserializer::new(list))
        }
    }

    deserializer.deserialize_any(Several)
}

/// `/var/lib/entrepot` as root, else `$XDG_DATA_HOME/entrepot`.
fn default_data_dir() -> PathBuf {
    if nix::unistd::geteuid().is_root() {
        return PathBuf::from("/var/lib/entrepot");
    }
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/share"));
    let base = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from).or_else(home);
    base.unwrap_or_else(|| PathBuf::from(".")).join("entrepot")
}

/// What flags may set; only what was given overrides.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Flags {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub listen: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub listen_ops: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_dir: Option<PathBuf>,
}

impl Config {
    /// Environment names without our prefix, because the world knows them by these.
    const SHARED_NAMES: [&str; 13] = [
        "DATABASE_URL",
        "LOG_FORMAT",
        "ENABLE_RATE_LIMITING",
        "JWT_SECRET_FILE",
        "JWT_EXPIRATION",
        "ENABLE_CSRF_PROTECTION",
        "BIN_OPTIMIZATION_ALGORITHM",
        "SKU_AFFINITY_ENABLED",
        "CROSS_DOCK_ENABLED",
        "ML_MODEL_ENABLED",
        "CONGESTION_AVOIDANCE_ENABLED",
        "DATA_QUALITY_MONITORING_ENABLED",
        "STATISTICAL_ANALYSIS_ENABLED",
    ];
    /// Settings that are taken from the environment as they stand; the usual reader would make a number of `0123`.
    const VERBATIM: [(&str, &str); 3] =
        [("ENTREPOT_SEAL_KEY", "seal_key"), ("ENTREPOT_JWT_SECRET", "jwt_secret"), ("JWT_SECRET", "jwt_secret")];

    pub fn load(file: &Path, flags: &Flags) -> Result<Self> {
        // ENTREPOT_DATA belongs to the tests; ENTREPOT_URL and ENTREPOT_TOKEN to client commands.
        let ours = Env::prefixed("ENTREPOT_").ignore(&["data", "url", "token", "seal_key", "jwt_secret"]);
        let settings = Figment::from(Serialized::defaults(Config::default()))
            .merge(Toml::file(file))
            .merge(Env::raw().only(&Self::SHARED_NAMES))
            .merge(ours)
            .merge(Serialized::defaults(flags));
        let verbatim = Self::VERBATIM.iter().filter_map(|(variable, name)| Some((*name, std::env::var(variable).ok()?)));
        let settings = verbatim.fold(settings, |settings, (name, value)| settings.merge(Serialized::default(name, value)));
        let config: Config = settings.extract().map_err(|error| explain(&error))?;
        config.validate()?;
        Ok(config)
    }

    pub fn switches(&self) -> Switches {
        Switches {
            algorithm: self.bin_optimization_algorithm,
            sku_affinity: self.sku_affinity_enabled,
            cross_dock: self.cross_dock_enabled,
            ml_model: self.ml_model_enabled,
            congestion_avoidance: self.congestion_avoidance_enabled,
            data_quality_monitoring: self.data_quality_monitoring_enabled,
            statistical_analysis: self.statistical_analysis_enabled,
        }
    }

    fn validate(&self) -> Result<()> {
        for (name, addresses) in [("listen", &self.listen), ("listen_ops", &self.listen_ops)] {
            for address in addresses {
                if address.parse::<std::net::SocketAddr>().is_err() {
                    return Err(Error::field(name, "must be addresses such as 127.0.0.1:8080"));
                }
            }
        }
        if self.listen.is_empty() {
            return Err(Error::field("listen", "must name at least one address"));
        }
        if !(2..=500).contains(&self.pool_size) {
            return Err(Error::field("pool_size", "must be between 2 and 500"));
        }
        if !(16..=100_000).contains(&self.max_connections) {
            return Err(Error::field("max_connections", "must be between 16 and 100000"));
        }
        if !(1..=3600).contains(&self.client_timeout_seconds) {
            return Err(Error::field("client_timeout_seconds", "must be between 1 and 3600"));
        }
        if self.database_url.as_ref().is_some_and(|url| !url.starts_with("postgres://") && !url.starts_with("postgresql://")) {
            return Err(Error::field("DATABASE_URL", "must begin with postgres://"));
        }
        if self.database_url.is_some() && self.pg_bin.is_some() {
            return Err(Error::field(
                "pg_bin",
                "contradicts DATABASE_URL: with a database of yours no private server is started",
            ));
        }
        self.validate_secrets()?;
        self.validate_limits()
    }

    fn validate_limits(&self) -> Result<()> {
        let rates = [
            ("rate_limit_per_second", self.rate_limit_per_second),
            ("rate_limit_burst", self.rate_limit_burst),
            ("anonymous_limit_per_second", self.anonymous_limit_per_second),
            ("anonymous_limit_burst", self.anonymous_limit_burst),
            ("sign_in_limit_per_minute", self.sign_in_limit_per_minute),
            ("streams_per_user", self.streams_per_user),
            ("streams", self.streams),
        ];
        let mut faults: Vec<kernel::FieldError> = rates
            .iter()
            .filter(|(_, rate)| !(1..=1_000_000).contains(rate))
            .map(|(name, _)| kernel::FieldError::new(*name, "must be between 1 and 1000000"))
            .collect();
        if self.trusted_proxies.iter().any(|text| crate::limits::parse_network(text).is_none()) {
            faults.push(kernel::FieldError::new(
                "trusted_proxies",
                "must be a list of addresses or networks such as [10.0.0.0/8, 192.0.2.1]",
            ));
        }
        if faults.is_empty() { Ok(()) } else { Err(Error::invalid(faults)) }
    }

    fn validate_secrets(&self) -> Result<()> {
        for (name, secret) in [("JWT_SECRET", &self.jwt_secret), ("seal_key", &self.seal_key)] {
            if secret.as_ref().is_some_and(|secret| secret.expose().len() < SECRET_MIN_BYTES) {
                return Err(Error::field(name, format!("must be at least {SECRET_MIN_BYTES} bytes long")));
            }
        }
        if self.jwt_secret.is_some() && self.jwt_secret_file.is_some() {
            return Err(Error::field("JWT_SECRET_FILE", "contradicts JWT_SECRET: set one of them"));
        }
        if !TOKEN_LIFETIME_MS.contains(&self.jwt_expiration) {
            return Err(Error::field("JWT_EXPIRATION", "must be milliseconds between 1000 and 2592000000 (30 days)"));
        }
        Ok(())
    }
}

/// Names every setting at fault and where it came from, never the value (figment's own text would print it).
fn explain(error: &figment::Error) -> Error {
    let fields = error
        .clone()
        .into_iter()
        .map(|one| {
            let path = match &one.kind {
                figment::error::Kind::UnknownField(name, _) | figment::error::Kind::UnknownVariant(name, _)
                    if one.path.is_empty() =>
                {
                    name.clone()
                }
                _ => one.path.join("."),
            };
            let shared = Config::SHARED_NAMES.iter().find(|name| name.eq_ignore_ascii_case(&path));
            let origin = one.metadata.as_ref().map_or_else(String::new, |origin| match shared {
                Some(variable) if origin.name.contains("environment") => format!(" (from the environment variable {variable})"),
                _ => format!(" (from {})", origin.name),
            });
            let message = match &one.kind {
                figment::error::Kind::UnknownField(_, known) => {
                    format!("is not a setting; the settings are {}", known.join(", "))
                }
                figment::error::Kind::UnknownVariant(_, known) => format!("must be one of {}", known.join(", ")),
                figment::error::Kind::InvalidType(_, expected) => format!("must be {expected}"),
                _ => "cannot be read".into(),
            };
            kernel::FieldError::new(path, format!("{message}{origin}"))
        })
        .collect();
    Error::invalid(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(change: impl FnOnce(&mut Config)) -> String {
        let mut config = Config::default();
        change(&mut config);
        config.validate().unwrap_err().fields[0].field.clone()
    }

    #[test]
    fn an_address_is_a_list_of_one_and_commas_separate_several() {
        let parsed = |toml: &str| -> Result<Config> {
            let settings = Figment::from(Serialized::defaults(Config::default())).merge(Toml::string(toml));
            settings.extract().map_err(|error| explain(&error))
        };
        assert_eq!(parsed("listen = '127.0.0.1:1'").unwrap().listen, ["127.0.0.1:1"]);
        assert_eq!(parsed("listen = '127.0.0.1:1, [::1]:2'").unwrap().listen, ["127.0.0.1:1", "[::1]:2"]);
        assert_eq!(parsed("listen = ['127.0.0.1:1', '[::1]:2']").unwrap().listen, ["127.0.0.1:1", "[::1]:2"]);
        assert!(parsed("listen = 1").unwrap_err().fields[0].message.contains("commas"));
    }

    #[test]
    fn a_short_secret_a_contradiction_and_a_strange_lifetime_are_refused_by_name() {
        let secret = |bytes: usize| Some(Hidden::from("s".repeat(bytes)));
        assert_eq!(refused(|config| config.jwt_secret = secret(31)), "JWT_SECRET");
        assert_eq!(refused(|config| config.seal_key = secret(31)), "seal_key");
        assert_eq!(refused(|config| config.jwt_expiration = 999), "JWT_EXPIRATION");
        assert_eq!(refused(|config| config.jwt_expiration = u64::MAX), "JWT_EXPIRATION");
        let both = |config: &mut Config| (config.jwt_secret, config.jwt_secret_file) = (secret(32), Some("/x".into()));
        assert_eq!(refused(both), "JWT_SECRET_FILE");
        let mut config = Config { jwt_secret: secret(32), jwt_expiration: 86_400_000, ..Config::default() };
        assert!(config.validate().is_ok());
        config.jwt_secret = Some(Hidden::from("a secret that nobody may read in a log".to_owned()));
        assert!(!format!("{config:?}").contains("nobody"), "a configuration that is logged shows no secret");
    }
}
