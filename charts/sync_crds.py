"""Copy crds/*.yaml into the chart, with the annotation that keeps them (and every objective) at `helm uninstall`.

Run it after every change of crds/; a test compares. Text stays text: a pass through YAML in Helm would turn large
integers into floats.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
SOURCE: Final = HERE.parent / "crds"
TARGET: Final = HERE / "holdfast" / "crd"
KEEP: Final = "    helm.sh/resource-policy: keep\n"


def with_keep(text: str) -> str:
    """The same document with one more annotation. Raises ValueError when its metadata is not block style."""
    body, found = re.subn(
        r"(?m)^metadata:\n(  annotations:\n)?", lambda _: f"metadata:\n  annotations:\n{KEEP}", text, count=1
    )
    if not found:
        raise ValueError("no block 'metadata:' to annotate")
    return body


def main() -> int:
    """Make the chart's copies equal to crds/."""
    TARGET.mkdir(exist_ok=True)
    wanted = {path.name: with_keep(path.read_text()) for path in sorted(SOURCE.glob("*.yaml"))}
    for stale in TARGET.glob("*.yaml"):
        if stale.name not in wanted:
            stale.unlink()
    for name, text in wanted.items():
        (TARGET / name).write_text(text)
    print(f"{len(wanted)} definitions in {TARGET}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
