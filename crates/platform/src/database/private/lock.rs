use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::PrivateError;

/// An flock, which the kernel frees when its holder dies in whatever way.
pub(super) struct Lock {
    file: File,
}

impl Lock {
    /// None: somebody else holds it. The file tells the holder's pid, for messages.
    pub(super) fn exclusive(path: &Path) -> Result<Option<Self>, PrivateError> {
        let mut file = open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(source)) => return Err(PrivateError::io("lock", path)(source)),
        }
        let write = |file: &mut File| -> std::io::Result<()> {
            file.set_len(0)?;
            file.rewind()?;
            writeln!(file, "{}", std::process::id())
        };
        write(&mut file).map_err(PrivateError::io("write", path))?;
        Ok(Some(Self { file }))
    }

    /// None: somebody holds it exclusively.
    pub(super) fn shared(path: &Path) -> Result<Option<Self>, PrivateError> {
        let file = open(path)?;
        match file.try_lock_shared() {
            Ok(()) => Ok(Some(Self { file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(PrivateError::io("lock", path)(source)),
        }
    }
}

impl Drop for Lock {
    /// Closing is not enough: a child that was just forked has a copy of the file until it becomes another program.
    fn drop(&mut self) {
        let _ = self.file.unlock();
    }
}

pub(super) fn holder(path: &Path) -> String {
    let mut text = String::new();
    let read = File::open(path).and_then(|mut file| file.read_to_string(&mut text));
    let pid = text.trim();
    if read.is_err() || pid.is_empty() { "unknown".into() } else { pid.to_owned() }
}

fn open(path: &Path) -> Result<File, PrivateError> {
    let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
    let file = opened.map_err(PrivateError::io("open", path))?;
    give_to_owner_of_folder(path)?;
    Ok(file)
}

/// What root makes in another user's data directory must not lock that user out later.
pub(super) fn give_to_owner_of_folder(path: &Path) -> Result<(), PrivateError> {
    let Some(folder) = path.parent().filter(|_| nix::unistd::geteuid().is_root()) else { return Ok(()) };
    let owner = std::fs::metadata(folder).map_err(PrivateError::io("inspect", folder))?;
    std::os::unix::fs::lchown(path, Some(owner.uid()), Some(owner.gid())).map_err(PrivateError::io("change the owner of", path))
}
