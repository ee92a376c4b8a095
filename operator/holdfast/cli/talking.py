"""How a command reaches the cluster, and how it says what went wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import click

from holdfast.cluster.client import Client
from holdfast.cluster.connection import connect
from holdfast.cluster.errors import ClusterError

T = TypeVar("T")

kubeconfig_option = click.option(
    "--kubeconfig",
    type=click.Path(path_type=Path),
    help="How to reach the cluster; otherwise KUBECONFIG or ~/.kube/config.",
)
context_option = click.option("--context", help="The context of the kubeconfig.")


def with_client(kubeconfig: Path | None, context: str | None, work: Callable[[Client, str], Awaitable[T]]) -> T:
    """Run `work` with a client and the namespace of the context; a ClusterError ends the command with its sentence."""

    async def run() -> T:
        connection = await connect(kubeconfig, context)
        async with Client(connection) as client:
            return await work(client, connection.namespace or "default")

    try:
        return asyncio.run(run())
    except ClusterError as error:
        raise click.ClickException(str(error)) from error
