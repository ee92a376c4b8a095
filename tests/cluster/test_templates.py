"""When two pod templates are the same release."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast.cluster.owners import selector
from holdfast.cluster.templates import HASH_LABEL, RESTARTED, digest, read_template

TEMPLATE: dict[str, Any] = {
    "metadata": {"labels": {"app": "a"}},
    "spec": {
        "containers": [{"name": "c", "image": "i:1", "env": [{"name": "A", "value": "1"}]}],
        "initContainers": [{"name": "n", "image": "init:1"}],
        "volumes": [{"name": "v", "emptyDir": {}}],
    },
}


def metadata(**fields: Any) -> dict[str, Any]:
    return {**TEMPLATE, "metadata": {"labels": {"app": "a"}, **fields}}


@pytest.mark.parametrize(
    "same",
    [
        metadata(creationTimestamp=None),
        metadata(annotations={}),
        metadata(annotations={RESTARTED: "2026-01-01T00:00:00Z"}),
        metadata(labels={HASH_LABEL: "69fdffd4c", "app": "a"}),
        {"spec": dict(reversed(TEMPLATE["spec"].items())), "metadata": TEMPLATE["metadata"]},
    ],
    ids=["no time", "no annotations", "restarted", "hash", "order of keys"],
)
def test_what_runs_the_same_is_the_same(same: dict[str, Any]) -> None:
    """The controller's label, a restart and the order of keys make no release."""
    assert digest(same) == digest(TEMPLATE)
    assert len(digest(same)) == 16


@pytest.mark.parametrize(
    "other",
    [
        metadata(annotations={"a": "b"}),
        metadata(labels={"app": "b"}),
        {**TEMPLATE, "spec": {**TEMPLATE["spec"], "containers": [{"name": "c", "image": "i:2"}]}},
        {**TEMPLATE, "spec": {**TEMPLATE["spec"], "volumes": [{"name": "v"}]}},
    ],
    ids=["annotation", "label", "image", "kind of volume"],
)
def test_everything_else_is_another_release(other: dict[str, Any]) -> None:
    """Whatever changes what runs changes the digest; an empty map inside the spec says something too."""
    assert digest(other) != digest(TEMPLATE)


def test_images_of_init_containers_come_last() -> None:
    """The first image names the release for people."""
    assert read_template(TEMPLATE).images == ("i:1", "init:1")


@pytest.mark.parametrize(
    ("spec", "query"),
    [
        ({}, ""),
        ({"matchLabels": {"b": "2", "a": ""}}, "a=,b=2"),
        (
            {
                "matchExpressions": [
                    {"key": "tier", "operator": "In", "values": ["x", "y"]},
                    {"key": "env", "operator": "NotIn", "values": ["dev"]},
                    {"key": "app", "operator": "Exists"},
                    {"key": "old", "operator": "DoesNotExist"},
                ]
            },
            "tier in (x,y),env notin (dev),app,!old",
        ),
    ],
)
def test_selectors_are_spelled_as_queries(spec: dict[str, Any], query: str) -> None:
    """Each operator of a label selector has its spelling in a query."""
    assert selector(spec) == query
