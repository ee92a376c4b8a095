"""Real requests with real controllers: what people do during a hold, and what the control plane does by itself."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from tests.fixtures_chart import InstalledChart
from tests.gate.asking import HOLD, ID, OVERRIDE, QUEUE, UNDONE, Json, container, put, template, workload
from tests.gate.conftest import Shop, open_shop

pytestmark = pytest.mark.lab
NEVER_READY = "shop:never"


def release(shop: Shop, who: str, image: str) -> bool:
    """`kubectl set image`, for good; did it pass?"""
    return shop.change(who, "Deployment", "checkout", [put(image, *container(0, "image"))], dry=False).passed


def hold_all(shop: Shop, **spec: object) -> None:
    """What the operator does: the Deployment first, then its ReplicaSets."""
    shop.hold("Deployment", "checkout", **spec)
    for found in shop.sets():
        shop.hold("ReplicaSet", found["metadata"]["name"])


def observed(shop: Shop) -> Json:
    """The Deployment, once its controller has seen the present generation."""

    def seen() -> Json:
        found = shop.get("Deployment", "checkout")
        return found if found.get("status", {}).get("observedGeneration") == found["metadata"]["generation"] else {}

    found: Json = shop.cluster.wait(seen, 15, "the deployment controller to keep up", every=0.05)
    return found


def gone(shop: Shop, where: str) -> bool:
    """Whether an object is not there any more."""
    return shop.ask("admin", "GET", where).code == 404


def in_flight(shop: Shop, **spec: object) -> None:
    """A good release completed, and a bad one whose pods never become ready, held and paused in mid-rollout."""
    shop.create("Deployment", "checkout", replicas=2, **spec)
    shop.cluster.wait_rollout(shop.namespace, "checkout")
    assert release(shop, "developer", NEVER_READY)
    shop.cluster.wait(lambda: len(shop.sets()) == 2, 10, "the second ReplicaSet", every=0.05)
    hold_all(shop, paused=True)


def test_the_way_out_works_as_printed_without_an_operator(own_shop: Shop) -> None:
    """The command in the refusal, run by a person with the right, lets the fix in and a resume ships it."""
    shop = own_shop
    in_flight(shop)
    fix = ("set", "image", "deployment/checkout", "app=shop:v3", "-n", shop.namespace)
    refusal = shop.cluster.kubectl(*fix, user="oncall", check=False)
    assert refusal.returncode == 1
    command = refusal.stderr.partition("Way out: kubectl ")[2].partition(" and send the change again")[0]
    shop.cluster.kubectl(*shlex.split(command), user="oncall")
    shop.cluster.kubectl(*fix, user="oncall")
    shop.cluster.kubectl("rollout", "resume", "deployment/checkout", "-n", shop.namespace, user="oncall")
    shop.cluster.wait_rollout(shop.namespace, "checkout", 20)
    managers = {entry["manager"] for entry in shop.get("Deployment", "checkout")["metadata"]["managedFields"]}
    assert "holdfast-override" in managers  # Flux drops what managers called kubectl… have written


def test_a_release_that_was_undone_goes_out_as_printed_without_an_operator(own_shop: Shop) -> None:
    """The label in the refusal, set by a person with the right, lets them resume; before, nobody and nothing does."""
    shop = own_shop
    shop.create("Deployment", "checkout", replicas=1)
    shop.cluster.wait_rollout(shop.namespace, "checkout")
    shop.queue("Deployment", "checkout")
    assert release(shop, "gitops", "shop:v2")  # another template is taken, and waits
    assert observed(shop)["spec"]["paused"] is True
    assert len(shop.sets()) == 1
    resume = ("rollout", "resume", "deployment/checkout", "-n", shop.namespace)
    refusal = shop.cluster.kubectl(*resume, user="oncall", check=False)
    assert refusal.returncode == 1
    command = refusal.stderr.partition("if Holdfast is down, kubectl ")[2].partition(" and send the change again")[0]
    shop.cluster.kubectl(*shlex.split(command), user="oncall")
    assert shop.cluster.kubectl(*resume, user="developer", check=False).returncode == 1
    shop.cluster.kubectl(*resume, user="oncall")
    shop.cluster.wait_rollout(shop.namespace, "checkout", 20)
    assert len(shop.sets()) == 2


def test_a_gitops_loop_neither_resumes_nor_locks_the_fix_out(own_shop: Shop) -> None:
    """Git declares `paused: false`: client-side and server-side applies are refused for the undone release, and taken for a fix."""
    shop = own_shop
    shop.create("Deployment", "checkout", replicas=1)
    shop.cluster.wait_rollout(shop.namespace, "checkout")
    manifest = workload("Deployment", shop.namespace, "checkout", replicas=1, paused=False)

    def apply(*how: str) -> str:
        command = ("apply", "-f", "-", *how)
        done = shop.cluster.kubectl(*command, user="gitops-user", input=json.dumps(manifest), check=False)
        return done.stderr if done.returncode else ""

    def paused_by_us() -> bool:
        found = shop.get("Deployment", "checkout")
        return found["spec"].get("paused") is True and QUEUE in found["metadata"]["labels"]

    server = ("--server-side", "--force-conflicts", "--field-manager=kustomize-controller")
    assert not apply()
    shop.queue("Deployment", "checkout")
    for _ in range(3):
        assert "'queue.holdfast.dev' denied request" in apply(*server)
        assert "'queue.holdfast.dev' denied request" in apply()
        assert paused_by_us()
    for how, image in (((), "shop:fix1"), (server, "shop:fix2")):
        manifest["spec"]["template"]["spec"]["containers"][0]["image"] = image
        assert not apply(*how)
        assert paused_by_us()
        assert "'queue.holdfast.dev' denied request" in apply(*how)  # once it is there, the same again only resumes
    images = {found["spec"]["template"]["spec"]["containers"][0]["image"] for found in shop.sets()}
    assert images == {"shop:v1"}


def test_helm_after_an_undo(own_shop: Shop, tmp_path: Path) -> None:
    """An upgrade to a fix is taken, also as a replacement, and returns at once though no pod is new; an uninstall is whole."""
    shop = own_shop
    (tmp_path / "templates").mkdir()
    (tmp_path / "Chart.yaml").write_text("{apiVersion: v2, name: shop, version: 0.1.0}")
    manifest = json.dumps(workload("Deployment", shop.namespace, "checkout", replicas=1))
    (tmp_path / "templates" / "checkout.yaml").write_text(manifest.replace("shop:v1", "{{ .Values.image }}"))

    def upgrade(image: str, *more: str) -> None:
        words = ("upgrade", "--install", "shop", str(tmp_path), "-n", shop.namespace, "--wait", "--timeout=30s")
        shop.cluster.helm(*words, f"--set=image={image}", *more)

    upgrade("shop:v1")
    shop.queue("Deployment", "checkout")
    for owned in shop.sets():
        shop.queue("ReplicaSet", owned["metadata"]["name"])
    for image, more in (("shop:v1", ()), ("shop:v2", ()), ("shop:v3", ("--force",))):
        upgrade(image, *more)
        found = shop.get("Deployment", "checkout")
        assert (found["spec"]["paused"], found["metadata"]["labels"][QUEUE]) == (True, UNDONE)
        assert found["spec"]["template"]["spec"]["containers"][0]["image"] == image
    assert len(shop.sets()) == 1
    shop.cluster.helm("uninstall", "shop", "-n", shop.namespace)
    shop.cluster.wait(lambda: not shop.sets(), 15, "the ReplicaSets to be collected", every=0.1)


def test_people_can_lift_everything_without_an_operator(own_shop: Shop) -> None:
    """Two patches an object, by a person with the right: no label of ours and no pause is left, and the rollout goes on."""
    shop = own_shop
    in_flight(shop)
    opened: Json = {"metadata": {"labels": {HOLD: None, OVERRIDE: ID}}}
    cleared: Json = {"metadata": {"labels": {OVERRIDE: None}}}
    for found in shop.sets():
        for body in (opened, cleared):
            shop.must("oncall", "PATCH", shop.path("ReplicaSet", found["metadata"]["name"]), body, patch="merge")
    for body in ({**opened, "spec": {"paused": None}}, cleared):
        shop.must("oncall", "PATCH", shop.path("Deployment", "checkout"), body, patch="merge")
    for found in (shop.get("Deployment", "checkout"), *shop.sets()):
        assert not [key for key in found["metadata"]["labels"] if key.startswith("holdfast.dev/")]
    assert "paused" not in observed(shop)["spec"]
    assert release(shop, "developer", "shop:v4")
    shop.cluster.wait_rollout(shop.namespace, "checkout", 20)


def test_kubectl_during_a_hold(own_shop: Shop) -> None:
    """The everyday commands: scale, restart, resources, pause and delete pass; set image, undo and resume are refused."""
    shop = own_shop
    shop.create("Deployment", "checkout", replicas=1)
    shop.cluster.wait_rollout(shop.namespace, "checkout")
    assert release(shop, "developer", "shop:v2")
    shop.cluster.wait_rollout(shop.namespace, "checkout")
    hold_all(shop)

    def run(*args: str) -> bool:
        done = shop.cluster.kubectl("-n", shop.namespace, *args, user="developer", check=False)
        assert done.returncode == 0 or "'hold.holdfast.dev' denied request" in done.stderr, done.stderr
        return done.returncode == 0

    outcomes = {
        "scale deploy/checkout --replicas=2": True,
        "set resources deploy/checkout -c=app --limits=cpu=1": True,
        "rollout restart deploy/checkout": True,
        "label deploy/checkout team=shop": True,
        "set image deploy/checkout app=shop:v3": False,
        "set env deploy/checkout A=2": False,
        "rollout undo deploy/checkout --to-revision=1": False,
        "rollout pause deploy/checkout": True,
        "rollout resume deploy/checkout": False,
        "label deploy/checkout holdfast.dev/hold-": False,
        "delete deploy/checkout": True,
    }
    assert {command: run(*command.split()) for command in outcomes} == outcomes


def test_labels_of_a_deployment_stay_on_the_deployment(own_shop: Shop) -> None:
    """The controller copies our label neither to old nor to new ReplicaSets, nor to pods: the operator marks each set itself."""
    shop = own_shop
    shop.create("Deployment", "checkout", replicas=1)
    shop.cluster.wait_rollout(shop.namespace, "checkout")
    shop.hold("Deployment", "checkout")
    shop.must(
        "developer",
        "PATCH",
        shop.path("Deployment", "checkout"),
        [put("2026-02-02", *template("metadata", "annotations", "kubectl.kubernetes.io/restartedAt"))],
    )
    shop.cluster.wait_rollout(shop.namespace, "checkout")
    assert len(shop.sets()) == 2
    pods = shop.cluster.raw("GET", f"/api/v1/namespaces/{shop.namespace}/pods")["items"]
    assert pods
    for found in (*shop.sets(), *pods):
        assert HOLD not in found["metadata"]["labels"]
    shop.hold("ReplicaSet", shop.sets()[0]["metadata"]["name"])
    before = observed(shop)["metadata"]["generation"]
    assert shop.get("Deployment", "checkout")["metadata"]["generation"] == before


def test_a_held_rollout_does_not_get_its_controller_stuck(own_shop: Shop) -> None:
    """History limit 2, three old ReplicaSets and one in flight, all marked and paused: trimming, scaling, adoption go on."""
    shop = own_shop
    shop.create("Deployment", "checkout", replicas=1)
    for image in ("shop:v2", "shop:v3", "shop:v4"):
        shop.cluster.wait_rollout(shop.namespace, "checkout")
        assert release(shop, "developer", image)
    shop.cluster.wait_rollout(shop.namespace, "checkout")
    assert len(shop.sets()) == 4
    bad = [put(NEVER_READY, *container(0, "image")), put(2, "spec", "revisionHistoryLimit")]
    shop.must("developer", "PATCH", shop.path("Deployment", "checkout"), bad)
    shop.cluster.wait(lambda: len(shop.sets()) == 5, 10, "the bad ReplicaSet", every=0.05)
    for found in shop.sets():  # before the pause, which lets the trimming begin at once
        shop.hold("ReplicaSet", found["metadata"]["name"])
    shop.hold("Deployment", "checkout", paused=True)
    shop.cluster.wait(lambda: len(shop.sets()) == 3, 10, "history to be trimmed to two old sets", every=0.05)
    scale = {"spec": {"replicas": 3}}
    shop.must("developer", "PATCH", shop.path("Deployment", "checkout", "scale"), scale, patch="merge")
    assert observed(shop)["spec"]["replicas"] == 3
    stray = workload("ReplicaSet", shop.namespace, "stray", replicas=1)
    shop.cluster.controller_manager.freeze()  # so that the label is there before the adoption
    shop.must("developer", "POST", shop.path("ReplicaSet"), stray)
    shop.hold("ReplicaSet", "stray")
    shop.cluster.controller_manager.thaw()

    def adopted() -> bool:
        return any(
            owner.get("controller") for owner in shop.get("ReplicaSet", "stray")["metadata"].get("ownerReferences", [])
        )

    shop.cluster.wait(adopted, 10, "the stray ReplicaSet to be adopted", every=0.05)
    # the same by hand: nobody but the deployment controller may do what it just did
    assert not shop.change(
        "developer", "ReplicaSet", shop.sets()[0]["metadata"]["name"], [put([], "metadata", "ownerReferences")]
    ).passed
    lifted = {"metadata": {"labels": {HOLD: None}}, "spec": {"paused": None}}
    shop.must("operator", "PATCH", shop.path("Deployment", "checkout"), lifted, patch="merge")
    assert release(shop, "developer", "shop:v6")
    shop.cluster.wait_rollout(shop.namespace, "checkout", 20)


def test_cleaning_up_is_not_held(installed_chart: InstalledChart) -> None:
    """Orphaning, garbage collection and the end of a namespace go through marked workloads."""
    shop = open_shop(installed_chart, installed_chart.cluster.namespace())
    shop.create("Deployment", "checkout", replicas=1)
    shop.cluster.wait_rollout(shop.namespace, "checkout")
    hold_all(shop)
    orphaning = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Orphan"}
    shop.must("developer", "DELETE", shop.path("Deployment", "checkout"), orphaning)
    shop.cluster.wait(lambda: gone(shop, shop.path("Deployment", "checkout")), 10, "the Deployment to go", every=0.05)
    assert [found["metadata"].get("ownerReferences") for found in shop.sets()] == [None]
    shop.create("Deployment", "checkout", replicas=1)
    shop.hold("Deployment", "checkout")
    shop.cluster.kubectl("delete", "namespace", shop.namespace, "--wait=false")
    shop.cluster.wait(lambda: gone(shop, f"/api/v1/namespaces/{shop.namespace}"), 30, "the namespace to end")


def test_passing_writes_are_audited_with_the_hold(own_shop: Shop) -> None:
    """Every judged write carries the id, and an override its own note, so both can be counted afterwards."""
    shop = own_shop
    shop.create("Deployment", "checkout")
    shop.hold("Deployment", "checkout")
    assert not release(shop, "developer", "shop:v2")
    shop.must("oncall", "PATCH", shop.path("Deployment", "checkout"), [put(ID, "metadata", "labels", OVERRIDE)])
    assert release(shop, "oncall", "shop:v3")
    lines = [json.loads(line) for line in shop.cluster.control_plane.audit_log.read_text().splitlines()]
    mine = [
        line
        for line in lines
        if line["objectRef"].get("namespace") == shop.namespace and line["objectRef"].get("name") == "checkout"
    ]
    notes = {
        (line["user"]["username"], line["responseStatus"]["code"]): line.get("annotations", {})
        for line in mine
        if line["verb"] == "patch"
    }
    assert notes["developer", 403]["hold.holdfast.dev/hold"] == ID
    assert "validation.policy.admission.k8s.io/validation_failure" in notes["developer", 403]
    assert notes["oncall", 200]["hold.holdfast.dev/override"] == ID
