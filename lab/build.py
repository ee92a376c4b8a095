"""How do the programs get here? Compiled once, found by content ever after, outside the repository.

Rule: the folder name is a hash of everything that decides the result (go.mod, go.sum, flags, compiler); a folder exists
only when it is complete (built aside, then renamed); one build at a time on this machine (a lock file).
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from lab.errors import BuildError, LabError
from lab.go import ENVIRONMENT, go_version
from lab.groups import GROUPS, Group, Step
from lab.process import spawn
from lab.progress import Progress, Say, to_stderr


def cache_folder() -> Path:
    """`$HOLDFAST_LAB_CACHE`, else `holdfast-lab` in the user's cache folder."""
    if own := os.environ.get("HOLDFAST_LAB_CACHE"):
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "holdfast-lab"


def cache_key(group: Group, compiler: str) -> str:
    """16 hex digits that change whenever the built programs could."""
    digest = hashlib.sha256()
    for part in (
        (group.folder / "go.mod").read_bytes(),
        (group.folder / "go.sum").read_bytes(),
        repr((group.steps, group.ldflags)).encode(),
        repr(sorted(ENVIRONMENT.items())).encode(),
        compiler.encode(),
    ):
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()[:16]


def ensure(*names: str, say: Say = to_stderr) -> dict[str, Path]:
    """The folder of programs of each named group, built now if need be. Raises MissingToolError or BuildError."""
    unknown = [name for name in names if name not in GROUPS]
    if unknown:
        raise LabError(f"The lab knows no group {', '.join(unknown)}; it knows {', '.join(GROUPS)}.")
    compiler = go_version()
    cache = cache_folder()
    found = {name: cache / f"{name}-{cache_key(GROUPS[name], compiler)}" for name in names}
    for name, folder in found.items():
        if not folder.is_dir():
            cache.mkdir(parents=True, exist_ok=True)
            with _only_builder(cache, name, say):
                if not folder.is_dir():  # another process may have built it meanwhile
                    _build(GROUPS[name], folder, say)
    return found


@contextmanager
def _only_builder(cache: Path, name: str, say: Say) -> Iterator[None]:
    with (cache / "build.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"{name}: another process is building; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build(group: Group, folder: Path, say: Say) -> None:
    programs = [program for step in group.steps for program in step.programs]
    progress = Progress(group.name, say, terminal=sys.stderr)
    progress.start(f"{', '.join(programs)} {group.version} (minutes the first time)")
    aside = Path(tempfile.mkdtemp(prefix=f".{group.name}-", dir=folder.parent))
    try:
        for step in group.steps:
            _run(group, step, aside, progress)
        aside.chmod(0o755)
        aside.rename(folder)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        progress.end("not built")
        raise
    progress.end("built")


def _run(group: Group, step: Step, target: Path, progress: Progress) -> None:
    """One `go build`. The packages it prints (-v) are the progress; other lines are kept for the error message."""
    # one package takes the name we give it, several take their own
    output = str(target / step.programs[0]) if len(step.packages) == 1 else f"{target}{os.sep}"
    command = ["go", "build", "-v", *step.flags, "-ldflags", group.ldflags, "-o", output, *step.packages]
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as sink:
        child = spawn(command, output=sink, env=ENVIRONMENT, cwd=group.folder)
    complaints: list[str] = []
    reader = threading.Thread(target=_read, args=(os.fdopen(reading, "rb"), progress, complaints), daemon=True)
    reader.start()
    try:
        while child.poll() is None:
            progress.beat()
            time.sleep(0.25)
    finally:
        if child.poll() is None:
            child.terminate()
            child.wait()
    reader.join(5)
    if child.returncode:
        tail = "\n".join(complaints[-20:])
        raise BuildError(
            f"go build of {group.name} failed (exit code {child.returncode}). Without downloaded modules it needs the"
            f" network; a full disk shows here too.\n{tail}"
        )


def _read(stream: IO[bytes], progress: Progress, complaints: list[str]) -> None:
    with stream:
        for raw in stream:
            line = raw.decode(errors="replace").rstrip()
            # a package path has no spaces; "go: downloading …" and compiler errors have
            if " " not in line and line and not line.startswith("#"):
                progress.packages += 1
            else:
                complaints.append(line)


def version_line(folder: Path, program: str, *arguments: str) -> str:
    """What a built program says about itself, for tests and bug reports."""
    command = [str(folder / program), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
