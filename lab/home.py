"""Where does one lab keep its files, and who clears up after a lab that was killed?

Rule: one temporary folder per lab, locked by its owner for as long as it lives. A folder whose lock is free belongs to
nobody; the next lab removes it.
"""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import tempfile
from pathlib import Path
from typing import IO, Final

_PREFIX: Final = "holdfast-lab-"
_LOCK: Final = "owner.lock"


class Home:
    """The folder of one lab. `keep` leaves it in place at the end, for reading logs."""

    def __init__(self, name: str, *, keep: bool = False) -> None:
        """Create and lock it, after removing the folders of killed labs."""
        sweep()
        self.keep = keep
        self.path = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{name}-"))
        aside = self.path / f"{_LOCK}.new"  # named only when it is held: a sweep never sees it free
        self._lock: IO[str] = aside.open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        aside.rename(self.path / _LOCK)

    def close(self) -> None:
        """Remove the folder, or leave it marked as kept."""
        if self.keep:
            (self.path / "kept").touch()
        else:
            shutil.rmtree(self.path, ignore_errors=True)
        self._lock.close()


def sweep() -> None:
    """Remove the folders of labs that ended without clearing up; never one that is in use or was kept."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        lock = folder / _LOCK
        with contextlib.suppress(OSError):  # owned by another user, or gone already
            if (folder / "kept").exists() or not lock.exists():
                continue
            with lock.open("r+") as handle:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
