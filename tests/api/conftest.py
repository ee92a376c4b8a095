"""The kinds on a real API server, brought there by the chart that ships them."""

from tests.fixtures_chart import installed_chart

__all__ = ["installed_chart"]
