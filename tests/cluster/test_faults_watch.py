"""What the watch makes of every fault between us and the API server, each of them provoked on a real one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import lab
from holdfast.cluster.resources import ADJUSTMENTS, DEPLOYMENTS, HOLDS, OBJECTIVES, POLICIES, WATCHED, Resource
from holdfast.cluster.sweep import Rhythm
from holdfast.cluster.watch import WatchFailed
from holdfast.core.objective import ObjectKey
from tests.cluster.faulty import QUICK, Eyes, install_crds, remove_crds, watching

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def cluster() -> Iterator[lab.Cluster]:
    """A lab of its own: these tests delete definitions and stop the API server."""
    with lab.cluster("faults", prometheus=False) as made:
        install_crds(made)
        yield made


@pytest.fixture
def place(cluster: lab.Cluster) -> Iterator[str]:
    """A fresh namespace, with the definitions installed and everything running."""
    cluster.mend()
    install_crds(cluster)
    yield cluster.namespace()
    cluster.mend()


def hold(cluster: lab.Cluster, namespace: str, workload: str) -> ObjectKey:
    """Create a Hold without a record: any object of ours will do."""
    name = f"deployment-{workload}"
    path = f"/apis/{HOLDS.api_version}/namespaces/{namespace}/{HOLDS.plural}"
    spec = {"workload": {"kind": "Deployment", "name": workload}}
    body = {"apiVersion": HOLDS.api_version, "kind": HOLDS.kind, "metadata": {"name": name}, "spec": spec}
    cluster.raw("POST", path, body)
    return ObjectKey(namespace, name)


def delete(cluster: lab.Cluster, resource: Resource, key: ObjectKey) -> None:
    """Delete it behind the watch's back."""
    path = f"/apis/{resource.api_version}/namespaces/{key.namespace}/{resource.plural}/{key.name}"
    cluster.raw("DELETE", path)


def known(eyes: Eyes, key: ObjectKey, resource: Resource = HOLDS) -> bool:
    """Whether the store has it."""
    return eyes.store.get(resource, key) is not None


async def test_what_comes_and_goes_is_seen(cluster: lab.Cluster, place: str) -> None:
    """What there is, what comes and what goes is known within seconds."""
    before = hold(cluster, place, "before")
    async with watching(cluster) as eyes:
        await eyes.synced()
        assert known(eyes, before)
        later = hold(cluster, place, "later")
        cluster.deployment(place, "web", "shop:v1", replicas=1)
        web = ObjectKey(place, "web")
        await eyes.sees(lambda: known(eyes, later) and known(eyes, web, DEPLOYMENTS), "both new objects")
        delete(cluster, HOLDS, later)
        delete(cluster, DEPLOYMENTS, web)
        await eyes.sees(lambda: not known(eyes, later) and not known(eyes, web, DEPLOYMENTS), "both deletions")
        assert known(eyes, before)
        assert eyes.store.synced()


async def test_deleted_while_cut(cluster: lab.Cluster, place: str) -> None:
    """What was deleted while the watch was cut is gone after it is back, though no event says so."""
    stays, goes = hold(cluster, place, "stays"), hold(cluster, place, "goes")
    cluster.deployment(place, "web", "shop:v1", replicas=1)
    web = ObjectKey(place, "web")
    async with watching(cluster) as eyes:
        await eyes.synced()
        await eyes.wire.cut()
        delete(cluster, HOLDS, goes)
        delete(cluster, DEPLOYMENTS, web)
        await asyncio.sleep(2)  # longer than all of Kopf's own retries
        assert known(eyes, goes), "while nothing can be listed nothing is gone"
        await eyes.wire.mend()
        await eyes.sees(lambda: not known(eyes, goes) and not known(eyes, web, DEPLOYMENTS), "the deletions")
        await eyes.synced()
        assert known(eyes, stays)


async def test_created_again_while_cut(cluster: lab.Cluster, place: str) -> None:
    """An object that was deleted and created again under its name while the watch was cut is the new one."""
    key = hold(cluster, place, "again")
    async with watching(cluster) as eyes:
        await eyes.synced()
        old = eyes.store.get(HOLDS, key)
        await eyes.wire.cut()
        delete(cluster, HOLDS, key)
        hold(cluster, place, "again")
        await eyes.wire.mend()
        await eyes.sees(lambda: uid(eyes, key) != (old or {})["metadata"]["uid"] and known(eyes, key), "the new one")


def uid(eyes: Eyes, key: ObjectKey) -> str | None:
    """The UID that is known under this name."""
    found: Any = eyes.store.get(HOLDS, key)
    return None if found is None else found["metadata"]["uid"]


async def test_api_server_away(cluster: lab.Cluster, place: str) -> None:
    """While the API server is away nothing is synced and nothing is gone; when it is back all goes on by itself.

    That is no failure of the watch, however long it takes.
    """
    key = hold(cluster, place, "here")
    async with watching(cluster, pace=replace(QUICK, failures=1)) as eyes:
        await eyes.synced()
        await asyncio.to_thread(cluster.apiserver.kill)
        await eyes.sees(lambda: not eyes.store.synced(), "that it is not synced")
        await asyncio.sleep(2)
        assert known(eyes, key)
        assert not eyes.store.synced()
        await asyncio.to_thread(cluster.mend)
        await eyes.synced()
        assert known(eyes, key)
        later = hold(cluster, place, "later")
        await eyes.sees(lambda: known(eyes, later), "an object created afterwards")


