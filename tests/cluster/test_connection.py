"""Which server, as whom, and what its answers mean."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from holdfast.cluster.client import Client
from holdfast.cluster.connection import Connection, connect
from holdfast.cluster.errors import (
    BadConnection,
    ClusterError,
    Conflict,
    Denied,
    Exists,
    Gone,
    NotFound,
    NotLoggedIn,
    Rejected,
    Unreachable,
    answered,
)
from holdfast.cluster.resources import DEPLOYMENTS, OBJECTIVES, POLICIES, REPLICASETS
from lab import Cluster
from tests.cluster.making import objective
from tests.fixtures_chart import InstalledChart


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, "", Rejected),
        (401, "", NotLoggedIn),
        (403, "", Denied),
        (403, '{"details": {"causes": [{"reason": "NamespaceTerminating"}]}}', NotFound),
        (404, "page not found", NotFound),
        (409, '{"reason": "Conflict"}', Conflict),
        (409, '{"reason": "AlreadyExists"}', Exists),
        (410, '{"reason": "Expired"}', Gone),
        (422, '{"reason": "Invalid"}', Rejected),
        (429, "", Unreachable),
        (500, '{"message": ".status.x: field not declared in schema"}', Rejected),
        (500, '{"message": "etcdserver: request timed out"}', Unreachable),
        (503, "<html>", Unreachable),
    ],
)
def test_every_status_has_its_error(status: int, body: str, kind: type[ClusterError]) -> None:
    """What may be better later, what needs another look and what never helps are told apart."""
    error = answered(status, body, "patch", "holds.holdfast.dev", "a")
    assert type(error) is kind
    assert "patch holds.holdfast.dev a" in str(error)


async def test_without_any_configuration_a_sentence_says_what_is_missing(tmp_path: Path) -> None:
    """A path that does not exist is named."""
    with pytest.raises(BadConnection, match=str(tmp_path)):
        await connect(tmp_path / "none")


async def test_the_service_account_of_a_pod_is_used_and_its_token_read_again(tmp_path: Path) -> None:
    """The kubelet swaps the token; the address may be IPv6."""
    for name, text in {"token": "one", "ca.crt": "ca", "namespace": "holdfast-system"}.items():
        (tmp_path / name).write_text(text)
    environment = {"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "443"}
    found = await connect(environment=environment, service_account=tmp_path)
    assert (found.server, found.namespace) == ("https://[fd00::1]:443", "holdfast-system")
    assert found.authorization == "Bearer one"
    (tmp_path / "token").write_text("two\n")
    await found.renew()
    assert found.authorization == "Bearer two"


async def test_what_is_asked_for_wins_over_the_environment(tmp_path: Path) -> None:
    """KUBECONFIG is looked at when connecting, and an explicit kubeconfig instead of it."""
    with pytest.raises(BadConnection, match="from-environment"):
        await connect(environment={"KUBECONFIG": str(tmp_path / "from-environment")})
    with pytest.raises(BadConnection, match="asked-for"):
        await connect(tmp_path / "asked-for", environment={"KUBECONFIG": str(tmp_path / "from-environment")})


@pytest.mark.lab
async def test_a_list_comes_in_pages(admin: Client, namespace: str) -> None:
    """Every object once, however small the pages."""
    for number in range(5):
        await admin.create(OBJECTIVES, namespace, objective(namespace, f"o{number}"))
    pages = [page async for page in admin.pages(OBJECTIVES, namespace, limit=2)]
    assert [len(page.items) for page in pages] == [2, 2, 1]
    assert {item["metadata"]["name"] for page in pages for item in page.items} == {f"o{n}" for n in range(5)}


@pytest.mark.lab
async def test_kinds_are_discovered(operator: Client) -> None:
    """A group that nobody serves is empty, not an error."""
    assert {OBJECTIVES.plural, POLICIES.plural} <= await operator.kinds("holdfast.dev", "v1alpha1")
    assert await operator.kinds("holdfast.dev", "v9") == frozenset()


@pytest.mark.lab
async def test_status_is_applied_and_applying_it_again_changes_nothing(
    operator: Client, admin: Client, namespace: str
) -> None:
    """Server-side apply with the operator's rights; what is left out goes."""
    await admin.create(OBJECTIVES, namespace, objective(namespace, "o"))
    one = await operator.apply_status(OBJECTIVES, namespace, "o", {"verdict": "Open", "held": 1})
    two = await operator.apply_status(OBJECTIVES, namespace, "o", {"verdict": "Open", "held": 1})
    assert one["metadata"]["resourceVersion"] == two["metadata"]["resourceVersion"]
    three = await operator.apply_status(OBJECTIVES, namespace, "o", {"verdict": "Open"})
    assert three["status"] == {"verdict": "Open"}
    with pytest.raises(Conflict):
        stale = one["metadata"]["resourceVersion"]
        await operator.apply_status(OBJECTIVES, namespace, "o", {"verdict": "Hold"}, resource_version=stale)
    with pytest.raises(Rejected):
        await operator.apply_status(OBJECTIVES, namespace, "o", {"nonsense": 1})
    with pytest.raises(NotFound):
        await operator.apply_status(OBJECTIVES, namespace, "missing", {"verdict": "Open"})


@pytest.mark.lab
async def test_a_missing_right_is_named(lab_cluster: Cluster) -> None:
    """Denied knows verb and resource."""
    kubeconfig = lab_cluster.kubeconfig_for(lab_cluster.access.tokens["developer"], "developer-of-nothing")
    async with Client(await connect(kubeconfig)) as nobody:
        with pytest.raises(Denied) as denied:
            await nobody.list(REPLICASETS, "default")
    assert (denied.value.verb, denied.value.resource) == ("list", "replicasets.apps")


@pytest.mark.lab
async def test_refused_credentials_are_read_again_once(installed_chart: InstalledChart, tmp_path: Path) -> None:
    """A kubeconfig whose token was replaced goes on working; one that still has the refused token does not."""
    path = tmp_path / "kubeconfig"
    good = installed_chart.kubeconfig.read_text()
    path.write_text(good.replace(installed_chart.token, "stale"))
    async with Client(await connect(path)) as client:
        with pytest.raises(NotLoggedIn):
            await client.list(DEPLOYMENTS, "default")
        shutil.copy(installed_chart.kubeconfig, path)
        await client.list(DEPLOYMENTS, "default")


async def test_nobody_listening_is_unreachable() -> None:
    """A refused connection is an error of ours, like everything else."""
    async with Client(Connection("https://127.0.0.1:1")) as client:
        with pytest.raises(Unreachable):
            await client.list(DEPLOYMENTS)
