"""The installed chart, for this folder."""

from tests.fixtures_chart import installed_chart

__all__ = ["installed_chart"]