async def test_silent_wire(cluster: lab.Cluster, place: str) -> None:
    """A watch whose connection has died without a word blinds nobody: the lists beside it see what it misses."""
    goes = hold(cluster, place, "goes")
    often = replace(QUICK, rhythm=Rhythm(every=1, gather=0.1, first_retry=0.2, last_retry=0.5, confirm=0.2))
    async with watching(cluster, pace=often) as eyes:
        await eyes.synced()
        eyes.wire.hush()
        later = hold(cluster, place, "later")
        delete(cluster, HOLDS, goes)
        await eyes.sees(lambda: known(eyes, later) and not known(eyes, goes), "both by lists alone")


async def test_definitions_installed_later(cluster: lab.Cluster, place: str) -> None:
    """Without the definitions it waits, says which are missing, and begins when they are there."""
    remove_crds(cluster)
    async with watching(cluster) as eyes:
        missing = ("install the custom resource definitions", *map(str, (ADJUSTMENTS, OBJECTIVES, POLICIES, HOLDS)))
        await eyes.sees(lambda: all(part in eyes.watch.problem for part in missing), "what is missing")
        assert not eyes.store.synced()
        await asyncio.to_thread(install_crds, cluster)
        await eyes.synced()
        assert eyes.watch.problem == ""
        later = hold(cluster, place, "later")
        await eyes.sees(lambda: known(eyes, later), "an object created afterwards")


async def test_definitions_removed_and_installed_again(cluster: lab.Cluster, place: str) -> None:
    """Definitions removed under a running watch are waited for again, and it is no failure, however often it happens.

    The server empties a definition before it removes it, so a list in between may already say that all is gone.
    """
    async with watching(cluster, pace=replace(QUICK, failures=1)) as eyes:
        for round_ in ("one", "two"):
            key = hold(cluster, place, round_)
            await eyes.sees(lambda key=key: known(eyes, key), "the object")  # type: ignore[misc]
            await asyncio.to_thread(remove_crds, cluster)
            await eyes.sees(lambda: "has no" in eyes.watch.problem, "what is missing")
            assert not eyes.store.synced()
            await asyncio.to_thread(install_crds, cluster)
            await eyes.sees(lambda key=key: not known(eyes, key), "that the object is gone")  # type: ignore[misc]
            await eyes.synced()


@pytest.mark.parametrize("verb", ["watch", "list"])
async def test_missing_right(cluster: lab.Cluster, place: str, verb: str) -> None:
    """An account that may not list or watch a kind ends the watch with a sentence that names the right."""
    token = account(cluster, place, f"without-{verb}", {verb})
    async with watching(cluster, token, replace(QUICK, failures=1)) as eyes:
        with pytest.raises(WatchFailed, match=f"may not {verb} {HOLDS}"):
            await asyncio.wait_for(eyes.task, 30)
        assert not eyes.store.synced()


async def test_enough_rights(cluster: lab.Cluster, place: str) -> None:
    """The right to get, list and watch is enough to see everything."""
    async with watching(cluster, account(cluster, place, "reader", set())) as eyes:
        await eyes.synced()


async def test_refused_credentials(cluster: lab.Cluster, place: str) -> None:
    """Credentials that are refused, with no others to be had, end the watch with a sentence that says so."""
    async with watching(cluster, "nonsense") as eyes:
        with pytest.raises(WatchFailed, match="credentials"):
            await asyncio.wait_for(eyes.task, 30)


async def test_token_replaced(cluster: lab.Cluster, place: str, tmp_path: Path) -> None:
    """A projected token that has expired and is replaced in its file is picked up without a restart."""
    file = tmp_path / "token"
    file.write_text("expired")
    async with watching(cluster, pace=replace(QUICK, failures=1000), token_file=file) as eyes:
        await asyncio.sleep(1)
        assert not eyes.store.synced()
        file.write_text(cluster.access.admin_token)
        await eyes.synced()


async def test_nobody_elses_task_ends(cluster: lab.Cluster, place: str) -> None:
    """A task that was started after the watch outlives a failure of the watch."""
    async with watching(cluster) as eyes:
        await eyes.synced()
        bystander = asyncio.create_task(asyncio.sleep(60))
        await asyncio.to_thread(remove_crds, cluster)
        await eyes.sees(lambda: "has no" in eyes.watch.problem, "that Kopf has ended")
        assert not bystander.done()
        bystander.cancel()


def account(cluster: lab.Cluster, namespace: str, name: str, without: set[str]) -> str:
    """A token of a ServiceAccount that may read all kinds, holds without these verbs."""
    verbs = ["get", "list", "watch"]
    rules = [
        {
            "apiGroups": [kind.group],
            "resources": [kind.plural],
            "verbs": [v for v in verbs if v not in without] if kind == HOLDS else verbs,
        }
        for kind in WATCHED
    ]
    role = f"{namespace}-{name}"
    cluster.kubectl("create", "serviceaccount", name, "-n", namespace)
    body = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": role}}
    cluster.kubectl("apply", "-f", "-", input=json.dumps({**body, "rules": rules}))
    cluster.kubectl(
        "create", "clusterrolebinding", role, f"--clusterrole={role}", f"--serviceaccount={namespace}:{name}"
    )
    return cluster.service_account_token(namespace, name)
