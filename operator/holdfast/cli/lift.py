"""`holdfast lift`: letting one release out that was undone, or, with --all, the way out that leaves nothing behind; and
`holdfast resume`, the way back from that.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Final

import click

from holdfast.cluster.client import Client
from holdfast.cluster.errors import ClusterError, Exists, NotFound
from holdfast.cluster.lift import Deed, lift_all
from holdfast.core.quantities import Seconds
from holdfast.service.switch import EVERY, LEASES, SWITCH

from .talking import context_option, kubeconfig_option, with_client
from .undo import Asked, let_out, release_options

PATIENCE: Final[Seconds] = 15
"""How long an operator gets to see the switch and to let go of what it held meanwhile."""

namespace_option = click.option(
    "--operator-namespace", default="holdfast-system", show_default=True, help="Where Holdfast is installed."
)


@click.command(short_help="Let out a release that was undone; or switch enforcing off and lift every hold.")
@release_options
@click.option("--all", "everything", is_flag=True, help="Every hold of the cluster.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@namespace_option
@kubeconfig_option
@context_option
def lift(
    asked: Asked,
    everything: bool,
    dry_run: bool,
    operator_namespace: str,
    kubeconfig: Path | None,
    context: str | None,
) -> None:
    """Let out a release that was undone: KIND/NAME and --reason. It rolls out again, and is not undone a second time.

    With --all: switch enforcing off and lift every hold, with or without a running operator. Takes the labels off all
    Deployments, ReplicaSets, StatefulSets and DaemonSets, resumes the rollouts that Holdfast paused (and no others), and
    deletes the Holds. `holdfast resume` switches enforcing on again. Either needs the right to override holds.
    """
    if everything == asked.given:
        raise click.UsageError(
            "say which release that was undone is let out, KIND/NAME with --reason, or say --all and lift every hold; one "
            "hold is let through by the command in its denial message"
        )
    if not everything:
        if dry_run:
            raise click.UsageError("--dry-run goes with --all")
        let_out(asked, kubeconfig, context)
        return

    async def work(client: Client, _: str) -> list[Deed]:
        return await _lift(client, operator_namespace, dry_run)

    deeds = with_client(kubeconfig, context, work)
    for deed in deeds:
        click.secho(deed.what, fg=None if deed.done else "red", err=not deed.done)
    failed = sum(not deed.done for deed in deeds)
    if not deeds:
        click.echo("Nothing is held.")
    if dry_run:
        return
    if failed:
        raise click.ClickException(
            f"{failed} of {len(deeds)} steps could not be done; mend what is said above and run this again."
        )
    click.echo("Enforcing is off until `holdfast resume`.")


@click.command()
@namespace_option
@kubeconfig_option
@context_option
def resume(operator_namespace: str, kubeconfig: Path | None, context: str | None) -> None:
    """Switch enforcing on again after `holdfast lift --all`."""

    async def work(client: Client, _: str) -> str:
        try:
            await client.delete(LEASES, operator_namespace, SWITCH)
        except NotFound:
            return "Enforcing was not switched off."
        return "Enforcing is on again: what the policies ask for is held within seconds."

    click.echo(with_client(kubeconfig, context, work))


async def _lift(client: Client, namespace: str, dry_run: bool) -> list[Deed]:
    if dry_run:
        return await lift_all(client, dry_run=True)
    deeds = await _switch_off(client, namespace)
    deeds += await lift_all(client)
    end = time.monotonic() + PATIENCE
    while deeds and time.monotonic() < end:  # a running operator may have held something before it saw the switch
        await asyncio.sleep(EVERY + 1)
        again = await lift_all(client)
        deeds += again
        if not again:
            break
    return deeds


async def _switch_off(client: Client, namespace: str) -> list[Deed]:
    lease = {
        "apiVersion": LEASES.api_version,
        "kind": LEASES.kind,
        "metadata": {"name": SWITCH, "namespace": namespace},
        "spec": {"holderIdentity": "holdfast lift --all"},
    }
    try:
        await client.create(LEASES, namespace, lease)
    except (Exists, NotFound):  # no such namespace: no operator either
        return []
    except ClusterError as error:
        return [
            Deed(f"Enforcing could not be switched off, so a running operator will hold again. {error}", done=False)
        ]
    return []
