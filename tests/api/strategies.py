"""Records of holds and releases as Hypothesis makes them up: everything a record can hold, in the namespace of its workload."""

from __future__ import annotations

from hypothesis import strategies as st

from holdfast.core.hold import (
    Cause,
    CauseKey,
    HoldRecord,
    HoldState,
    Quarantined,
    Reason,
    Template,
    Transition,
    Undo,
    UndoState,
)
from holdfast.core.objective import ObjectKey, Workload
from holdfast.core.policy import RuleKey
from holdfast.core.release import (
    Ask,
    Cost,
    Readiness,
    ReadinessReason,
    ReleaseFinding,
    ReleaseRecord,
    ReleaseState,
    Restrained,
    RestraintReason,
)

NAMES = st.from_regex(r"[a-z]([-a-z0-9]{0,20}[a-z0-9])?", fullmatch=True)
TIMES = st.floats(1_000_000_000, 4_000_000_000) | st.integers(0, 4_000_000_000).map(float)
SPANS = st.integers(1, 400 * 86_400_000).map(lambda milliseconds: milliseconds / 1000)
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30)
IMAGES = (
    st.sampled_from(
        ["shop:v1", "ghcr.io/acme/shop:v2.3.1", "localhost:5000/shop", "shop@sha256:0123", "a/b:v1@sha256:01"]
    )
    | WORDS
)
TEMPLATES = st.builds(
    Template, st.text("0123456789abcdef", min_size=1, max_size=64), st.lists(IMAGES, max_size=3).map(tuple)
)
CAUSE_KEYS = st.builds(CauseKey, st.builds(RuleKey, NAMES, NAMES), st.builds(ObjectKey, st.just("shop"), NAMES))
REASONS = st.sampled_from(Reason)
CAUSES = st.builds(Cause, CAUSE_KEYS, REASONS, TIMES, st.none() | SPANS)
TRANSITIONS = st.builds(Transition, TIMES, st.sampled_from(HoldState), REASONS)
UNDOS = st.builds(
    Undo,
    NAMES,
    TEMPLATES,
    st.none() | TEMPLATES,
    TIMES,
    st.sampled_from(UndoState),
    st.booleans(),
    st.booleans(),
    st.none() | st.integers(0, 2**31 - 1),
)
QUARANTINED = st.builds(Quarantined, NAMES, TEMPLATES, TIMES, st.none() | CAUSE_KEYS)

RECORDS = st.builds(
    HoldRecord,
    workload=st.builds(Workload, st.just("shop"), st.sampled_from(["Deployment", "StatefulSet", "DaemonSet"]), NAMES),
    id=NAMES,
    state=st.sampled_from(HoldState),
    reason=REASONS,
    since=TIMES,
    causes=st.lists(CAUSES, max_size=3).map(tuple),
    message=WORDS,
    declared=TEMPLATES,
    serving=st.none() | TEMPLATES,
    paused=st.none() | TEMPLATES,
    enforced=st.booleans(),
    found=st.none() | st.integers(0, 2**31 - 1),
    worn=st.lists(CAUSE_KEYS, max_size=3).map(tuple),
    history=st.lists(TRANSITIONS, max_size=20).map(tuple),
    undo=st.none() | UNDOS,
    quarantined=st.lists(QUARANTINED, max_size=3).map(tuple),
)

COUNTS = st.floats(0, 1e12) | st.integers(0, 10**12).map(float)
COSTS = st.builds(
    Cost,
    st.builds(ObjectKey, st.just("shop"), NAMES),
    total=COUNTS,
    bad=st.floats(-10, 1e12),
    spent=st.floats(0, 1e6),
    finding=st.sampled_from(ReleaseFinding),
    seen_after=st.none() | st.integers(0, 10**12),
)
ASKS = st.none() | st.builds(Ask, NAMES, WORDS.filter(bool))
RELEASES = st.builds(
    ReleaseRecord,
    workload=st.builds(Workload, st.just("shop"), st.sampled_from(["Deployment", "StatefulSet", "DaemonSet"]), NAMES),
    uid=NAMES,
    template=TEMPLATES,
    began=TIMES,
    state=st.sampled_from(ReleaseState),
    revision=st.integers(0, 2**40),
    hash=NAMES | st.just(""),
    changed_by=NAMES | st.just(""),
    again=st.booleans(),
    started=st.none() | TIMES,
    completed=st.none() | TIMES,
    ended=st.none() | TIMES,
    good=st.booleans(),
    found=st.none() | TIMES,
    undone=st.none() | TIMES,
    kept=st.booleans(),
    costs=st.lists(COSTS, max_size=3).map(tuple),
    readiness=st.none() | st.builds(Readiness, st.booleans(), st.sampled_from(ReadinessReason), WORDS),
    bound=WORDS,
    message=WORDS,
    restrained=st.none() | st.builds(Restrained, st.sampled_from(RestraintReason), WORDS.filter(bool)),
    undo=ASKS,
    allow=st.none(),
)
