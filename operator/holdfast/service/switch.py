"""The one switch that turns all enforcing off: a Lease in the operator's own namespace, made by `holdfast lift --all`.

A switch that cannot be read stays where it was.
"""

from __future__ import annotations

import time
from typing import Final

import structlog

from holdfast.cluster.client import Client
from holdfast.cluster.errors import ClusterError, NotFound
from holdfast.cluster.resources import Resource
from holdfast.core.quantities import Seconds

SWITCH: Final = "holdfast-off"
"""While a Lease of this name exists, nothing is held."""

LEASES: Final = Resource("coordination.k8s.io", "v1", "leases", "Lease")

EVERY: Final[Seconds] = 2
"""It is looked at this often at most."""

log = structlog.get_logger("holdfast.switch")


class Switch:
    """Whether Holdfast may enforce."""

    def __init__(self, client: Client, namespace: str) -> None:
        """On until it was seen to be off."""
        self.on = True
        self._client, self._namespace = client, namespace
        self._looked = float("-inf")

    async def look(self) -> None:
        """Look again, if it is time to."""
        if time.monotonic() - self._looked < EVERY:
            return
        try:
            await self._client.get(LEASES, self._namespace, SWITCH)
            on = False
        except NotFound:
            on = True
        except ClusterError as error:
            log.warning("the switch cannot be read", error=str(error))
            return
        if on is not self.on:
            log.warning("enforcing is switched " + ("on" if on else "off"), lease=f"{self._namespace}/{SWITCH}")
        self.on, self._looked = on, time.monotonic()
