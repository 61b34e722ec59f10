use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::PrivateError;

/// Older servers lack what the schema uses (security_invoker views).
pub(super) const MINIMUM_MAJOR: u32 = 15;
const VERSIONED: &str = "/usr/lib/postgresql";
const LOCAL: [&str; 3] = ["/usr/local/bin", "/usr/local/pgsql/bin", "/usr/bin"];

/// One installation of PostgreSQL: the folder with `postgres`, `initdb`, `psql`, `pg_dump` and the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binaries {
    pub dir: PathBuf,
    /// 15, 16, …
    pub major: u32,
}

impl Binaries {
    /// The installation to use: `explicit` alone when given, else pg_config's, Debian's newest, then the usual folders.
    /// When `cluster` holds data already, only the major version that wrote them will do.
    pub fn find(explicit: Option<&Path>, cluster: &Path) -> Result<Self, PrivateError> {
        let wanted: Option<u32> =
            std::fs::read_to_string(cluster.join("PG_VERSION")).ok().and_then(|text| text.trim().parse().ok());
        let folders = explicit.map_or_else(candidates, |dir| vec![dir.to_path_buf()]);
        let found: Vec<Self> = folders.iter().filter_map(|dir| Self::inspect(dir)).collect();
        if let Some(fitting) = found.iter().find(|one| wanted.is_none_or(|major| one.major == major)) {
            return Ok(fitting.clone());
        }
        Err(match (wanted, explicit) {
            (Some(wanted), _) if !found.is_empty() => {
                let found: Vec<String> = found.iter().map(|one| one.major.to_string()).collect();
                PrivateError::WrongVersion { cluster: cluster.to_path_buf(), wanted, found: found.join(", ") }
            }
            (_, Some(dir)) => PrivateError::BadBinDir { dir: dir.to_path_buf() },
            _ => PrivateError::NoBinaries { looked: list(&folders), hint: install_hint() },
        })
    }

    fn inspect(dir: &Path) -> Option<Self> {
        let executable = |name: &str| {
            std::fs::metadata(dir.join(name)).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
        };
        if !executable("postgres") || !executable("initdb") {
            return None;
        }
        let major = parse_major(&output(&dir.join("postgres"), "--version")?)?;
        (major >= MINIMUM_MAJOR).then(|| Self { dir: dir.to_path_buf(), major })
    }
}

fn candidates() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = output(Path::new("pg_config"), "--bindir").map(|dir| dir.trim().into()).into_iter().collect();
    let versions = std::fs::read_dir(VERSIONED).into_iter().flatten().flatten();
    let mut versions: Vec<u32> = versions.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    versions.sort_unstable_by(|a, b| b.cmp(a));
    folders.extend(versions.iter().map(|major| Path::new(VERSIONED).join(major.to_string()).join("bin")));
    folders.extend(LOCAL.map(PathBuf::from));
    let mut seen = std::collections::HashSet::new();
    folders.retain(|folder| seen.insert(folder.clone()));
    folders
}

fn output(program: &Path, argument: &str) -> Option<String> {
    let output = Command::new(program).arg(argument).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// `postgres (PostgreSQL) 15.6 (Debian 15.6-1)` is 15, `… 18beta1` is 18.
fn parse_major(version: &str) -> Option<u32> {
    let number = version.split_once("(PostgreSQL) ")?.1;
    let digits = number.find(|c: char| !c.is_ascii_digit()).map_or(number, |end| &number[..end]);
    digits.parse().ok()
}

fn list(folders: &[PathBuf]) -> String {
    folders.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// Debian starts a server of its own on installation unless told not to; ours needs only the programs.
fn install_hint() -> String {
    let sudo = if nix::unistd::geteuid().is_root() { "" } else { "sudo " };
    format!(
        "`{sudo}apt-get install --yes postgresql-common && {sudo}sed -i 's/^#\\?create_main_cluster.*/create_main_cluster = false/' \
         /etc/postgresql-common/createcluster.conf && {sudo}apt-get install --yes postgresql`; or set pg_bin to the folder that holds postgres and initdb"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn major_versions() {
        assert_eq!(parse_major("postgres (PostgreSQL) 15.6 (Debian 15.6-0+deb12u1)\n"), Some(15));
        assert_eq!(parse_major("postgres (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(parse_major("postgres (PostgreSQL) 17"), Some(17));
        assert_eq!(parse_major("mysqld 8.0"), None);
    }

    #[test]
    fn an_empty_folder_is_no_installation() {
        let error = Binaries::find(Some(Path::new("/proc/self")), Path::new("/nonexistent")).unwrap_err();
        assert!(error.to_string().starts_with("pg_bin: /proc/self does not hold"), "{error}");
    }

    #[test]
    fn the_hint_keeps_the_distribution_from_starting_its_own() {
        let text = PrivateError::NoBinaries { looked: "/usr/lib".into(), hint: install_hint() }.to_string();
        assert!(text.contains("apt-get install --yes postgresql`") && text.contains("create_main_cluster = false"), "{text}");
    }
}
