"""Objects as people write them, and one table of what is wrong with them: the parser and the API server must agree on it."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any, Final

from holdfast.api import parse_adjustment, parse_hold, parse_objective, parse_policy, parse_release

PARSERS: Final = {
    "ServiceLevelObjective": parse_objective,
    "ErrorBudgetPolicy": parse_policy,
    "BudgetAdjustment": parse_adjustment,
    "Hold": parse_hold,
    "WorkloadRelease": parse_release,
}

Json = dict[str, Any]

BAD: Final = 'http_requests_total{job="checkout",code=~"5.."}'
TOTAL: Final = 'http_requests_total{job="checkout"}'


def objective(**spec: Any) -> Json:
    """A sound ServiceLevelObjective; `spec` replaces fields."""
    return {
        "apiVersion": "holdfast.dev/v1alpha1",
        "kind": "ServiceLevelObjective",
        "metadata": {"name": "checkout", "namespace": "shop"},
        "spec": {"target": "99.9", "indicator": {"ratio": {"bad": BAD, "total": TOTAL}}, **spec},
    }


def policy(*rules: Json, **spec: Any) -> Json:
    """A sound ErrorBudgetPolicy; `rules` and `spec` replace what it says."""
    exhausted = {"name": "exhausted", "when": {"budgetRemaining": {"below": "0"}}, "then": {"action": "Hold"}}
    return {
        "apiVersion": "holdfast.dev/v1alpha1",
        "kind": "ErrorBudgetPolicy",
        "metadata": {"name": "default", "namespace": "shop"},
        "spec": {"rules": list(rules) or [exhausted], **spec},
    }


def adjustment(exclude: Json | None = None, **spec: Any) -> Json:
    """A sound BudgetAdjustment in the name of the user of these tests; `exclude` and `spec` replace what it says."""
    change = {} if "reset" in spec and exclude is None else {"exclude": ONCE if exclude is None else exclude}
    return {
        "apiVersion": "holdfast.dev/v1alpha1",
        "kind": "BudgetAdjustment",
        "metadata": {"name": "maintenance", "namespace": "shop"},
        "spec": {**change, "reason": "database maintenance", "requestedBy": "admin", **spec},
    }


def recurring(schedule: str = "FREQ=WEEKLY;BYDAY=SU", **more: Any) -> Json:
    """A BudgetAdjustment that excludes time again and again; `more` replaces the rest."""
    return adjustment({"schedule": schedule, "start": "2026-11-22T02:00:00", "duration": "1h", **more})


def hold(name: str = "deployment-checkout", workload: str = "checkout") -> Json:
    """A Hold without a status."""
    return {
        "apiVersion": "holdfast.dev/v1alpha1",
        "kind": "Hold",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {"workload": {"kind": "Deployment", "name": workload}},
    }


def rule(when: Json, then: Json, **more: Any) -> Json:
    """One rule of a policy."""
    return {"name": "r", "when": when, "then": then, **more}


@dataclass(frozen=True)
class Refused:
    """An object that is refused: where, and with which sentence. `by_server` is what the server says if it is not ours."""

    body: Json
    path: str
    sentence: str
    by_server: str | None = ""

    def __str__(self) -> str:
        return f"{self.path}: {self.sentence[:40]}"

    @property
    def at_server(self) -> str:
        """What the server must say."""
        return self.by_server or self.sentence


ONCE: Final = {"from": "2026-11-22T02:00:00Z", "to": "2026-11-22T03:00:00Z"}
LOW: Final = {"budgetRemaining": {"below": "25"}}
BURN: Final = {"burnRate": {"above": "14.4", "over": "1h"}}
SPENT: Final = {"budgetSpent": {"above": "20", "within": "7d"}}
WORSE: Final = {"release": {"worseThanTarget": {}}}
NOTIFY: Final = {"action": "Notify"}
ROLL_BACK: Final = {"action": "RollBack"}
HOLD: Final = {"action": "Hold"}
TARGET: Final = 'target must be above 0 and below 100 percent, for example "99.9"'
ROLLING: Final = "rolling must be a duration from 1m to 400d, for example 30d"
SELECTOR: Final = "must be one selector, a metric's name and conditions on labels, without functions or ranges"
PERCENT: Final = 'below must be a percentage from -1000 to 100 without the sign, for example "5"'
INDICATOR: Final = "give exactly one indicator: ratio, latency, gauge, fraction or composite"
SLICED: Final = (
    "timeSlices are of ratio and latency, since the other indicators are slices of time already; remove them"
)
GAUGE: Final = {"gauge": {"query": "min(probe_ssl_earliest_cert_expiry) - time()", "good": {"above": "604800"}}}
FRACTION: Final = {"fraction": {"bad": "job:errors:ratio_rate1m", "weight": "job:requests:rate1m"}}
FACTOR: Final = 'above must be a burn rate above 0, for example "14.4"'


FORM: Final = "give either from and to, or schedule, start and duration"
ORDER: Final = "to must be after from, and 400 days after it at most"
SCHEDULE: Final = "schedule must be one recurrence rule of RFC 5545 in capitals, for example FREQ=WEEKLY;BYDAY=SU"
FITTING: Final = "FREQ=DAILY takes no BY parts and FREQ=WEEKLY takes BYDAY without numbers alone"
START: Final = "start must be a date from 2000 to 2099 and a wall-clock time without a zone"


def _moment(what: str) -> str:
    return f"{what} must be a time from 2000 to 2099 with its zone, for example 2026-11-22T02:00:00Z"


def _ratio(total: str) -> Json:
    return objective(indicator={"ratio": {"bad": BAD, "total": total}})


def _latency(histogram: str = "h_seconds", threshold: str = "200ms") -> Json:
    return objective(indicator={"latency": {"histogram": histogram, "threshold": threshold}})


def _gauge(**more: Any) -> Json:
    return objective(indicator={"gauge": {**GAUGE["gauge"], **more}})


def _composite(*parts: Json) -> Json:
    return objective(indicator={"composite": list(parts)})


_DEPLOYMENT: Final = {"kind": "Deployment", "name": "checkout"}
_TOTAL_PATH: Final = "spec.indicator.ratio.total"

REFUSED: Final = (
    *(
        Refused(objective(target=text), "spec.target", TARGET)
        for text in ("0", "100", "100.0", "-1", "1e1", "99,9", "99.9%", "", " 99", "NaN", "+99", "99.", ".9", "0.0")
    ),
    Refused(objective(target=99.9), "spec.target", "it must be text; write it in quotes", "must be of type string"),
    Refused(objective(target="9" * 28), "spec.target", "it has 28 characters", "may not be more than 27"),
    *(
        Refused(objective(window={"rolling": text}), "spec.window.rolling", ROLLING)
        for text in ("30", "1s", "59s999ms", "401d", "2y", "1d1w", "-1d", "1.5h", "P30D", "0d", "", "1 d", "999999d")
    ),
    Refused(
        objective(evidence={"staleAfter": "4s"}),
        "spec.evidence.staleAfter",
        "staleAfter must be a duration from 5s to 1d, for example 5m",
    ),
    Refused(
        objective(attribution={"podLabel": "exported-pod"}),
        "spec.attribution.podLabel",
        "podLabel must be a name of letters, digits and underscores, for example pod",
    ),
    Refused(
        objective(evidence={"minEvents": 0}),
        "spec.evidence.minEvents",
        "minEvents must be 1 or more",
        "should be greater than or equal to 1",
    ),
    Refused(objective(indicator={}), "spec.indicator", INDICATOR),
    Refused(
        objective(indicator={"gauge": {"query": "a", "good": {"above": "1"}}, "fraction": {"bad": "a"}}),
        "spec.indicator",
        INDICATOR,
    ),
    *(
        Refused(objective(window=window), "spec.window", "give exactly one of rolling and calendar")
        for window in ({}, {"rolling": "30d", "calendar": "Month"})
    ),
    Refused(
        objective(window={"rolling": "30d", "timeZone": "Europe/Berlin"}),
        "spec.window",
        "timeZone belongs to calendar",
    ),
    Refused(
        objective(window={"calendar": "Day"}),
        "spec.window.calendar",
        "calendar must be 'Week', 'Month', 'Quarter' or 'Year'",
        "supported values",
    ),
    *(
        Refused(
            objective(window={"calendar": "Month", "timeZone": zone}),
            "spec.window.timeZone",
            "timeZone must be a name of the IANA database, for example Europe/Berlin",
        )
        for zone in ("", "europe/berlin", "../etc/passwd", "Europe/", "+01:00", "Europe/Ber lin")
    ),
    *(
        Refused(
            _gauge(good=good),
            "spec.indicator.gauge.good",
            "give exactly one of above and below: where the value is good",
        )
        for good in ({}, {"above": "1", "below": "2"})
    ),
    *(
        Refused(
            _gauge(good={"above": text}),
            "spec.indicator.gauge.good.above",
            'above must be a plain decimal number, for example "604800"',
        )
        for text in ("", "1e3", "7d", "Inf", "+1", "1_0")
    ),
    *(
        Refused(
            _gauge(every=text), "spec.indicator.gauge.every", "every must be a duration from 10s to 1h, for example 1m"
        )
        for text in ("9s", "61m", "0s")
    ),
    Refused(
        _gauge(query=" \n"), "spec.indicator.gauge.query", "the query is empty; give one such as min(probe_ssl_earliest"
    ),
    Refused(
        _gauge(query="a" * 4097), "spec.indicator.gauge.query", "it has 4097 characters", "may not be more than 4096"
    ),
    *(
        Refused(
            objective(indicator={"fraction": given}),
            "spec.indicator.fraction",
            "give exactly one of bad and good; the other one is what it leaves of 1",
        )
        for given in ({}, {"bad": "a", "good": "b"}, {"weight": "c"})
    ),
    *(
        Refused(
            _composite({"name": "a", "weight": weight}, {"name": "b"}),
            "spec.indicator.composite[0].weight",
            'weight must be a number above 0, for example "3"',
        )
        for weight in ("0", "-1", "much", "1000001")
    ),
    Refused(
        _composite({"name": "a", "weight": 3}, {"name": "b"}),
        "spec.indicator.composite[0].weight",
        "it must be text; write it in quotes",
        "must be of type string",
    ),
    Refused(
        _composite({"name": "a"}),
        "spec.indicator.composite",
        "composite needs at least 2 of them",
        "should have at least 2 items",
    ),
    Refused(
        _composite(*({"name": f"o{n}"} for n in range(21))),
        "spec.indicator.composite",
        "composite may have 20 entries at most",
        "must have at most 20 items",
    ),
    Refused(
        _composite({"name": "a"}, {"name": "a", "weight": "2"}),
        "spec.indicator.composite",
        "each objective may be a part once; remove the repeated one",
    ),
    Refused(
        _composite({"name": "a"}, {"name": "checkout"}),
        "spec.indicator.composite",
        "an objective cannot be one of its own parts; remove it from composite",
    ),
    Refused(
        _composite({"name": "a"}, {"name": "other/b"}),
        "spec.indicator.composite[1].name",
        "name must be that of an objective of this namespace",
    ),
    *(
        Refused(objective(timeSlices={"slice": "1m", "good": "99"}, indicator=indicator), "spec", SLICED)
        for indicator in (GAUGE, FRACTION, {"composite": [{"name": "a"}, {"name": "b"}]})
    ),
    *(
        Refused(
            objective(timeSlices={"slice": text, "good": "99"}),
            "spec.timeSlices.slice",
            "slice must be a duration from 10s to 1d, for example 1m",
        )
        for text in ("9s", "25h")
    ),
    *(
        Refused(
            objective(timeSlices={"slice": "1m", "good": text}),
            "spec.timeSlices.good",
            'good must be a percentage above 0 and up to 100 without the sign, for example "99"',
        )
        for text in ("0", "100.1", "99%")
    ),
    Refused(
        objective(timeSlices={"slice": "1m"}),
        "spec.timeSlices.good",
        "good is missing; add it",
        "Required value",
    ),
    Refused(
        objective(indicator={"ratio": {"bad": BAD, "total": TOTAL}, "latency": {"histogram": "h", "threshold": "1s"}}),
        "spec.indicator",
        INDICATOR,
    ),
    Refused(
        objective(indicator={"ratio": {"total": TOTAL}}), "spec.indicator.ratio", "give exactly one of bad and good"
    ),
    Refused(
        objective(indicator={"ratio": {"total": TOTAL, "good": BAD, "bad": BAD}}),
        "spec.indicator.ratio",
        "give exactly one of bad and good",
    ),
    Refused(
        objective(indicator={"ratio": {"bad": BAD}}),
        "spec.indicator.ratio.total",
        "total is missing; add it",
        "Required value",
    ),
    Refused(_ratio("sum(rate(a[5m]))"), _TOTAL_PATH, "this is an aggregation", SELECTOR),
    Refused(_ratio("rate(a[5m])"), _TOTAL_PATH, "this is a function", SELECTOR),
    Refused(_ratio("a[5m]"), _TOTAL_PATH, "this is a range", SELECTOR),
    Refused(_ratio("a + b"), _TOTAL_PATH, "this is a calculation", SELECTOR),
    Refused(_ratio("(a)"), _TOTAL_PATH, "in parentheses", SELECTOR),
    Refused(_ratio("a offset 5m"), _TOTAL_PATH, "offset and @", SELECTOR),
    Refused(_ratio("a @ 5"), _TOTAL_PATH, "offset and @", SELECTOR),
    Refused(_ratio('{job="x"}'), _TOTAL_PATH, "it must begin with the name of one metric", SELECTOR),
    Refused(_ratio('{"a.b",job="x"}'), _TOTAL_PATH, "it must begin with the name of one metric", SELECTOR),
    Refused(_ratio('a{b="c" or d="e"}'), _TOTAL_PATH, "'or' between conditions", SELECTOR),
    Refused(_ratio('a{"b"="c"}'), _TOTAL_PATH, SELECTOR),
    Refused(_ratio('a{b="c"'), _TOTAL_PATH, "this is no PromQL", SELECTOR),
    Refused(_ratio("1"), _TOTAL_PATH, "this is a number", SELECTOR),
    Refused(_ratio('"a"'), _TOTAL_PATH, "this is a text", SELECTOR),
    Refused(_ratio(""), _TOTAL_PATH, "the selector is empty", SELECTOR),
    Refused(_ratio("a # b"), _TOTAL_PATH, "leave out the comment", SELECTOR),
    Refused(_ratio("a" * 4097), _TOTAL_PATH, "it has 4097 characters", "may not be more than 4096"),
    *(
        Refused(
            _latency(name),
            "spec.indicator.latency.histogram",
            "give the base name of the histogram without _bucket, _count or _sum",
        )
        for name in ("h_seconds_bucket", 'h_count{a="b"}', "h_sum {}")
    ),
    Refused(
        _latency(threshold="2h"),
        "spec.indicator.latency.threshold",
        "threshold must be a duration from 1ms to 1h, for example 200ms",
    ),
    Refused(
        _latency(threshold="0s"),
        "spec.indicator.latency.threshold",
        "threshold must be a duration from 1ms to 1h, for example 200ms",
    ),
    Refused(
        objective(workloads=[_DEPLOYMENT, _DEPLOYMENT]),
        "spec.workloads",
        "each workload may be listed once; remove the repeated one",
    ),
    Refused(
        objective(workloads=[{"kind": "Pod", "name": "x"}]),
        "spec.workloads[0].kind",
        "kind must be 'Deployment', 'StatefulSet' or 'DaemonSet'",
        "supported values",
    ),
    Refused(
        objective(workloads=[{"kind": "Deployment", "name": ""}]),
        "spec.workloads[0].name",
        "name is empty",
        "at least 1 chars long",
    ),
    Refused(
        objective(workloads=[{"kind": "Deployment", "name": "a" * 242}]),
        "spec.workloads[0].name",
        "name may have 241",
        "may not be more than 241",
    ),
    Refused(objective(source=""), "spec.source", "source is empty", "at least 1 chars long"),
    Refused(objective(windwo={}), "spec.windwo", "windwo is not a field of this kind", 'unknown field "spec.windwo"'),
    Refused(policy(rules=[]), "spec.rules", "rules needs at least 1 of them", "should have at least 1 items"),
    Refused(policy(mode="Off"), "spec.mode", "mode must be 'Audit' or 'Enforce'", "supported values"),
    *(
        Refused(
            policy(rule(when, NOTIFY)),
            "spec.rules[0].when",
            "give exactly one condition: budgetRemaining, burnRate, budgetSpent or release",
        )
        for when in ({}, {**LOW, **BURN}, {**BURN, **SPENT}, {**LOW, **BURN, **SPENT}, {**LOW, **WORSE})
    ),
    *(
        Refused(
            policy(rule({"release": release}, NOTIFY)),
            "spec.rules[0].when.release",
            "give exactly one of worseThanTarget and spends",
        )
        for release in ({}, {"worseThanTarget": {}, "spends": {"above": "5"}})
    ),
    *(
        Refused(
            policy(rule({"release": {"worseThanTarget": {"confidence": text}}}, NOTIFY)),
            "spec.rules[0].when.release.worseThanTarget.confidence",
            'confidence must be a percentage from 90 to below 100 without the sign, for example "99.9"',
        )
        for text in ("100", "89.9", "0.999", "99.9%")
    ),
    *(
        Refused(
            policy(rule({"release": {"spends": {"above": text}}}, ROLL_BACK)),
            "spec.rules[0].when.release.spends.above",
            'above must be a percentage of the budget above 0 and up to 1000 without the sign, for example "20"',
        )
        for text in ("0", "1001", "a lot")
    ),
    *(
        Refused(
            policy(rule(when, ROLL_BACK)),
            "spec.rules[0]",
            "action RollBack undoes a release for its own failures, so it needs when.release, for example "
            "release: {worseThanTarget: {}}; for a condition on the budget write action Hold",
        )
        for when in (LOW, BURN, SPENT, {"budgetRemaining": {"below": "0"}})
    ),
    *(
        Refused(
            policy(rule(WORSE, {**HOLD, **more})),
            "spec.rules[0]",
            "a release that is stopped stays so until another one is declared; remove gate, until and atMost, "
            "or give a condition on the budget",
        )
        for more in ({"gate": "Deny"}, {"until": {"above": "30"}}, {"atMost": "1h"})
    ),
    *(
        Refused(
            policy(rule(WORSE, {**then, "within": "1h"})),
            "spec.rules[0].then",
            "within belongs to action RollBack; remove it or set action to RollBack",
        )
        for then in (HOLD, NOTIFY)
    ),
    *(
        Refused(
            policy(rule(WORSE, {**ROLL_BACK, "within": text})),
            "spec.rules[0].then.within",
            "within must be a duration from 1m to 7d, for example 1h",
        )
        for text in ("59s", "169h", "0", "an hour")
    ),
    *(
        Refused(
            policy(rule({"budgetSpent": {"above": text, "within": "7d"}}, NOTIFY)),
            "spec.rules[0].when.budgetSpent.above",
            'above must be a percentage of the budget above 0 and up to 1000 without the sign, for example "20"',
        )
        for text in ("0", "-2", "1000.1", "20%")
    ),
    Refused(
        policy(rule({"budgetSpent": {"above": "20", "within": "401d"}}, NOTIFY)),
        "spec.rules[0].when.budgetSpent.within",
        "within must be a duration from 10s to 400d, for example 7d",
    ),
    *(
        Refused(
            policy(rule({"budgetRemaining": {"below": text}}, NOTIFY)),
            "spec.rules[0].when.budgetRemaining.below",
            PERCENT,
        )
        for text in ("101", "-1001", "x", "5%")
    ),
    *(
        Refused(
            policy(rule({"burnRate": {"above": text, "over": "1h"}}, NOTIFY)),
            "spec.rules[0].when.burnRate.above",
            FACTOR,
        )
        for text in ("0", "-2", "fast", "1000001")
    ),
    Refused(
        policy(rule({"burnRate": {"above": "1", "over": "9s"}}, NOTIFY)),
        "spec.rules[0].when.burnRate.over",
        "over must be a duration from 10s to 400d, for example 1h",
    ),
    *(
        Refused(
            policy(rule(LOW, {**NOTIFY, **more})), "spec.rules[0].then", "gate, until and atMost belong to action Hold"
        )
        for more in ({"gate": "Deny"}, {"until": {"above": "30"}}, {"atMost": "1h"})
    ),
    Refused(
        policy(rule(LOW, {**HOLD, "gate": "Queue"})),
        "spec.rules[0].then.gate",
        "gate must be 'Deny'",
        "supported values",
    ),
    Refused(
        policy(rule(LOW, {**HOLD, "atMost": "1s"})),
        "spec.rules[0].then.atMost",
        "atMost must be a duration from 1m to 400d, for example 7d",
    ),
    Refused(
        policy(rule(LOW, {**HOLD, "until": {"above": "100"}})),
        "spec.rules[0].then.until.above",
        'above must be a percentage from -1000 to below 100 without the sign, for example "5"',
    ),
    Refused(
        policy(rule(LOW, {**HOLD, "until": {"above": "24.9"}})),
        "spec.rules[0]",
        "until.above must not be lower than budgetRemaining.below",
    ),
    Refused(
        policy(rule({"budgetRemaining": {"below": "95"}}, HOLD)),
        "spec.rules[0]",
        "a hold lifts 5 percentage points above",
    ),
    Refused(
        policy(rule(LOW, NOTIFY), rule(BURN, NOTIFY)),
        "spec.rules",
        "each rule needs a name of its own; rename the repeated one",
    ),
    Refused(
        policy(rule(LOW, NOTIFY, name="Low")),
        "spec.rules[0].name",
        "name may have lower case letters, digits and dashes inside",
    ),
    Refused(
        policy(objectiveSelector={"matchExpressions": [{"key": "tier", "operator": "In"}]}),
        "spec.objectiveSelector.matchExpressions[0]",
        "In and NotIn need values, Exists and DoesNotExist take none",
    ),
    Refused(
        policy(objectiveSelector={"matchExpressions": [{"key": "tier", "operator": "Exists", "values": ["x"]}]}),
        "spec.objectiveSelector.matchExpressions[0]",
        "In and NotIn need values, Exists and DoesNotExist take none",
    ),
    Refused(
        policy(objectiveSelector={"matchExpressions": [{"key": "a b", "operator": "Exists"}]}),
        "spec.objectiveSelector.matchExpressions[0].key",
        "key must be the key of a Kubernetes label, for example tier or example.com/tier",
    ),
    Refused(
        policy(objectiveSelector={"matchLabels": {"a b": "c"}}),
        "spec.objectiveSelector.matchLabels",
        "keys and values must be those of Kubernetes labels",
    ),
    Refused(
        policy(objectiveSelector={"matchLabels": {"a": "b c"}}),
        "spec.objectiveSelector.matchLabels",
        "keys and values must be those of Kubernetes labels",
    ),
    *(
        Refused(adjustment(**more), "spec", "give exactly one of exclude (time that does not count) and reset")
        for more in ({"reset": None}, {"reset": {"at": "2026-11-22T02:00:00Z"}, "exclude": ONCE})
    ),
    *(
        Refused(adjustment(exclude), "spec.exclude", FORM)
        for exclude in (
            {},
            {"from": ONCE["from"]},
            {"to": ONCE["to"]},
            {**ONCE, "duration": "1h"},
            {**ONCE, "timeZone": "UTC"},
            {"schedule": "FREQ=DAILY"},
            {"schedule": "FREQ=DAILY", "start": "2026-11-22T02:00:00"},
            {"start": "2026-11-22T02:00:00", "duration": "1h"},
            {"timeZone": "UTC"},
            {**ONCE, "schedule": "FREQ=DAILY", "start": "2026-11-22T02:00:00", "duration": "1h"},
        )
    ),
    *(
        Refused(adjustment({"from": begin, "to": end}), "spec.exclude", ORDER)
        for begin, end in (
            ("2026-11-22T02:00:00Z", "2026-11-22T02:00:00Z"),
            ("2026-11-22T02:00:00Z", "2026-11-22T01:00:00Z"),
            ("2026-11-22T02:00:00Z", "2026-11-22T02:30:00+01:00"),
            ("2026-11-22T02:00:00Z", "2027-12-27T02:00:01Z"),
        )
    ),
    *(
        Refused(adjustment({**ONCE, "from": text}), "spec.exclude.from", _moment("from"), "must be of type date-time")
        for text in (
            "yesterday",
            "2026-11-22",
            "2026-11-22T02:00:00",
            "2026-02-30T02:00:00Z",
            "2026-11-22T25:00:00Z",
            "",
        )
    ),
    Refused(
        adjustment({**ONCE, "to": "2026-11-22T02:00:00.000000000000001Z0"}),
        "spec.exclude.to",
        "it has 37 characters",
        "may not be more than 35",
    ),
    *(
        Refused(adjustment(reset={"at": text}), "spec.reset.at", _moment("at"))
        for text in (
            "1999-12-31T23:59:59Z",
            "2100-01-01T00:00:00Z",
            "0001-01-01T00:00:00Z",
            "2026-11-22t02:00:00Z",
            "2026-11-22T02:00:00z",
        )
    ),
    Refused(adjustment(reset={}), "spec.reset.at", "at is missing; add it", "Required value"),
    *(
        Refused(recurring(text), "spec.exclude.schedule", SCHEDULE)
        for text in (
            "",
            "daily",
            "freq=daily",
            "BYDAY=SU",
            "INTERVAL=2;FREQ=WEEKLY",
            "RRULE:FREQ=DAILY",
            "FREQ=HOURLY",
            "FREQ=MINUTELY",
            "FREQ=SECONDLY",
            "FREQ=DAILY;COUNT=3",
            "FREQ=DAILY;BYSECOND=0,1,2",
            "FREQ=YEARLY;BYEASTER=0",
            "FREQ=YEARLY;BYYEARDAY=1",
            "FREQ=DAILY;BYHOUR=1",
            "FREQ=DAILY;INTERVAL=0",
            "FREQ=DAILY;INTERVAL=-1",
            "FREQ=DAILY;INTERVAL=1000",
            "FREQ=DAILY;",
            "FREQ=DAILY FREQ=DAILY",
            "FREQ=DAILY\nFREQ=DAILY",
            "FREQ=DAILY\n",
            "DTSTART:20260101T000000\nRRULE:FREQ=DAILY",
            "FREQ=WEEKLY;BYDAY=",
            "FREQ=WEEKLY;BYDAY=SUN",
            "FREQ=WEEKLY;BYDAY=SU,",
            "FREQ=MONTHLY;BYDAY=0SU",
            "FREQ=YEARLY;BYDAY=54SU",
            "FREQ=MONTHLY;BYDAY=SU(+1)",
            "FREQ=MONTHLY;BYMONTHDAY=32",
            "FREQ=MONTHLY;BYMONTHDAY=0",
            "FREQ=YEARLY;BYMONTH=13",
            "FREQ=MONTHLY;BYDAY=SU;BYSETPOS=0",
            "FREQ=MONTHLY;BYDAY=SU;BYSETPOS=1,2,3,4,5",
            "FREQ=DAILY;UNTIL=tomorrow",
            "FREQ=DAILY;UNTIL=2026-12-31",
        )
    ),
    Refused(
        recurring("FREQ=DAILY;" * 60), "spec.exclude.schedule", "it has 660 characters", "may not be more than 512"
    ),
    *(
        Refused(recurring(text), "spec.exclude.schedule", "each part of a schedule may be given once")
        for text in (
            "FREQ=WEEKLY;BYDAY=SU;BYDAY=MO",
            "FREQ=DAILY;INTERVAL=1;UNTIL=20261231;INTERVAL=1",
            "FREQ=MONTHLY;BYMONTHDAY=1;BYMONTH=2;BYMONTHDAY=3",
        )
    ),
    *(
        Refused(recurring(text), "spec.exclude.schedule", FITTING)
        for text in (
            "FREQ=DAILY;BYDAY=MO",
            "FREQ=DAILY;INTERVAL=2;BYMONTH=2",
            "FREQ=WEEKLY;BYMONTH=2",
            "FREQ=WEEKLY;BYMONTHDAY=30",
            "FREQ=WEEKLY;BYDAY=SU;BYSETPOS=1",
            "FREQ=WEEKLY;BYDAY=1SU",
            "FREQ=WEEKLY;INTERVAL=2;BYDAY=SA,-1SU",
        )
    ),
    *(
        Refused(recurring(text), "spec.exclude.schedule", "BYDAY has days with numbers or days without")
        for text in ("FREQ=MONTHLY;BYDAY=MO,1SU", "FREQ=YEARLY;WKST=SU;BYDAY=-1SU,TU")
    ),
    *(
        Refused(recurring(text), "spec.exclude.schedule", "no day of the week comes a sixth time in a month")
        for text in (
            "FREQ=MONTHLY;BYDAY=1MO,6MO",
            "FREQ=YEARLY;BYMONTH=1;BYDAY=-20MO",
            "FREQ=YEARLY;BYDAY=6MO;BYMONTH=1",
        )
    ),
    *(
        Refused(recurring(start=text), "spec.exclude.start", START)
        for text in (
            "2026-11-22",
            "2026-11-22T02:00",
            "2026-11-22 02:00:00",
            "2026-13-22T02:00:00",
            "2026-11-31T02:00:00",
            "2026-02-30T02:00:00",
            "1999-11-22T02:00:00",
            "2026-11-22T24:00:00",
            "",
        )
    ),
    Refused(
        recurring(start="2026-11-22T02:00:00Z"), "spec.exclude.start", "it has 20 characters", "may not be more than 19"
    ),
    *(
        Refused(recurring(timeZone=text), "spec.exclude.timeZone", "timeZone must be a name of the IANA database")
        for text in (
            "",
            "+01:00",
            "../../etc/passwd",
            "/etc/localtime",
            "localtime",
            "Europe//Berlin",
            "Europe/",
            "a b",
        )
    ),
    *(
        Refused(
            recurring(duration=text),
            "spec.exclude.duration",
            "duration must be a duration from 1m to 7d, for example 1h",
        )
        for text in ("59s", "8d", "1", "")
    ),
    Refused(adjustment(reason=""), "spec.reason", "reason is empty", "at least 1 chars long"),
    Refused(adjustment(reason="x" * 1025), "spec.reason", "reason may have 1024", "may not be more than 1024"),
    Refused(
        adjustment(objectiveSelector={"matchLabels": {"a": "b c"}}),
        "spec.objectiveSelector.matchLabels",
        "keys and values must be those of Kubernetes labels",
    ),
)

ONLY_PARSED: Final = (  # what CEL cannot see: the objective is accepted, and its condition says what is wrong
    Refused(_latency('h{le="1"}'), "spec.indicator.latency.histogram", "leave out the condition on le"),
    Refused(_ratio('a{b=~"("}'), _TOTAL_PATH, "this is no PromQL"),
    Refused(_ratio('a{b=~"[[:alpha:]]"}'), _TOTAL_PATH, "the regular expression of b: a class such as [:alpha:]"),
    Refused(_ratio('a{__name__="b"}'), _TOTAL_PATH, "this is no PromQL"),
    Refused(_ratio("a{b=~`\\d`}"), _TOTAL_PATH, "in double quotes"),
    Refused(adjustment(reset={"at": "2026-11-22T02:00:00,5Z"}), "spec.reset.at", _moment("at")),
    Refused(adjustment(reset={"at": "2026-11-22T02:00:00+24:00"}), "spec.reset.at", _moment("at")),
    Refused(recurring(start="2027-02-29T02:00:00"), "spec.exclude.start", START),
    Refused(recurring(timeZone="Europe/Holdfast"), "spec.exclude.timeZone", "there is no time zone Europe/Holdfast"),
    Refused(recurring(timeZone="Europe"), "spec.exclude.timeZone", "there is no time zone Europe; give a name"),
    Refused(recurring("FREQ=DAILY;UNTIL=20260230"), "spec.exclude.schedule", "UNTIL must be a day of the calendar"),
    Refused(recurring("FREQ=YEARLY;BYDAY=SU;BYSETPOS=367"), "spec.exclude.schedule", "BYSETPOS must be from 1 to 366"),
    Refused(
        objective(window={"calendar": "Month", "timeZone": "Europe/Atlantis"}),
        "spec.window.timeZone",
        "there is no time zone Europe/Atlantis; give a name of the IANA database",
    ),
    Refused(_gauge(query="a[5m]"), "spec.indicator.gauge.query", "this is a range"),
    Refused(_gauge(query="a @ 5"), "spec.indicator.gauge.query", "@ pins the time"),
    Refused(
        objective(indicator={"fraction": {"bad": "rate(a[$__interval])"}}),
        "spec.indicator.fraction.bad",
        "a variable such as $__interval means nothing to Prometheus",
    ),
    Refused(
        objective(indicator={"fraction": {"good": "a", "weight": "sum("}}),
        "spec.indicator.fraction.weight",
        "this is no PromQL",
    ),
)

ACCEPTED: Final = (
    objective(),
    objective(target="0.000000000001"),
    objective(target="99.999999999999"),
    objective(window={"rolling": "1m"}, evidence={"staleAfter": "1d", "minEvents": 1}, source="mimir"),
    objective(window={"rolling": "400d"}, attribution={"podLabel": "exported_pod"}),
    objective(window={"rolling": "1w2d3h4m5s6ms"}, workloads=[_DEPLOYMENT, {"kind": "Deployment", "name": "other"}]),
    objective(window={"rolling": "1y"}, description="…"),
    objective(indicator={"ratio": {"good": "a", "total": "b{}"}}),
    objective(indicator={"ratio": {"bad": " a:b_c {\n x = 'a\\'b', y!~`z` , } ", "total": 'a{b="}{\\"(sum"}'}}),
    _latency('h_seconds{job="h_bucket"}', "1h"),
    _latency(threshold="1ms"),
    _latency('h_seconds{job="native"}', "1h"),
    *(objective(window={"calendar": period}) for period in ("Week", "Month", "Quarter", "Year")),
    *(
        objective(window={"calendar": "Month", "timeZone": zone})
        for zone in ("UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+12", "GB")
    ),
    objective(indicator=GAUGE),
    _gauge(good={"below": "-0.5"}, every="1h"),
    _gauge(query='max_over_time(sum by (pod) (a{b=~"x.*"})[5m:1m] offset 1h) > bool 3', every="10s"),
    objective(indicator=FRACTION),
    objective(indicator={"fraction": {"good": "scalar(a)", "every": "30s"}}),
    _composite({"name": "checkout-availability", "weight": "3"}, {"name": "checkout.latency"}),
    _composite(*({"name": f"o{n}", "weight": "0.5"} for n in range(20))),
    objective(timeSlices={"slice": "10s", "good": "100"}),
    objective(timeSlices={"slice": "1d", "good": "0.1"}, indicator={"latency": {"histogram": "h", "threshold": "1s"}}),
    policy(),
    policy(rule(SPENT, NOTIFY)),
    policy(rule({"budgetSpent": {"above": "1000", "within": "10s"}}, {**HOLD, "until": {"above": "5"}})),
    policy(mode="Enforce", objectiveSelector={"matchLabels": {"example.com/tier": "critical", "a": ""}}),
    policy(
        objectiveSelector={
            "matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["b"]}, {"key": "b", "operator": "Exists"}]
        }
    ),
    policy(
        rule(LOW, {**HOLD, "gate": "Deny", "until": {"above": "25"}, "atMost": "7d"}, mode="Enforce"),
        rule(BURN, NOTIFY, name="s"),
    ),
    policy(
        rule({"budgetRemaining": {"below": "-5.5"}}, HOLD),
        rule({"budgetRemaining": {"below": "100"}}, NOTIFY, name="any"),
    ),
    policy(rule(BURN, {**HOLD, "until": {"above": "0"}})),
    policy(*(rule(WORSE, then, name=f"r{n}") for n, then in enumerate((NOTIFY, HOLD, ROLL_BACK)))),
    policy(rule({"release": {"worseThanTarget": {"confidence": "99.99"}}}, {**ROLL_BACK, "within": "1m"})),
    policy(rule({"release": {"spends": {"above": "0.5"}}}, {**ROLL_BACK, "within": "7d"})),
    policy(rule({"budgetRemaining": {"below": "94.9"}}, HOLD)),
    adjustment(),
    adjustment(objectiveSelector={}),
    adjustment(objectiveSelector={"matchLabels": {"tier": "critical"}}, requestedBy="admin"),
    adjustment({"from": "2025-11-22T02:00:00.5+01:00", "to": "2026-12-27T01:00:00Z"}),
    adjustment(reset={"at": "2000-01-01T00:00:00Z"}),
    recurring(),
    recurring(timeZone="Europe/Berlin", duration="7d"),
    recurring(timeZone="America/Argentina/Buenos_Aires", duration="1m"),
    recurring(timeZone="Etc/GMT+12", start="2028-02-29T23:59:59"),
    recurring("FREQ=DAILY;INTERVAL=999;UNTIL=20301231"),
    recurring("FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=MO,TU,WE;UNTIL=20301231T020000Z"),
    recurring("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1"),
    recurring("FREQ=MONTHLY;BYMONTH=1,4,07,10;BYDAY=+1SU,-1SU;UNTIL=20301231T020000"),
    recurring("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1,29,05"),
    recurring("FREQ=YEARLY;BYDAY=53MO,+1SU,-53TU"),
    recurring("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"),  # it never occurs, and costs nothing
)


def renamed(body: Json, namespace: str, name: str | None = None) -> Json:
    """The same object elsewhere."""
    body = copy.deepcopy(body)
    body["metadata"] |= {"namespace": namespace, **({"name": name} if name else {})}
    return body
