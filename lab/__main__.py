"""`python -m lab`: build the programs, or keep a lab up in this terminal.

Rule: the lab lives exactly as long as the command; Ctrl-C ends everything.
"""

from __future__ import annotations

import os
import shlex
import signal
import sys
import threading

import click

import lab
from lab.build import ensure
from lab.groups import GROUPS
from lab.progress import to_stderr


@click.group(help=__doc__.splitlines()[0] if __doc__ else None)
def main() -> None:
    """The group of commands."""


@main.command()
@click.argument("groups", nargs=-1, type=click.Choice(list(GROUPS)))
def build(groups: tuple[str, ...]) -> None:
    """Compile the programs of the named GROUPS (all when none is named) into the cache."""
    for name, folder in ensure(*(groups or GROUPS)).items():
        click.echo(f"{name}: {folder}")


@main.command()
@click.option("--scrape", default="1s", show_default=True, help="Scrape interval of Prometheus.")
@click.option("--rate", default=100.0, show_default=True, help="Requests/s per workload of the shop.")
@click.option("--keep", is_flag=True, help="Leave the folder with all logs in place at the end.")
def up(scrape: str, rate: float, keep: bool) -> None:
    """Keep a lab up and print how to reach it; Ctrl-C ends it."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: ended.set())
    with lab.cluster("up", scrape=scrape, rate=rate, keep=keep, log=to_stderr) as cluster:
        cluster.ensure("helm")
        click.echo(_directions(cluster))
        sys.stdout.flush()
        ended.wait()
        to_stderr("stopping the lab")


def _directions(cluster: lab.Cluster) -> str:
    programs = os.pathsep.join(shlex.quote(str(folder)) for folder in cluster.programs)
    return "\n".join(
        (
            f"export KUBECONFIG={shlex.quote(str(cluster.kubeconfig))}",
            f'export PATH={programs}{os.pathsep}"$PATH"',
            f"# Prometheus   {cluster.prometheus.url}",
            f"# fault proxy  {cluster.proxy.url}",
            f"# shop control {cluster.shop.url}",
            f"# logs         {cluster.dir}",
            "# Ctrl-C ends everything.",
        )
    )


if __name__ == "__main__":
    try:
        main()
    except lab.LabError as error:
        sys.exit(f"Error: {error}")
