use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// Below this changes are refused: four segments of the write-ahead log, so that PostgreSQL, which stops altogether when it cannot
/// write its log, keeps answering reads.
const RESERVE_BYTES: u64 = 64 << 20;
/// Changes are taken again when there is more than this, so that the state does not flutter.
const RELIEF_BYTES: u64 = 80 << 20;
const INTERVAL: Duration = Duration::from_millis(250);

/// Whether the disk of the private database has room for changes. Clones share what they know.
#[derive(Clone, Debug, Default)]
pub struct Storage {
    full: Arc<AtomicBool>,
}

impl Storage {
    pub fn is_full(&self) -> bool {
        self.full.load(Ordering::Relaxed)
    }

    /// Looks at the free space around `data_dir` until shutdown. Not for a database elsewhere, whose disk we do not see.
    pub async fn watch(self, data_dir: PathBuf, shutdown: CancellationToken) {
        while !shutdown.is_cancelled() {
            if let Some(free) = free_bytes(&data_dir) {
                self.judge(free);
            }
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = tokio::time::sleep(INTERVAL) => {}
            }
        }
    }

    fn judge(&self, free_bytes: u64) {
        let was_full = self.is_full();
        let is_full = free_bytes < if was_full { RELIEF_BYTES } else { RESERVE_BYTES };
        if is_full == was_full {
            return;
        }
        self.full.store(is_full, Ordering::Relaxed);
        let free_mib = free_bytes >> 20;
        if is_full {
            tracing::error!(free_mib, "the disk is full: changes are refused until there is room again");
        } else {
            tracing::info!(free_mib, "the disk has room again: changes are taken");
        }
    }
}

fn free_bytes(path: &Path) -> Option<u64> {
    let stat = nix::sys::statvfs::statvfs(path).ok()?;
    Some(stat.blocks_available() * stat.fragment_size())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_below_the_reserve_and_free_only_well_above_it() {
        let storage = Storage::default();
        for (free, full) in [(RESERVE_BYTES, false), (RESERVE_BYTES - 1, true), (RELIEF_BYTES - 1, true), (RELIEF_BYTES, false)] {
            storage.judge(free);
            assert_eq!(storage.is_full(), full, "{free}");
        }
    }
}
