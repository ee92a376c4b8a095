"""Label selectors as people write them, and what they come to."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from holdfast.core import labels

from .base import Written
from .texts import Rule, cel, rules, shaped

_VALUE: Final = r"^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$"
_KEY: Final = r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$"

LABELS: Final = Rule(
    f"self.all(k, k.size() <= 317 && k.matches({cel(_KEY)}) && self[k].matches({cel(_VALUE)}))",
    "keys and values must be those of Kubernetes labels: letters, digits, dashes, dots and underscores, for example tier: critical",
)
VALUES: Final = Rule(
    "self.operator in ['In', 'NotIn'] ? has(self.values) && self.values.size() > 0 : !has(self.values) || self.values.size() == 0",
    "In and NotIn need values, Exists and DoesNotExist take none; add or remove them",
)
LabelKey = Annotated[
    str, shaped(_KEY, 317, "key must be the key of a Kubernetes label, for example tier or example.com/tier")
]


class Requirement(Written):
    """One condition on a label."""

    model_config = ConfigDict(json_schema_extra=rules(VALUES))

    key: LabelKey = Field(description="Key of the label, for example tier.")
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"] = Field(
        description="How the label is compared. NotIn and DoesNotExist are true as well for an objective without the label."
    )
    values: list[Annotated[str, Field(max_length=63)]] | None = Field(
        None,
        max_length=32,
        description="What the label is compared with: at least one value for In and NotIn, none for Exists and DoesNotExist.",
    )

    @model_validator(mode="after")
    def _fitting(self) -> Requirement:
        if (self.operator in ("In", "NotIn")) != bool(self.values):
            raise ValueError(VALUES.sentence)
        return self


def like_labels(given: dict[str, str] | None) -> dict[str, str] | None:
    """Keys and values that labels can have."""
    for key, value in (given or {}).items():
        if not (len(key) <= 317 and re.fullmatch(_KEY, key) and len(value) <= 63 and re.fullmatch(_VALUE, value)):
            raise ValueError(LABELS.sentence)
    return given


class LabelSelector(Written):
    """A label selector as everywhere in Kubernetes: all of its conditions must be true."""

    model_config = ConfigDict(json_schema_extra={"x-kubernetes-map-type": "atomic"})

    match_labels: Annotated[dict[str, Annotated[str, Field(max_length=63)]] | None, AfterValidator(like_labels)] = (
        Field(
            None,
            max_length=32,
            description="Labels an objective must have, for example tier: critical.",
            json_schema_extra=rules(LABELS),
        )
    )
    match_expressions: list[Requirement] | None = Field(
        None, max_length=32, description="Conditions on the labels of an objective."
    )


def requirements(selector: LabelSelector | None) -> labels.LabelSelector:
    """The conditions of a selector; none when it is left out or empty."""
    if selector is None:
        return ()
    equal = (
        labels.LabelRequirement(key, "In", (value,)) for key, value in sorted((selector.match_labels or {}).items())
    )
    others = (
        labels.LabelRequirement(r.key, r.operator, tuple(r.values or ())) for r in selector.match_expressions or ()
    )
    return (*equal, *others)
