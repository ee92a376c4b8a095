"""`holdfast run`: the operator itself."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import click

from holdfast.service.logs import configure
from holdfast.service.settings import SettingsError, load


@click.command()
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    default=Path("/etc/holdfast/config.yaml"),
    show_default=True,
    help="The configuration file; the chart writes it.",
)
@click.option("--kubeconfig", type=click.Path(path_type=Path), help="Outside of a cluster: how to reach it.")
def run(config: Path, kubeconfig: Path | None) -> None:
    """Run the operator until SIGTERM. Ends with 2 when the configuration cannot be used."""
    try:
        settings = load(config)
    except SettingsError as error:
        click.secho(str(error), fg="red", err=True)
        raise SystemExit(2) from error
    configure(settings.log)
    from holdfast.service.wiring import serve  # noqa: PLC0415 - Kopf and the client are slow to import

    namespace = os.environ.get("POD_NAMESPACE", "holdfast-system")
    raise SystemExit(asyncio.run(serve(settings, kubeconfig, namespace)))
