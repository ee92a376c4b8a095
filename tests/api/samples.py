"""Objects as people write them, and one table of what is wrong with them: the parser and the API server must agree on it."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any, Final

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


LOW: Final = {"budgetRemaining": {"below": "25"}}
BURN: Final = {"burnRate": {"above": "14.4", "over": "1h"}}
NOTIFY: Final = {"action": "Notify"}
HOLD: Final = {"action": "Hold"}
TARGET: Final = 'target must be above 0 and below 100 percent, for example "99.9"'
ROLLING: Final = "rolling must be a duration from 1m to 400d, for example 30d"
SELECTOR: Final = "must be one selector, a metric's name and conditions on labels, without functions or ranges"
PERCENT: Final = 'below must be a percentage from -1000 to 100 without the sign, for example "5"'
FACTOR: Final = 'above must be a burn rate above 0, for example "14.4"'


def _ratio(total: str) -> Json:
    return objective(indicator={"ratio": {"bad": BAD, "total": total}})


def _latency(histogram: str = "h_seconds", threshold: str = "200ms") -> Json:
    return objective(indicator={"latency": {"histogram": histogram, "threshold": threshold}})


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
        objective(evidence={"minEvents": 0}),
        "spec.evidence.minEvents",
        "minEvents must be 1 or more",
        "should be greater than or equal to 1",
    ),
    Refused(objective(indicator={}), "spec.indicator", "give exactly one indicator: either ratio or latency"),
    Refused(
        objective(indicator={"ratio": {"bad": BAD, "total": TOTAL}, "latency": {"histogram": "h", "threshold": "1s"}}),
        "spec.indicator",
        "give exactly one indicator: either ratio or latency",
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
        "kind must be 'Deployment'",
        "supported values",
    ),
    Refused(
        objective(workloads=[{"kind": "Deployment", "name": ""}]),
        "spec.workloads[0].name",
        "name is empty",
        "at least 1 chars long",
    ),
    Refused(
        objective(workloads=[{"kind": "Deployment", "name": "a" * 243}]),
        "spec.workloads[0].name",
        "name may have 242",
        "may not be more than 242",
    ),
    Refused(objective(source=""), "spec.source", "source is empty", "at least 1 chars long"),
    Refused(objective(windwo={}), "spec.windwo", "windwo is not a field of this kind", 'unknown field "spec.windwo"'),
    Refused(policy(rules=[]), "spec.rules", "rules needs at least 1 of them", "should have at least 1 items"),
    Refused(policy(mode="Off"), "spec.mode", "mode must be 'Audit' or 'Enforce'", "supported values"),
    Refused(
        policy(rule({}, NOTIFY)), "spec.rules[0].when", "give exactly one condition: either budgetRemaining or burnRate"
    ),
    Refused(
        policy(rule({**LOW, **BURN}, NOTIFY)),
        "spec.rules[0].when",
        "give exactly one condition: either budgetRemaining or burnRate",
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
)

ONLY_PARSED: Final = (  # what CEL cannot see: the objective is accepted, and its condition says what is wrong
    Refused(_latency('h{le="1"}'), "spec.indicator.latency.histogram", "leave out the condition on le"),
    Refused(_ratio('a{b=~"("}'), _TOTAL_PATH, "this is no PromQL"),
    Refused(_ratio('a{b=~"[[:alpha:]]"}'), _TOTAL_PATH, "the regular expression of b: a class such as [:alpha:]"),
    Refused(_ratio('a{__name__="b"}'), _TOTAL_PATH, "this is no PromQL"),
    Refused(_ratio("a{b=~`\\d`}"), _TOTAL_PATH, "in double quotes"),
)

ACCEPTED: Final = (
    objective(),
    objective(target="0.000000000001"),
    objective(target="99.999999999999"),
    objective(window={"rolling": "1m"}, evidence={"staleAfter": "1d", "minEvents": 1}, source="mimir"),
    objective(window={"rolling": "400d"}),
    objective(window={"rolling": "1w2d3h4m5s6ms"}, workloads=[_DEPLOYMENT, {"kind": "Deployment", "name": "other"}]),
    objective(window={"rolling": "1y"}, description="…"),
    objective(indicator={"ratio": {"good": "a", "total": "b{}"}}),
    objective(indicator={"ratio": {"bad": " a:b_c {\n x = 'a\\'b', y!~`z` , } ", "total": 'a{b="}{\\"(sum"}'}}),
    _latency('h_seconds{job="h_bucket"}', "1h"),
    _latency(threshold="1ms"),
    policy(),
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
    policy(rule({"budgetRemaining": {"below": "94.9"}}, HOLD)),
)


def renamed(body: Json, namespace: str, name: str | None = None) -> Json:
    """The same object elsewhere."""
    body = copy.deepcopy(body)
    body["metadata"] |= {"namespace": namespace, **({"name": name} if name else {})}
    return body
