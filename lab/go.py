"""Is there a Go compiler that can build the lab, and which one?

Rule: the compiler on PATH is used as it is; the lab never downloads another one.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import Final

from lab.errors import MissingToolError

OLDEST: Final = (1, 26)
_ADVICE: Final = "Install Go 1.26 or newer from https://go.dev/dl/ and put its bin folder on PATH; then run this again."

ENVIRONMENT: Final = {
    "GOTOOLCHAIN": "local",
    "CGO_ENABLED": "0",
    "GOGC": "400",  # the compiler is faster with more memory
    "GOFLAGS": "-buildvcs=false -mod=readonly",
    "GOWORK": "off",
}


def go_version() -> str:
    """The compiler's own line, such as `go version go1.26.8 linux/amd64`. Raises MissingToolError."""
    program = shutil.which("go")
    if program is None:
        raise MissingToolError(
            f"The lab builds Kubernetes and Prometheus from source and found no Go compiler. {_ADVICE}"
        )
    line = subprocess.run([program, "version"], capture_output=True, text=True, check=False).stdout.strip()
    require_recent(line)
    return line


def require_recent(line: str) -> None:
    """Raise MissingToolError unless `line`, the answer of `go version`, names Go 1.26 or newer."""
    found = re.search(r"\bgo(\d+)\.(\d+)", line)
    if "devel" in line and found is None:
        return
    if found is None or (int(found[1]), int(found[2])) < OLDEST:
        raise MissingToolError(
            f"The lab needs Go 1.26 or newer and found: {line or 'a go command that fails'}. {_ADVICE}"
        )
