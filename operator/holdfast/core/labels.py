"""Which objects a label selector is for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LabelRequirement:
    """One condition of a Kubernetes label selector; `operator` is In, NotIn, Exists or DoesNotExist."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def met_by(self, labels: Mapping[str, str]) -> bool:
        """Kubernetes' semantics: NotIn and DoesNotExist are true for an absent label."""
        found = labels.get(self.key)
        match self.operator:
            case "In":
                return found in self.values
            case "NotIn":
                return found not in self.values
            case "Exists":
                return found is not None
            case _:
                return found is None


LabelSelector = tuple[LabelRequirement, ...]
"""All of its conditions must be true; the empty one selects everything."""


def selects(selector: LabelSelector, labels: Mapping[str, str]) -> bool:
    """Whether an object with these labels is selected."""
    return all(requirement.met_by(labels) for requirement in selector)
