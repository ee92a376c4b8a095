"""Records of releases on a real API server, written with the operator's own rights."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from holdfast.api import parse_release, release_body
from holdfast.cluster.act import Acting, Carried, LookAgain, Refused
from holdfast.cluster.client import Client
from holdfast.cluster.errors import Conflict
from holdfast.cluster.releases import forget_release, kept_template
from holdfast.cluster.resources import RELEASES
from holdfast.cluster.store import Store, slim
from holdfast.cluster.templates import digest
from holdfast.cluster.workloads import read
from holdfast.core.objective import ObjectKey, Workload
from holdfast.core.release import Ask, ReleaseRecord, ReleaseState
from holdfast.core.releases import follow
from holdfast.core.request import WriteRelease
from lab import Cluster
from tests.cluster.making import NOW

pytestmark = pytest.mark.lab


async def first(client: Client, cluster: Cluster, namespace: str, name: str = "web") -> ReleaseRecord:
    """The record of the first release of a new Deployment, not written yet."""
    cluster.deployment(namespace, name, "shop:v1", 1)
    view = await read(client, Workload(namespace, "Deployment", name))
    assert view is not None
    (record,) = follow(view.declared, (), NOW)
    return record


async def stored(client: Client, record: ReleaseRecord) -> dict[str, Any]:
    return await client.get(RELEASES, record.workload.namespace, record.name)


@pytest.mark.parametrize("name", ["web", "w" * 60])
async def test_a_record_with_its_template(operator: Client, lab_cluster: Cluster, namespace: str, name: str) -> None:
    """Written, it reads the same, and the whole pod template is kept until it is needed no more."""
    record = await first(operator, lab_cluster, namespace, name)
    acting = Acting(operator)
    assert await acting.carry_out(WriteRelease(record, None)) == Carried()
    body = await stored(operator, record)
    assert parse_release(body) == record
    declared = lab_cluster.get("deployments", namespace, name)["spec"]["template"]
    assert body["status"]["template"] == declared
    assert await kept_template(operator, record.workload, record.template.digest) == declared

    lab_cluster.set_image(namespace, "deployment", name, "shop:v2")
    later = replace(record, state=ReleaseState.SUPERSEDED, ended=NOW + 60)
    assert await acting.carry_out(WriteRelease(later, record)) == Carried()
    assert (await stored(operator, record))["status"]["template"] == declared  # though another one is declared
    bare = replace(later, kept=False)
    assert await acting.carry_out(WriteRelease(bare, later)) == Carried()
    assert parse_release(await stored(operator, record)) == bare
    assert await kept_template(operator, record.workload, record.template.digest) is None


async def test_a_write_relies_on_what_was_seen(
    operator: Client, admin: Client, lab_cluster: Cluster, namespace: str
) -> None:
    """Another record than the known one, a person's word among it, means: look again."""
    record = await first(operator, lab_cluster, namespace)
    acting = Acting(operator)
    assert isinstance(await acting.carry_out(WriteRelease(record, record)), LookAgain)
    await acting.carry_out(WriteRelease(record, None))
    done = replace(record, state=ReleaseState.COMPLETE, completed=NOW)
    assert isinstance(await acting.carry_out(WriteRelease(done, None)), LookAgain)
    asked = {"spec": {"undo": {"requestedBy": "admin", "reason": "it is slow"}}}
    await admin.merge_patch(RELEASES, namespace, record.name, asked)
    assert isinstance(await acting.carry_out(WriteRelease(done, record)), LookAgain)
    heard = replace(record, undo=Ask("admin", "it is slow"))
    assert parse_release(await stored(operator, record)) == heard
    done = replace(done, undo=heard.undo)
    assert await acting.carry_out(WriteRelease(done, heard)) == Carried()
    with pytest.raises(Conflict):
        await forget_release(operator, heard)
    await forget_release(operator, done)
    await forget_release(operator, done)  # again: it is gone already
    assert await kept_template(operator, record.workload, record.template.digest) is None


async def test_a_template_that_is_gone_is_not_made_up(operator: Client, lab_cluster: Cluster, namespace: str) -> None:
    """Another one is declared before the first was written: look again, and nothing is stored."""
    record = await first(operator, lab_cluster, namespace)
    lab_cluster.set_image(namespace, "deployment", "web", "shop:v2")
    found = await Acting(operator).carry_out(WriteRelease(record, None))
    assert isinstance(found, LookAgain)
    assert "declares another pod template" in found.why
    assert not await operator.everything(RELEASES, namespace)


async def test_a_write_that_was_cut_short_is_finished(operator: Client, lab_cluster: Cluster, namespace: str) -> None:
    """Created without a status: the next write takes it from there."""
    record = await first(operator, lab_cluster, namespace)
    acting = Acting(operator)
    await operator.create(RELEASES, namespace, release_body(record))
    assert parse_release(await stored(operator, record)) is None
    assert await acting.carry_out(WriteRelease(record, None)) == Carried()
    assert parse_release(await stored(operator, record)) == record


async def test_an_unreadable_record_is_not_written_over(operator: Client, lab_cluster: Cluster, namespace: str) -> None:
    """It is refused with a sentence that says what to do."""
    record = await first(operator, lab_cluster, namespace)
    acting = Acting(operator)
    await acting.carry_out(WriteRelease(record, None))
    odd = {"slo": "x", "requests": "many", "bad": "1", "spent": "1", "finding": "Bad"}
    status = {**(await stored(operator, record))["status"], "costs": [odd]}
    await operator.apply_status(RELEASES, namespace, record.name, status)
    found = await acting.carry_out(WriteRelease(record, record))
    assert isinstance(found, Refused)
    assert "'many' is no number" in found.why
    assert "Delete it, and it is made anew." in found.why


async def test_which_release_it_is_never_changes(
    operator: Client, admin: Client, lab_cluster: Cluster, namespace: str
) -> None:
    """The server refuses another workload or template, and two words that contradict each other."""
    record = await first(operator, lab_cluster, namespace)
    await Acting(operator).carry_out(WriteRelease(record, None))
    ask = {"requestedBy": "admin", "reason": "x"}
    for change, sentence in (
        ({"template": "x"}, "say which release this is and cannot be changed"),
        ({"workload": {"kind": "Deployment", "name": "x"}}, "say which release this is and cannot be changed"),
        ({"undo": ask, "allow": ask}, "undo and allow contradict each other"),
    ):
        done = lab_cluster.kubectl(
            "-n",
            namespace,
            "patch",
            "wrel",
            record.name,
            "--type=merge",
            f"-p={json.dumps({'spec': change})}",
            check=False,
        )
        assert sentence in done.stderr


async def test_the_store_keeps_no_templates(
    operator: Client, store: Store, lab_cluster: Cluster, namespace: str
) -> None:
    """The record is read from the store as from the server, and its pod template is not in memory."""
    record = await first(operator, lab_cluster, namespace)
    await Acting(operator).carry_out(WriteRelease(record, None))
    key = ObjectKey(namespace, record.name)
    for _ in range(100):
        body = store.get(RELEASES, key)
        if body is not None and "status" in body:
            break
        store.changed.clear()
        await store.changed.wait()
    assert body is not None
    assert body["status"]["template"] == {}
    assert parse_release(body) == record
    full = await stored(operator, record)
    assert digest(full["status"]["template"]) == record.template.digest
    assert len(str(dict(slim(RELEASES, full)))) < len(str(full))
