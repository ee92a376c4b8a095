"""kubectl, helm and promtool as a person would call them, but with a home of their own.

Rule: no command reads or writes the user's ~/.kube or ~/.config; a refused command raises with what it printed.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.errors import CommandError


def environment(folder: Path, kubeconfig: Path, programs: Sequence[Path]) -> dict[str, str]:
    """The variables that point a shell or a child at this lab. PATH begins with the lab's own programs."""
    return {
        "KUBECONFIG": str(kubeconfig),
        "KUBECACHEDIR": str(folder / "kubectl-cache"),
        "HELM_CACHE_HOME": str(folder / "helm" / "cache"),
        "HELM_CONFIG_HOME": str(folder / "helm" / "config"),
        "HELM_DATA_HOME": str(folder / "helm" / "data"),
        "PATH": os.pathsep.join((*map(str, programs), os.environ.get("PATH", ""))),
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }


def run(
    argv: Sequence[str | Path],
    *,
    env: Mapping[str, str],
    input: str | None = None,  # noqa: A002 - the name subprocess.run uses
    check: bool = True,
    timeout: float = 300.0,
) -> subprocess.CompletedProcess[str]:
    """Run to the end, with output as text. Raises CommandError when `check` and the exit code is not 0."""
    command = [str(part) for part in argv]
    done = subprocess.run(
        command, env={**os.environ, **env}, input=input, capture_output=True, text=True, timeout=timeout, check=False
    )
    if check and done.returncode != 0:
        said = (done.stderr or done.stdout).strip()
        raise CommandError(f"{Path(command[0]).name} {' '.join(command[1:])} ended with {done.returncode}: {said}")
    return done
