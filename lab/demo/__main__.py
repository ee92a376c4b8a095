"""`python -m lab.demo`: run the story, print the timeline, end with 1 when a step did not happen."""

from __future__ import annotations

import signal
import sys
import threading
import time

import click
from rich import box
from rich.table import Table

import lab
from lab.chart import install
from lab.demo.screen import Screen
from lab.demo.shop import Watcher
from lab.demo.story import Story
from lab.errors import LabError
from lab.operator import Operator
from lab.progress import to_stderr


@click.command()
@click.option("--keep", is_flag=True, help="Stay when the story is over, to play with the cluster; Ctrl-C ends it.")
def main(keep: bool) -> None:
    """Show a bad release being undone, and an empty budget being held."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    began = time.monotonic()
    try:
        with lab.cluster("demo", log=to_stderr) as cluster:
            to_stderr("installing the chart with Helm")
            chart = install(cluster)
            operator = Operator(cluster, chart.kubeconfig, chart.namespace)
            operator.start()
            to_stderr(f"operator ready after {time.monotonic() - began:.1f} s")
            failed = _tell(cluster, operator)
            if keep:
                _stay(cluster, operator)
            operator.process.stop()
    except KeyboardInterrupt:
        sys.exit(130)
    except LabError as error:
        click.secho(str(error), fg="red", err=True)
        sys.exit(1)
    click.echo(f"The demo took {time.monotonic() - began:.0f} s.")
    sys.exit(failed)


def _tell(cluster: lab.Cluster, operator: Operator) -> int:
    """The story and its timeline; 1 when something did not happen."""
    watcher = Watcher(cluster)
    failed = 0
    with Screen(lambda: watcher.picture) as screen:
        watcher.start()
        story = Story(cluster, screen)
        try:
            story.run()
        except LabError as error:
            screen.say(f"This did not happen: {error}")
            failed = 1
        watcher.stop()
    zero = story.marks.get("v2: first bad request")
    if zero is not None:
        table = Table(
            "what",
            "seconds since the first bad request",
            title="Timeline",
            title_justify="left",
            box=box.SIMPLE,
            show_edge=False,
        )
        for what, at in sorted(story.marks.items(), key=lambda mark: mark[1]):
            table.add_row(what, f"{at - zero:.1f}")
        screen.console.print(table)
    if failed:
        click.echo("\n".join(operator.log_lines()[-20:]), err=True)
    return failed


def _stay(cluster: lab.Cluster, operator: Operator) -> None:
    ended = threading.Event()
    signal.signal(signal.SIGINT, lambda *_: ended.set())
    path = ":".join(str(folder) for folder in cluster.programs)
    click.echo(f"\nThe cluster stays until Ctrl-C. In another terminal:\n  export KUBECONFIG={cluster.kubeconfig}")
    click.echo(
        f'  export PATH={path}:"$PATH"\n  kubectl get slo,ebp,holds,wrel -A\n# operator metrics: {operator.url}/metrics'
    )
    ended.wait()


if __name__ == "__main__":
    main()
