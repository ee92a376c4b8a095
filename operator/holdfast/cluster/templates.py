"""Which pod template is this? A digest that is the same for a Deployment and for the ReplicaSet made from it.

Rule: equal for templates that run the same: the order of keys, the controller's own label and the time of a restart do
not count. Nothing else is left out.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from holdfast.core.hold import Template

HASH_LABEL: Final = "pod-template-hash"
REVISION: Final = "deployment.kubernetes.io/revision"
RESTARTED: Final = "kubectl.kubernetes.io/restartedAt"
DIGITS: Final = 16


def digest(template: Mapping[str, Any]) -> str:
    """The first 16 hex digits of the SHA-256 of its canonical JSON."""
    metadata = dict(template.get("metadata") or {})
    for part, left_out in (("labels", HASH_LABEL), ("annotations", RESTARTED)):
        metadata[part] = {k: v for k, v in (metadata.get(part) or {}).items() if k != left_out}
    kept = {**template, "metadata": {k: v for k, v in metadata.items() if v not in (None, {})}}
    text = json.dumps({k: v for k, v in kept.items() if v not in (None, {})}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]


def read_template(template: Mapping[str, Any]) -> Template:
    """Digest and images, those of init containers last."""
    spec = template.get("spec") or {}
    containers = [*(spec.get("containers") or ()), *(spec.get("initContainers") or ())]
    return Template(digest(template), tuple(c["image"] for c in containers if c.get("image")))
