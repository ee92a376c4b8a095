"""What does a workload of the simulated shop look like, and what stands around it?

Rule: ordinary objects; the label `app` makes their pods part of the shop, the image tag decides how these behave.
"""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


def deployment(namespace: str, app: str, image: str, replicas: int, spec: Json) -> Json:
    """A Deployment document. `spec` is laid over its spec; a dict in it is merged, anything else replaces."""
    return _workload("Deployment", namespace, app, image, {"replicas": replicas}, spec)


def statefulset(namespace: str, app: str, image: str, replicas: int, spec: Json) -> Json:
    """A StatefulSet document; its pods come one after the other unless `spec` says podManagementPolicy: Parallel."""
    return _workload("StatefulSet", namespace, app, image, {"replicas": replicas, "serviceName": app}, spec)


def daemonset(namespace: str, app: str, image: str, spec: Json) -> Json:
    """A DaemonSet document: one pod on each node."""
    return _workload("DaemonSet", namespace, app, image, {}, spec)


def autoscaler(namespace: str, app: str, least: int, most: int, kind: str = "Deployment") -> Json:
    """An HPA document. Nobody measures cpu here, so its bounds alone move the workload."""
    cpu = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": app, "namespace": namespace},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": kind, "name": app},
            "minReplicas": least,
            "maxReplicas": most,
            "metrics": [{"type": "Resource", "resource": cpu}],
        },
    }


def quota(namespace: str, pods: int, name: str = "pods") -> Json:
    """A ResourceQuota document: no more pods than these; those that are there stay."""
    return {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"hard": {"pods": str(pods)}},
    }


def complete(body: Json) -> bool:
    """Whether a rollout is over: every pod is of the declared template and available, and no other is left."""
    status, spec = body.get("status", {}), body["spec"]
    if status.get("observedGeneration", 0) < body["metadata"]["generation"]:
        return False
    wanted, counts = spec.get("replicas"), ["updatedReplicas", "replicas", "availableReplicas"]
    if body["kind"] == "DaemonSet":
        wanted, counts = status["desiredNumberScheduled"], ["updatedNumberScheduled", "numberAvailable"]
    return all(status.get(key, 0) == wanted for key in counts)


def _workload(kind: str, namespace: str, app: str, image: str, base: Json, spec: Json) -> Json:
    pod = {"containers": [{"name": "shop", "image": image}], "terminationGracePeriodSeconds": 30}
    template = {"metadata": {"labels": {"app": app}}, "spec": pod}
    document: Json = {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": app, "namespace": namespace, "labels": {"app": app}},
        "spec": {**base, "selector": {"matchLabels": {"app": app}}, "template": template},
    }
    _merge(document["spec"], spec)
    return document


def _merge(base: Json, over: Json) -> None:
    for key, value in over.items():
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            _merge(base[key], value)
        else:
            base[key] = value
