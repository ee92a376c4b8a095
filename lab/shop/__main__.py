"""`python -m lab.shop KUBECONFIG PORT RATE`: the shop's process, started by lab.shop.client."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from lab.shop.server import Server
from lab.shop.watch import Connection

if __name__ == "__main__":
    kubeconfig, port, rate = sys.argv[1:]
    connection = Connection.read(Path(kubeconfig))

    async def _serve() -> None:
        await Server(int(port), float(rate)).run(connection)

    asyncio.run(_serve())
