"""A bad release of a hundred pods is undone as one of four is. In a file of its own, so that nobody else has to live beside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest

from tests.e2e.scene import RATE
from tests.e2e.trial import OnTrial

pytestmark = pytest.mark.lab

PARTS: Final[dict[str, dict[str, Any]]] = {"large": {"replicas": 100, "rate": 5 * RATE}}


def test_a_hundred_pods_are_exchanged_as_four_are(on: Callable[[str], OnTrial]) -> None:
    """All bad ones go, and at no moment do fewer serve than a rolling update may leave."""
    scene = on("large")
    assert not scene.release("shop:bad")
    scene.undone("bad", timeout=180)
    assert scene.seen.least_ready() >= 75
