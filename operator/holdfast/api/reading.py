"""The two halves of every object: who it is, and what it says.

Rule: total. Whatever the object holds, the answer is a value or `Invalid` with everything that is wrong with either half.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from holdfast.core.objective import ObjectKey

from .problems import Invalid, Problem, problems

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who an object is; a file may leave out what the server fills in."""

    key: ObjectKey
    uid: str
    generation: int
    labels: Mapping[str, str]


def read(body: Mapping[str, object], model: type[Model]) -> tuple[Identity, Model]:
    """Who the object is and what it says; raises Invalid with everything that is wrong with either."""
    metadata = body.get("metadata")
    identity = _identity(metadata if isinstance(metadata, Mapping) else {})
    found: tuple[Problem, ...] = ()
    if not identity.key.name:
        found += (Problem("metadata.name", "the object has no name; give it one"),)
    spec = body.get("spec")
    try:
        value = model.model_validate({} if spec is None else spec)
    except ValidationError as error:
        raise Invalid(found + problems(error, "spec")) from None
    if found:
        raise Invalid(found)
    return identity, value


def _identity(metadata: Mapping[str, object]) -> Identity:
    name, namespace, uid, generation, labels = (
        metadata.get(key) for key in ("name", "namespace", "uid", "generation", "labels")
    )
    return Identity(
        ObjectKey(
            namespace if isinstance(namespace, str) and namespace else "default", name if isinstance(name, str) else ""
        ),
        uid if isinstance(uid, str) else "",
        generation if isinstance(generation, int) else 0,
        {k: v for k, v in labels.items() if isinstance(k, str) and isinstance(v, str)}
        if isinstance(labels, Mapping)
        else {},
    )
