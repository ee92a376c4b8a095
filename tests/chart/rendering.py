"""The chart as text: what Helm would send, without a cluster."""

from __future__ import annotations

import json
from typing import Any

import yaml

from lab import Cluster
from lab.errors import LabError
from tests.fixtures_chart import CHART

Json = dict[str, Any]


def render(
    cluster: Cluster, release: str = "holdfast", namespace: str = "holdfast-system", **values: object
) -> list[Json]:
    """All documents of one release; `gate__denyDelete=True` stands for gate.denyDelete: true. Raises LabError."""
    settings = [f"--set-json={key.replace('__', '.')}={json.dumps(value)}" for key, value in values.items()]
    text = cluster.helm("template", release, str(CHART), "-n", namespace, "--kube-version=1.36.3", *settings).stdout
    return [document for document in yaml.safe_load_all(text) if document]


def one(documents: list[Json], kind: str, name: str | None = None) -> Json:
    """The only document of this kind (and name)."""
    (found,) = (d for d in documents if d["kind"] == kind and name in (None, d["metadata"]["name"]))
    return found


def complaint(cluster: Cluster, **values: Any) -> str:
    """What Helm says against these values; empty when it takes them."""
    try:
        render(cluster, **values)
    except LabError as refusal:
        return str(refusal)
    return ""
