"""`holdfast undo KIND/NAME` and `holdfast lift KIND/NAME`: a person's word on one release, and what follows from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Final

import click

from holdfast.cluster.asks import Meant, Word, say, to_allow, to_undo
from holdfast.cluster.client import Client
from holdfast.core.objective import Workload

from .talking import context_option, kubeconfig_option, with_client

KINDS: Final = {
    "Deployment": ("deployment", "deployments", "deploy"),
    "StatefulSet": ("statefulset", "statefulsets", "sts"),
    "DaemonSet": ("daemonset", "daemonsets", "ds"),
}
LONGEST: Final = 1024
"""Characters of a reason."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What was said on the command line about one release: None where it was left out."""

    workload: str | None
    namespace: str | None
    reason: str | None

    @property
    def given(self) -> bool:
        """Whether anything was said."""
        return any((self.workload, self.namespace, self.reason))

    def named(self) -> tuple[str, str]:
        """Kind and name of the workload that is meant; raises UsageError."""
        kind, slash, name = (self.workload or "").partition("/")
        found = next((known for known, spelled in KINDS.items() if kind.lower() in spelled), None)
        if not slash or not name or found is None:
            raise click.UsageError(
                f"say which workload, as KIND/NAME with one of {', '.join(s[0] for s in KINDS.values())}: "
                "for example deployment/checkout"
            )
        return found, name

    def why(self) -> str:
        """The reason; raises UsageError."""
        reason = (self.reason or "").strip()
        if not reason or len(reason) > LONGEST:
            raise click.UsageError(f'say why, in up to {LONGEST} characters: --reason "…"; it is shown with your name')
        return reason


def release_options(command: Callable[..., None]) -> Callable[..., None]:
    """KIND/NAME, --namespace and --reason, which the command gets together as `asked`."""

    @click.argument("workload", metavar="KIND/NAME", required=False)
    @click.option("-n", "--namespace", help="The namespace; otherwise the one of the context.")
    @click.option("--reason", help="Why, for people; shown with your name. Required with KIND/NAME.")
    @wraps(command)
    def asking(workload: str | None, namespace: str | None, reason: str | None, **others: object) -> None:
        command(asked=Asked(workload, namespace, reason), **others)

    return asking


@click.command(short_help="Undo the release of a workload.")
@release_options
@kubeconfig_option
@context_option
def undo(asked: Asked, kubeconfig: Path | None, context: str | None) -> None:
    """Undo the release that a workload declares now: the last good one serves again, and this one does not roll out again.

    Another template of a Deployment rolls out as soon as it is applied. `holdfast lift KIND/NAME` lets the release out again. Needs the
    right to override holds.
    """
    (kind, name), reason = asked.named(), asked.why()

    async def work(client: Client, default: str) -> list[str]:
        meant = await to_undo(client, Workload(asked.namespace or default, kind, name))
        by = await say(client, meant, Word.UNDO, reason)
        return list(undoing(meant, by))

    for line in with_client(kubeconfig, context, work):
        click.echo(line)


def let_out(asked: Asked, kubeconfig: Path | None, context: str | None) -> None:
    """Let a release out that was undone, and say what follows."""
    (kind, name), reason = asked.named(), asked.why()

    async def work(client: Client, default: str) -> list[str]:
        meant = await to_allow(client, Workload(asked.namespace or default, kind, name))
        by = await say(client, meant, Word.ALLOW, reason)
        return list(letting_out(meant, by))

    for line in with_client(kubeconfig, context, work):
        click.echo(line)


def undoing(meant: Meant, by: str) -> Iterator[str]:
    """What was asked for, what happens, how to see it and how to take it back."""
    workload = meant.record.workload
    yield f"Asked by {by}: undo {release(meant)}."
    if meant.record.readiness is None:
        yield "It has not been judged yet whether that is possible; the Hold will say so."
    else:
        yield meant.record.readiness.why
    if workload.kind == "Deployment":
        yield (
            "Holdfast lets the last good release serve again. What is declared stays declared, and waits: another template "
            "rolls out as soon as it is applied."
        )
    else:
        yield (
            "Holdfast puts the template of the last good release back, once, and holds the workload: any other template is "
            "refused until somebody lets it, also where Git declares it."
        )
    yield from _look(meant)
    yield f'Take it back: holdfast lift {_short(workload)} -n {workload.namespace} --reason "…"'


def letting_out(meant: Meant, by: str) -> Iterator[str]:
    """The same for a release that was undone and may roll out again."""
    workload = meant.record.workload
    yield f"Asked by {by}: let out {release(meant)}, which was undone."
    if workload.kind == "Deployment":
        yield "Where it is what the workload declares, it rolls out again; it is not undone a second time."
    else:
        yield "Once it is applied it rolls out again; it is not undone a second time."
    yield from _look(meant)


def release(meant: Meant) -> str:
    """Which release, in words."""
    record = meant.record
    images = f" ({', '.join(record.template.images)})" if record.template.images else ""
    return f"release {record.name}{images} of {_short(record.workload)} in {record.workload.namespace}"


def _look(meant: Meant) -> Iterator[str]:
    workload = meant.record.workload
    yield f"Watch: kubectl get hold {workload.hold_name} -n {workload.namespace} -w"
    yield f"       kubectl get wrel {meant.record.name} -n {workload.namespace}"


def _short(workload: Workload) -> str:
    return f"{workload.kind.lower()}/{workload.name}"
