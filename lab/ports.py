"""Which loopback port is free, and stays free while its program restarts?

Rule: ports lie below the range the kernel hands out for outgoing connections, so no client can take one between a stop
and a start; they are picked at random, so two labs started together do not meet.
"""

from __future__ import annotations

import random
import socket
from typing import Final

LOOPBACK: Final = "127.0.0.1"
_RANGE: Final = range(20000, 32000)
_given: Final[set[int]] = set()
_dice: Final = random.SystemRandom()


def free_port() -> int:
    """A TCP port on 127.0.0.1 that nobody listens on and that this process has not handed out before."""
    while True:
        port = _dice.choice(_RANGE)
        if port in _given:
            continue
        with socket.socket() as probe:
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
        _given.add(port)
        return port


def listens(port: int) -> bool:
    """Whether somebody accepts connections on the port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0
