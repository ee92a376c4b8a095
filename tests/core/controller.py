"""The deployment controller in the small: what it does with one Deployment and the ReplicaSets it can see, in one pass.

As measured on the real one. While paused: no ReplicaSet is made; of several active ones all share; a single one gets all
pods; of none the newest is filled, and the one of the declared template first. When the set of the declared template is
saturated the others are emptied, paused or not. Empty ones beyond the history limit are removed.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from holdfast.core.hold import Template
from holdfast.core.kinds.deployment import Deployment, ReplicaSet

SURGE = 1


def new_set(template: Template, name: str, created: float, pods: int = 0) -> ReplicaSet:
    """One that was just made: no pod of it exists yet."""
    return ReplicaSet(name, "1", template, pods, 0, int(created), {}, f"uid-{name}-{created}", 0, 0, created, name)


def reconciled(view: Deployment, taken: Collection[str], now: float, limit: int) -> Deployment:
    """One pass. `taken` are names of ReplicaSets that it does not control; `limit` is the history that is kept."""
    sets = list(view.sets)
    declared = next((s for s in sorted(sets, key=_age) if s.template.digest == view.template.digest), None)
    if declared is None and not view.paused:
        name, tries = f"checkout-{view.template.digest}", 0
        while name in taken:  # a collision: another hash
            tries += 1
            name = f"checkout-{view.template.digest}-{tries}"
        declared = new_set(view.template, name, now)
        sets.append(declared)
    sizes = {s.name: s.desired for s in sets}
    if view.paused:
        _scale(view, sets, declared, sizes)
    elif view.recreate:
        _recreate(view, sets, declared, sizes)
    else:
        _roll(view, sets, declared, sizes)
    sized = [replace(s, desired=sizes[s.name]) for s in sets]
    return replace(view, observed_generation=view.generation, sets=_cleaned(view, sized, declared, limit))


def _age(owned: ReplicaSet) -> tuple[float, str]:
    return owned.created, owned.name


def _saturated(view: Deployment, owned: ReplicaSet | None) -> bool:
    return owned is not None and owned.desired == owned.available == view.replicas


def _scale(view: Deployment, sets: list[ReplicaSet], declared: ReplicaSet | None, sizes: dict[str, int]) -> None:
    active = [s for s in sets if s.desired > 0]
    if len(active) <= 1:
        newest = max((s for s in sets if s is not declared), key=_age, default=None)
        chosen = active[0] if active else declared or newest
        if chosen is not None:
            sizes[chosen.name] = view.replicas
    elif _saturated(view, declared):
        sizes.update({s.name: 0 for s in active if s is not declared})
    elif not view.recreate:
        _share(view, active, sizes)


def _share(view: Deployment, active: list[ReplicaSet], sizes: dict[str, int]) -> None:
    allowed = view.replicas + SURGE if view.replicas else 0
    total = sum(s.desired for s in active)
    left = allowed - total
    for owned in sorted(active, key=lambda s: (-s.desired, -s.created)):
        part = round(owned.desired * allowed / total) - owned.desired
        part = max(min(part, left), 0) if left > 0 else min(max(part, left), 0)
        sizes[owned.name], left = owned.desired + part, left - part
    largest = max(active, key=lambda s: (s.desired, s.created))
    sizes[largest.name] = max(0, sizes[largest.name] + left)


def _roll(view: Deployment, sets: list[ReplicaSet], declared: ReplicaSet | None, sizes: dict[str, int]) -> None:
    assert declared is not None
    others = sorted((s for s in sets if s is not declared and s.desired), key=_age)
    total = sum(sizes.values())
    if not others:
        sizes[declared.name] = view.replicas
        return
    room = view.replicas + SURGE - total
    sizes[declared.name] = min(view.replicas, declared.desired + max(room, 0))
    spare = declared.available + sum(min(s.available, s.desired) for s in others) - view.replicas
    for owned in others:
        broken = owned.desired - min(owned.available, owned.desired)
        gone = min(owned.desired, broken + max(spare, 0))
        spare -= gone - broken
        sizes[owned.name] = owned.desired - gone


def _recreate(view: Deployment, sets: list[ReplicaSet], declared: ReplicaSet | None, sizes: dict[str, int]) -> None:
    assert declared is not None
    others = [s for s in sets if s is not declared]
    sizes.update({s.name: 0 for s in others})
    if not any(s.pods for s in others):
        sizes[declared.name] = view.replicas


def _cleaned(
    view: Deployment, sets: list[ReplicaSet], declared: ReplicaSet | None, limit: int
) -> tuple[ReplicaSet, ...]:
    old = [s for s in sets if declared is None or s.name != declared.name]
    complete = _saturated(view, next((s for s in sets if declared is not None and s.name == declared.name), None))
    if not (view.paused or complete):
        return tuple(sets)
    gone = {
        s.name
        for s in sorted(old, key=lambda s: s.revision)[: max(0, len(old) - limit)]
        if not s.desired and not s.pods
    }
    return tuple(s for s in sets if s.name not in gone)
