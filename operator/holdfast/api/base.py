"""What all our models share: camel case outside, no unknown fields, and a null is a field that was left out."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic.alias_generators import to_camel


class Written(BaseModel):
    """Something a person writes: strict about types and about names."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        extra="forbid",
        frozen=True,
        populate_by_name=True,
        strict=True,
        arbitrary_types_allowed=True,
    )

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, given: object) -> object:
        """As the API server: null for an optional field means that it is not there."""
        if isinstance(given, Mapping):
            return {str(key): value for key, value in given.items() if value is not None}
        return given


class Shown(Written):
    """Something the operator writes and reads again: fields of a later version are passed over."""

    model_config = ConfigDict(extra="ignore", strict=False)
