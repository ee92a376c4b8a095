"""What does a workload of the simulated shop look like?

Rule: an ordinary Deployment; the label `app` makes its pods part of the shop, the image tag decides how they behave.
"""

from __future__ import annotations

from typing import Any


def deployment(namespace: str, app: str, image: str, replicas: int, spec: dict[str, Any]) -> dict[str, Any]:
    """A Deployment document. `spec` is laid over its spec; a dict in it is merged, anything else replaces."""
    labels = {"app": app}
    document: dict[str, Any] = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": app, "namespace": namespace, "labels": labels},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "containers": [{"name": "shop", "image": image}],
                    "terminationGracePeriodSeconds": 30,
                },
            },
        },
    }
    _merge(document["spec"], spec)
    return document


def _merge(base: dict[str, Any], over: dict[str, Any]) -> None:
    for key, value in over.items():
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            _merge(base[key], value)
        else:
            base[key] = value
