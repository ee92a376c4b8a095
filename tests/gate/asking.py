"""Requests to the API server as anybody, and what became of them.

Rule: tables of cases are judged by server-side dry runs (policies judge those alike), so one held object serves a whole
table and stays as it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import requests

from lab import Cluster
from lab.api import PATCH_TYPES

HOLD: Final = "holdfast.dev/hold"
QUEUE: Final = "holdfast.dev/queue"
DETACHED: Final = "holdfast.dev/detached-from"
OVERRIDE: Final = "holdfast.dev/override"
RESTARTED: Final = "kubectl.kubernetes.io/restartedAt"
ROLLBACK: Final = "deprecated.deployment.rollback.to"
ID: Final = "budget-exhausted-x7k2p"
UNDONE: Final = "bad-release-q9q9q"
PLURAL: Final = {
    "Deployment": "deployments",
    "ReplicaSet": "replicasets",
    "StatefulSet": "statefulsets",
    "DaemonSet": "daemonsets",
}

Json = dict[str, Any]
Change = list[Json]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API server said."""

    code: int
    body: Json

    @property
    def passed(self) -> bool:
        """Admitted."""
        return self.code < 400

    @property
    def sentence(self) -> str:
        """The part of a refusal that is ours."""
        return str(self.body.get("message", "")).partition("denied request: ")[2]

    @property
    def policy(self) -> str:
        """Which policy refused; empty when none did."""
        _, found, rest = str(self.body.get("message", "")).partition("ValidatingAdmissionPolicy '")
        return rest.partition("'")[0] if found else ""

    def __str__(self) -> str:
        return f"{self.code} {self.body.get('message', self.body.get('metadata', {}).get('name', ''))}"


def path(namespace: str, kind: str, name: str = "", subresource: str = "") -> str:
    """The address of a workload."""
    return "/".join(
        part for part in (f"/apis/apps/v1/namespaces/{namespace}/{PLURAL[kind]}", name, subresource) if part
    )


class Asker:
    """Sends requests as any user: the static ones and known accounts by their token, anybody else impersonated."""

    def __init__(self, cluster: Cluster, tokens: dict[str, str]) -> None:
        """`tokens` are those of service accounts, by a short name."""
        self._server = cluster.access.server
        self._tokens = {**cluster.access.tokens, **tokens}
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = str(cluster.access.ca)

    def __call__(
        self,
        who: str,
        method: str,
        where: str,
        body: object = None,
        *,
        patch: str = "json",
        dry: bool = True,
        groups: tuple[str, ...] = (),
    ) -> Answer:
        """One request. An unknown `who` is impersonated, with `groups`."""
        headers: dict[str, str | bytes] = {}
        if who in self._tokens:
            headers["Authorization"] = f"Bearer {self._tokens[who]}"
        else:
            headers |= {"Authorization": f"Bearer {self._tokens['admin']}", "Impersonate-User": who}
            if groups:
                headers["Impersonate-Group"] = groups[0]
        if method == "PATCH":
            headers["Content-Type"] = PATCH_TYPES[patch]
        answer = self._session.request(
            method,
            self._server + where,
            params={"dryRun": "All"} if dry else {},
            json=body,
            headers=headers,
            timeout=30,
        )
        return Answer(answer.status_code, answer.json())


def pointer(*keys: str) -> str:
    """A JSON pointer."""
    return "".join("/" + key.replace("~", "~0").replace("/", "~1") for key in keys)


def put(value: object, *keys: str) -> Json:
    """The JSON patch operation that sets a field (or inserts into a list)."""
    return {"op": "add", "path": pointer(*keys), "value": value}


def drop(*keys: str) -> Json:
    """The JSON patch operation that removes a field."""
    return {"op": "remove", "path": pointer(*keys)}


def template(*keys: str) -> tuple[str, ...]:
    """A path inside spec.template."""
    return ("spec", "template", *keys)


def container(number: int, *keys: str, kind: str = "containers") -> tuple[str, ...]:
    """A path inside a container of the template."""
    return template("spec", kind, str(number), *keys)


def workload(kind: str, namespace: str, name: str, **spec: Any) -> Json:
    """A workload with everything a template can be compared by: two containers, an init container, annotations."""
    app = {"app": "shop"}
    body: Json = {
        "selector": {"matchLabels": app},
        "template": {
            "metadata": {"labels": app, "annotations": {"team": "shop", RESTARTED: "2026-01-01T00:00:00Z"}},
            "spec": {
                "initContainers": [{"name": "init", "image": "init:v1"}],
                "containers": [
                    {
                        "name": "app",
                        "image": "shop:v1",
                        "env": [{"name": "A", "value": "1"}],
                        "resources": {"requests": {"cpu": "10m"}},
                    },
                    {"name": "proxy", "image": "proxy:v1"},
                ],
                "terminationGracePeriodSeconds": 0,
            },
        },
    }
    if kind != "DaemonSet":
        body["replicas"] = 0
    if kind == "StatefulSet":
        body["serviceName"] = "shop"
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace, "labels": dict(app)},
        "spec": {**body, **spec},
    }
