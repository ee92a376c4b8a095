"""What a pod template needs to start, read from its JSON."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.cluster.needs import demands, named, quantity


def template(*containers: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": f"c{i}", **c} for i, c in enumerate(containers)], **spec}}


def test_everything_that_a_pod_cannot_start_without() -> None:
    """Volumes of all forms, environments of all containers, and each name once."""
    made = template(
        {"envFrom": [{"configMapRef": {"name": "env"}}, {"secretRef": {"name": "env"}}]},
        {
            "env": [
                {"name": "A", "value": "a"},
                {"name": "B", "valueFrom": {"configMapKeyRef": {"name": "env", "key": "b"}}},
                {"name": "C", "valueFrom": {"secretKeyRef": {"name": "key", "key": "c"}}},
                {"name": "D", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            ]
        },
        initContainers=[{"name": "i", "envFrom": [{"configMapRef": {"name": "init"}}]}],
        volumes=[
            {"name": "a", "configMap": {"name": "files"}},
            {"name": "b", "secret": {"secretName": "tls"}},
            {"name": "c", "csi": {"driver": "x", "nodePublishSecretRef": {"name": "csi"}}},
            {"name": "d", "projected": {"sources": [{"configMap": {"name": "part"}}, {"secret": {"name": "part"}}]}},
            {"name": "e", "emptyDir": {}},
        ],
    )
    assert [str(n) for n in named(made)] == [
        "ConfigMap env",
        "ConfigMap files",
        "ConfigMap init",
        "ConfigMap part",
        "Secret csi",
        "Secret env",
        "Secret key",
        "Secret part",
        "Secret tls",
    ]


def test_what_is_optional_is_not_needed() -> None:
    """A pod starts without it; without a Secret for pulling images too, where the image is there."""
    made = template(
        {"envFrom": [{"secretRef": {"name": "a", "optional": True}}]},
        {"env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "b", "key": "k", "optional": True}}}]},
        volumes=[{"name": "v", "secret": {"secretName": "c", "optional": True}}],
        imagePullSecrets=[{"name": "d"}],
    )
    assert named(made) == ()
    assert named({}) == ()


def asks(cpu: str | None = None, limit: str | None = None, **more: Any) -> dict[str, Any]:
    resources = {key: {"cpu": value} for key, value in (("requests", cpu), ("limits", limit)) if value is not None}
    return {"resources": resources, **more}


@pytest.mark.parametrize(
    ("made", "requests", "limits"),
    [
        (template({}), None, None),
        (template(asks("250m"), asks("1")), "1.25", None),
        (template(asks(limit="2")), "2", "2"),
        (template(asks("1"), initContainers=[asks("3"), asks("2")]), "3", None),
        (template(asks("1"), initContainers=[asks("1", restartPolicy="Always"), asks("3")]), "4", None),
        (template(asks("3"), initContainers=[asks("1", restartPolicy="Always"), asks("1")]), "4", None),
        (template(asks("1"), overhead={"cpu": "100m"}), "1.1", "0.1"),
    ],
)
def test_what_one_pod_takes_of_a_quota(made: dict[str, Any], requests: str | None, limits: str | None) -> None:
    """As the scheduler counts: containers add up, init containers run one by one, sidecars go on, overhead comes on top."""
    found = demands(made)
    assert (found["pods"], found["count/pods"]) == (1, 1)
    for word, wanted in (("cpu", requests), ("requests.cpu", requests), ("limits.cpu", limits)):
        assert found.get(word) == (None if wanted is None else Fraction(wanted))


@pytest.mark.parametrize(
    ("text", "value"),
    [("0", 0), ("1", 1), ("250m", "1/4"), ("1.5Gi", 3 * 2**29), ("1e3", 1000), ("2k", 2000), ("5M", 5_000_000), (".5", "1/2"),
     ("10n", "1/100000000"), ("1E", 10**18), ("1Ei", 2**60), ("1E2", 100), ("-1", -1)],
)  # fmt: skip
def test_quantities(text: str, value: int | str) -> None:
    """Every form that Kubernetes writes has its exact value."""
    assert quantity(text) == Fraction(value)


@given(st.text(max_size=12))
def test_what_is_no_quantity_is_told(text: str) -> None:
    """Anything is a number or a ValueError."""
    try:
        assert isinstance(quantity(text), Fraction)
    except ValueError as error:
        assert "is no quantity" in str(error)
