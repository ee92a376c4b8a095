"""What the operator says of itself, and what it does not."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
import structlog

from holdfast.service.logs import configure
from holdfast.service.settings import LogSettings


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Logging is the process's: other tests find it as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_traceback_shows_no_values(form: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Variables may hold tokens and objects of the cluster: where it happened is told, and not with what."""
    configure(LogSettings(format=form))
    try:
        fail("s3cr" + "et")
    except RuntimeError:
        structlog.get_logger("holdfast.test").exception("it broke", part="test")
    said = capfd.readouterr().err
    assert "it broke" in said
    assert "test_logs.py" in said
    assert "s3cret" not in said


def fail(token: str) -> None:
    """With a secret at hand."""
    raise RuntimeError(len(token))
