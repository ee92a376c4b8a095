"""What a pod template needs to start: the ConfigMaps and Secrets it names, and what its pods take of a quota.

Rule: only what a pod cannot start without. What is optional, and a Secret for pulling images, is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

from .resources import CONFIGMAPS, SECRETS, Body, Resource

_QUANTITY: Final = re.compile(r"([+-]?[0-9]*\.?[0-9]*)(?:[eE]([+-]?[0-9]{1,3})|([numkMGTPE]|[KMGTPE]i)?)")
_SCALES: Final = {
    **{suffix: Fraction(1000) ** (power - 3) for power, suffix in enumerate(("n", "u", "m", "", "k", *"MGTPE"))},
    **{f"{letter}i": Fraction(1024) ** power for power, letter in enumerate("KMGTPE", 1)},
}


@dataclass(frozen=True, slots=True, order=True)
class Named:
    """One object that a template names."""

    kind: str
    name: str

    @property
    def resource(self) -> Resource:
        """Where objects of its kind live."""
        return CONFIGMAPS if self.kind == CONFIGMAPS.kind else SECRETS

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


def named(template: Body) -> tuple[Named, ...]:
    """Every ConfigMap and Secret without which no pod of this template starts."""
    spec = template.get("spec") or {}
    found = {*_in_volumes(spec.get("volumes") or ()), *_in_containers(spec)}
    return tuple(sorted(found))


def _in_volumes(volumes: Any) -> Iterator[Named]:
    for volume in volumes:
        yield from _source(volume.get("configMap"), CONFIGMAPS.kind)
        yield from _source(volume.get("secret"), SECRETS.kind, "secretName")
        yield from _source((volume.get("csi") or {}).get("nodePublishSecretRef"), SECRETS.kind)
        for part in (volume.get("projected") or {}).get("sources") or ():
            yield from _source(part.get("configMap"), CONFIGMAPS.kind)
            yield from _source(part.get("secret"), SECRETS.kind)


def _in_containers(spec: Body) -> Iterator[Named]:
    for container in (*(spec.get("containers") or ()), *(spec.get("initContainers") or ())):
        for part in container.get("envFrom") or ():
            yield from _source(part.get("configMapRef"), CONFIGMAPS.kind)
            yield from _source(part.get("secretRef"), SECRETS.kind)
        for variable in container.get("env") or ():
            origin = variable.get("valueFrom") or {}
            yield from _source(origin.get("configMapKeyRef"), CONFIGMAPS.kind)
            yield from _source(origin.get("secretKeyRef"), SECRETS.kind)


def _source(given: Any, kind: str, key: str = "name") -> Iterator[Named]:
    if given and given.get(key) and not given.get("optional"):
        yield Named(kind, given[key])


def demands(template: Body) -> dict[str, Fraction]:
    """What one pod takes of a quota, by the names that quotas use; what the template says nothing of takes nothing."""
    spec = template.get("spec") or {}
    made = {"pods": Fraction(1), "count/pods": Fraction(1)}
    for kind in ("requests", "limits"):
        for resource, amount in _of_pod(spec, kind).items():
            made[f"{kind}.{resource}"] = amount
            if kind == "requests":
                made[resource] = amount
    return made


def _of_pod(spec: Body, kind: str) -> dict[str, Fraction]:
    """Containers add up; each init container runs alone, beside the sidecars that began before it."""
    together: dict[str, Fraction] = {}
    for container in spec.get("containers") or ():
        _add(together, _of_container(container, kind))
    beside: dict[str, Fraction] = {}
    highest: dict[str, Fraction] = {}
    for container in spec.get("initContainers") or ():
        wanted = _of_container(container, kind)
        if container.get("restartPolicy") == "Always":
            _add(beside, wanted)
            _add(together, wanted)
            wanted = {}
        for resource in {*wanted, *beside}:
            alone = wanted.get(resource, Fraction(0)) + beside.get(resource, Fraction(0))
            highest[resource] = max(highest.get(resource, Fraction(0)), alone)
    pod = {r: max(together.get(r, Fraction(0)), highest.get(r, Fraction(0))) for r in {*together, *highest}}
    _add(pod, {r: quantity(str(amount)) for r, amount in (spec.get("overhead") or {}).items()})
    return pod


def _of_container(container: Body, kind: str) -> dict[str, Fraction]:
    """A limit without a request is a request, too."""
    resources = container.get("resources") or {}
    given: Mapping[str, Any] = resources.get(kind) or {}
    if kind == "requests":
        given = {**(resources.get("limits") or {}), **given}
    return {resource: quantity(str(amount)) for resource, amount in given.items()}


def _add(to: dict[str, Fraction], more: Mapping[str, Fraction]) -> None:
    for resource, amount in more.items():
        to[resource] = to.get(resource, Fraction(0)) + amount


def quantity(text: str) -> Fraction:
    """The exact value of a Kubernetes quantity such as `250m`, `1.5Gi` or `1e3`; ValueError for anything else."""
    match = _QUANTITY.fullmatch(text)
    if match is None or not any(c.isdigit() for c in match[1]):
        raise ValueError(f"{text[:40]!r} is no quantity")
    scale = Fraction(10) ** int(match[2]) if match[2] else _SCALES[match[3] or ""]
    return Fraction(match[1]) * scale
