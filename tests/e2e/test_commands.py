"""What people type and read: validate, explain, lift and resume, the tables of kubectl."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lab import Cluster
from lab.operator import Operator
from tests.e2e.scene import APP, EXHAUSTED, HOLD, Scene, holdfast, settle

pytestmark = pytest.mark.lab

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_explain_tells_the_figures_the_rules_and_the_hold(scene: Scene) -> None:
    """Every line of `holdfast explain` is a sentence with its figure: budget, rules, workloads."""
    scene.policy(EXHAUSTED, {"name": "low", "when": {"budgetRemaining": {"below": "25"}}, "then": {"action": "Notify"}})
    scene.burn()
    hold_id = scene.held()
    scene.until(lambda: scene.slo()["held"] == 1, "the status")
    said = holdfast(scene.cluster, "explain", "slo/availability", "-n", scene.namespace)
    assert said.returncode == 0, said.stderr
    number, time = r"-?[\d,]+(?:\.\d+)?", r"\d\d? \w{3}(?: \d{4})? \d\d:\d\d(?::\d\d)? UTC"
    expected = rf"""{scene.namespace}/availability: Hold
  {scene.namespace}/availability promises 99 % good events over 1m.
  The figures are fresh, of {time}.
  {number} of {number} events failed; the budget allows {number} in 1m, so {number} % of it is left.
(?:  {number} % of the window is measured; the traffic so far is projected onto the rest.
)?Rules
  Rule exhausted of policy budget \(Enforce\): in force \(less than 0 % left\), so Hold. It ends above 5 %. If nothing more fails, that is on {time}.
  Rule low of policy budget \(Enforce\): in force \(less than 25 % left\), so Notify. It ends above 30 %. If nothing more fails, that is on {time}.
Workloads
  Deployment {scene.namespace}/{APP} is held since {time} \({hold_id}, Active\): Error budget of {scene.namespace}/availability is exhausted \({number} % left\); lifts above 5 %.
"""
    assert re.fullmatch(expected, said.stdout), said.stdout
    said = holdfast(scene.cluster, "explain", f"deployment/{APP}", "-n", scene.namespace)
    assert said.returncode == 0, said.stderr
    first, release, *rest = said.stdout.splitlines()
    assert first.startswith(f"Deployment {scene.namespace}/{APP} is held since ")
    assert release == "Release"
    rules = rest.index(f"Rules on {scene.namespace}/availability: Hold")
    assert [line[:17] for line in rest[rules + 1 :]] == ["  Rule exhausted ", "  Rule low of pol"]


def test_explain_of_nothing_is_a_sentence(scene: Scene) -> None:
    """A name that is not there is said, with the namespace that was looked at."""
    said = holdfast(scene.cluster, "explain", "slo/nope", "-n", scene.namespace)
    assert (said.returncode, said.stdout) == (1, "")
    assert said.stderr == f"Error: There is no ServiceLevelObjective nope in namespace {scene.namespace}.\n"
    said = holdfast(scene.cluster, "explain", "deployment/nope", "-n", scene.namespace)
    assert (said.returncode, said.stdout) == (1, "")
    assert said.stderr == f"Error: There is no Deployment nope in namespace {scene.namespace}.\n"


def test_the_tables_of_kubectl_read_well(scene: Scene) -> None:
    """One line each: the budget, its policy, and the hold with what is declared and what serves."""
    scene.policy()
    scene.burn()
    scene.held()
    scene.until(lambda: scene.slo()["held"] == 1, "the status")
    slo, policy, hold = (scene.kubectl("get", kind).stdout.splitlines() for kind in ("slo", "ebp", "holds"))
    assert slo[0].split() == ["NAME", "TARGET", "WINDOW", "LEFT", "BURN", "EMPTY-IN", "DATA", "VERDICT", "HELD", "AGE"]
    assert re.fullmatch(r"availability +99% +1m +-[\d.]+% +- +empty +Fresh +Hold +1 +\d+s", slo[1])
    assert re.fullmatch(r"budget +Enforce +1 +1 +\d+s", policy[1])
    columns = "NAME STATE REASON SLO DECLARED SERVING GATE SINCE LIFTS"
    assert hold[0].split() == columns.split()
    line = rf"deployment-{APP} +Active +BudgetExhausted +availability +v1 +v1 +Deny +\d+s +on recovery"
    assert re.fullmatch(line, hold[1]), hold[1]


def test_lift_all_leaves_nothing_and_resume_holds_again(scene: Scene, operator: Operator) -> None:
    """Under a running operator that would hold at once: no label, no pause, no Hold is left until `holdfast resume`."""
    scene.policy()
    scene.burn()
    first = scene.held()
    dry = holdfast(scene.cluster, "lift", "--all", "--dry-run")
    assert f"Deployment {scene.namespace}/{APP}: label {HOLD} removed." in dry.stdout
    assert scene.in_force()
    lifted = holdfast(scene.cluster, "lift", "--all")
    assert lifted.returncode == 0, lifted.stderr
    assert f"Deployment {scene.namespace}/{APP}: label {HOLD} removed.\n" in lifted.stdout
    assert lifted.stdout.endswith("Enforcing is off until `holdfast resume`.\n")
    settle(4)
    assert (scene.marks(), scene.hold()) == ({}, {})
    assert "holdfast_enforcing 0.0" in operator.ask("/metrics")[1]
    on = holdfast(scene.cluster, "resume")
    assert on.stdout == "Enforcing is on again: what the policies ask for is held within seconds.\n"
    assert scene.held() != first
    assert holdfast(scene.cluster, "resume").stdout == "Enforcing was not switched off.\n"


def test_lift_all_needs_no_operator(scene: Scene, operator: Operator, lab_cluster: Cluster) -> None:
    """With the operator dead a paused rollout under hold is let go by the command alone; back again, it stays off."""
    scene.policy()
    scene.kubectl("patch", "deployment", APP, "-p", '{"spec": {"minReadySeconds": 8}}')
    assert not scene.release("shop:bad")
    scene.held()
    assert scene.paused
    operator.process.kill()
    lifted = holdfast(lab_cluster, "lift", "--all")
    assert lifted.returncode == 0, lifted.stderr
    assert f"Deployment {scene.namespace}/{APP}: label {HOLD} removed, rollout resumed.\n" in lifted.stdout
    assert (scene.marks(), scene.hold(), scene.paused) == ({}, {}, False)
    assert not lab_cluster.kubectl("get", "holds", "-A", "-o", "name").stdout
    operator.start()
    settle(4)
    assert (scene.marks(), scene.hold()) == ({}, {})
    holdfast(lab_cluster, "resume")
    scene.held()
