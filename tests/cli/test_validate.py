"""`holdfast validate`: what is wrong with files, said word for word."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner

from holdfast.cli.main import main

EXAMPLES = Path(__file__).parents[2] / "examples"

WRONG = """\
apiVersion: holdfast.dev/v1alpha1
kind: ServiceLevelObjective
metadata: {name: odd, namespace: shop}
spec:
  target: "100"
  indicator:
    ratio: {bad: 'rate(http_requests_total[5m])', total: http_requests_total}
---
apiVersion: holdfast.dev/v1alpha1
kind: ServiceLevelObjective
metadata: {name: short, namespace: shop}
spec:
  target: "99"
  window: {rolling: 4m}
  indicator:
    ratio: {bad: 'http_requests_total{code="500"}', total: http_requests_total}
---
apiVersion: holdfast.dev/v1alpha1
kind: ErrorBudgetPolicy
metadata: {name: strict, namespace: shop}
spec:
  rules:
  - {name: never, when: {burnRate: {above: "100", over: 1m}}, then: {action: Notify}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: other}
"""


def validate(*args: str, stdin: str | None = None) -> tuple[int, str, str]:
    """Exit code, output, errors."""
    done = CliRunner().invoke(main, ["validate", *args], input=stdin)
    return done.exit_code, done.stdout, done.stderr


def test_the_examples_are_right() -> None:
    """What we hand out can be applied."""
    code, _, errors = validate("-f", str(EXAMPLES))
    assert (code, errors) == (0, "")


def test_what_is_wrong_is_said_with_its_place(tmp_path: Path) -> None:
    """File, kind, name, field and how to mend it; warnings where two objects do not fit; the sum at the end."""
    path = tmp_path / "wrong.yaml"
    path.write_text(WRONG, encoding="utf-8")
    code, said, errors = validate("-f", str(path))
    assert code == 1
    assert (
        said
        == f"""\
{path}: ServiceLevelObjective shop/short: ok
  warning: its window is 4m: below one hour an objective is good for a demonstration only
  warning: rule never on short: a burn rate above 100 can never be, since at a target of 99 % it is 100 when every event fails; lower above
{path}: ErrorBudgetPolicy shop/strict: ok
2 ok, 2 wrong, 2 warnings, 1 of other kinds skipped
"""
    )
    assert (
        errors
        == f"""\
{path}: ServiceLevelObjective odd: spec.target: target must be above 0 and below 100 percent, for example "99.9"
{path}: ServiceLevelObjective odd: spec.indicator.ratio.bad: this is a function; give the counter inside it, Holdfast computes the rates itself: http_requests_total{{job="checkout",code=~"5.."}}
"""
    )


def test_adjustments_are_checked_too(tmp_path: Path) -> None:
    """A schedule that is none, and a zone that no server knows, are found before anything is applied."""
    wrong = """\
apiVersion: holdfast.dev/v1alpha1
kind: BudgetAdjustment
metadata: {name: nightly, namespace: shop}
spec:
  exclude: {schedule: FREQ=HOURLY, start: "2026-11-22T02:00:00", timeZone: Europe/Holdfast, duration: 1h}
  reason: backup
  requestedBy: alice@example.com
"""
    path = tmp_path / "nightly.yaml"
    path.write_text(wrong, encoding="utf-8")
    code, said, errors = validate("-f", str(path))
    assert (code, said) == (1, "0 ok, 2 wrong, 0 warnings\n")
    assert "BudgetAdjustment nightly: spec.exclude.schedule: schedule must be one recurrence rule of RFC 5545" in errors
    assert "BudgetAdjustment nightly: spec.exclude.timeZone: there is no time zone Europe/Holdfast" in errors
    path.write_text(wrong.replace("HOURLY", "DAILY").replace("Holdfast,", "Berlin,"), encoding="utf-8")
    assert validate("-f", str(path)) == (
        0,
        f"{path}: BudgetAdjustment shop/nightly: ok\n1 ok, 0 wrong, 0 warnings\n",
        "",
    )


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    """No traceback for a typing error."""
    code, said, errors = validate("-f", str(tmp_path / "nope.yaml"))
    assert code == 1
    assert errors == f"{tmp_path / 'nope.yaml'}: cannot be read: No such file or directory\n"
    assert said == "0 ok, 1 wrong, 0 warnings\n"
