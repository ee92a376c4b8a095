"""Change one thing in the core at a time, and see whether a test notices: `python -m tests.mutation [MODULE …]`.

On a copy in a temporary directory. A mutant first meets the tables and the crash points, in seconds; what survives
meets the properties and the stories too. Each mutant is one forked process, so that Python and pytest start only once.
Survivors are printed; `docs/mutation.md` says of each why it may live.
"""

from __future__ import annotations

import ast
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import hypothesis  # noqa: F401 - imported before the forks, so that they need not
import pytest

ROOT: Final = Path(__file__).resolve().parent.parent
SLOW: Final = ("test_properties.py", "test_accidents.py")
MEASURING: Final = {"ledger", "budget", "evidence"}
"""Modules for which the tests of the ledger are run too."""

LIMIT: Final = 120.0
"""Seconds after which a mutant that still runs counts as noticed: it never ends."""

COMPARE: Final[dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
BINARY: Final[dict[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Div,
    ast.Pow: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}
CALLS: Final = {"min": "max", "max": "min", "any": "all", "all": "any", "sorted": "list"}

Change = tuple[str, Callable[[], None]]


def changes(node: ast.AST) -> Iterator[Change]:
    """What can be done to one node: a name for it, and the deed, in place."""
    match node:
        case ast.Compare(ops=ops):
            for i, op in enumerate(ops):
                for other in COMPARE.get(type(op), ()):
                    yield (
                        f"{type(op).__name__} → {other.__name__}",
                        lambda i=i, other=other: ops.__setitem__(i, other()),
                    )
        case ast.BoolOp(op=op, values=values):
            other_op = ast.Or() if isinstance(op, ast.And) else ast.And()
            yield f"{type(op).__name__} → {type(other_op).__name__}", lambda: setattr(node, "op", other_op)
            for i in range(len(values)):
                yield f"operand {i + 1} of {type(op).__name__} dropped", lambda i=i: values.__delitem__(i)
        case ast.BinOp(op=op) if type(op) in BINARY:
            other_bin = BINARY[type(op)]
            yield f"{type(op).__name__} → {other_bin.__name__}", lambda: setattr(node, "op", other_bin())
        case ast.UnaryOp(op=ast.Not() | ast.USub()):
            yield (
                f"{type(node.op).__name__} dropped",
                lambda: (
                    setattr(node, "op", ast.UAdd())
                    if isinstance(node.op, ast.USub)
                    else _become(node, ast.Call(ast.Name("bool", ast.Load()), [node.operand], []))
                ),
            )
        case ast.Constant(value=bool() as flag):
            yield f"{flag} → {not flag}", lambda: setattr(node, "value", not flag)
        case ast.Constant(value=int() | float() as number):
            yield f"{number} → {number + 1}", lambda: setattr(node, "value", number + 1)
        case ast.Constant(value=str() as text):
            yield f"text {text[:20]!r}", lambda: setattr(node, "value", f"{text}XX")
        case ast.IfExp(body=body, orelse=orelse):
            yield "always the first", lambda: _become(node, body)
            yield "always the second", lambda: _become(node, orelse)
        case ast.If() | ast.comprehension(ifs=[_]):
            yield "condition always true", lambda: _always(node, True)
            yield "condition always false", lambda: _always(node, False)
        case ast.Return(value=ast.AST()):
            yield "returns nothing", lambda: setattr(node, "value", ast.Constant(None))
        case ast.Expr(value=ast.Call()) | ast.AugAssign():
            yield "statement dropped", lambda: _become(node, ast.Pass())
        case ast.Continue():
            yield "continue → break", lambda: _become(node, ast.Break())
        case ast.Call(func=func, keywords=keywords):
            if isinstance(func, ast.Name) and func.id in CALLS:
                yield f"{func.id} → {CALLS[func.id]}", lambda: setattr(func, "id", CALLS[func.id])
            for i, keyword in enumerate(keywords):
                yield f"argument {keyword.arg} dropped", lambda i=i: keywords.__delitem__(i)


def _become(node: ast.AST, other: ast.AST) -> None:
    node.__class__ = other.__class__
    node.__dict__ = {**other.__dict__}


def _always(node: ast.If | ast.comprehension, value: bool) -> None:
    constant = ast.Constant(value)
    if isinstance(node, ast.If):
        node.test = constant
    else:
        node.ifs = [constant]


def nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node that runs: no annotations, no docstrings, no imports for the type checker, no proofs of completeness."""
    for name, value in ast.iter_fields(tree):
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST) or name in {"annotation", "returns", "decorator_list"}:
                continue
            documents = isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)
            typing = isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"
            if documents or typing or ast.unparse(child).startswith(("assert_never(", "assert ")):
                continue
            yield child
            yield from nodes(child)


def mutants(source: str) -> Iterator[tuple[str, str]]:
    """A name and the whole changed source, one change each."""
    for i, node in enumerate(nodes(ast.parse(source))):
        for j, (name, _) in enumerate(changes(node)):
            tree = ast.parse(source)
            changed = list(nodes(tree))[i]
            list(changes(changed))[j][1]()
            mutated = ast.unparse(ast.fix_missing_locations(tree))
            line = getattr(node, "lineno", getattr(getattr(node, "target", None), "lineno", 0))
            if mutated != ast.unparse(ast.parse(source)):
                yield f"{line}: {name}", mutated


def noticed(scratch: Path, tests: list[str]) -> bool:
    """Whether these tests fail, or do not end, on what is in the scratch directory now."""
    child = os.fork()
    if child == 0:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
        os.chdir(scratch)
        sys.path[:0] = [str(scratch / "operator"), str(scratch)]
        os._exit(int(pytest.main(["-x", "-q", "--noconftest", "-p", "no:cacheprovider", *tests])))
    until = time.monotonic() + LIMIT
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status != 0
        if time.monotonic() > until:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return True
        time.sleep(0.01)


def main(only: list[str]) -> int:
    """Run all mutants of these modules, or of the whole core; 1 when any survives."""
    scratch = Path(tempfile.mkdtemp(prefix="holdfast-mutation-"))
    shutil.copytree(ROOT / "operator", scratch / "operator", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "tests" / "core", scratch / "tests" / "core", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", scratch)
    sys.path[:] = [p for p in sys.path if Path(p or ".").resolve() not in {ROOT, ROOT / "operator"}]
    files = sorted(str(p.relative_to(scratch)) for p in (scratch / "tests" / "core").glob("test_*.py"))
    counting = not only or not MEASURING.isdisjoint(only)
    fast = [f for f in files if not f.endswith(SLOW) and (counting or "ledger" not in f)]
    slow = [f for f in files if f.endswith(SLOW)]
    if noticed(scratch, fast) or noticed(scratch, slow):
        print("The tests fail without any change.")
        return 2
    sys.dont_write_bytecode = True  # the tests are compiled now; what is mutated must never be
    for cache in (scratch / "operator").rglob("__pycache__"):
        shutil.rmtree(cache)
    alive: list[tuple[Path, str, str]] = []
    for path in sorted((scratch / "operator/holdfast/core").rglob("*.py")):
        if not only or path.stem in only:
            own = sorted(fast, key=lambda f: path.stem not in f)
            tried = list(mutants(path.read_text(encoding="utf-8")))
            lived = [(path, *m) for m in tried if _lives(scratch, path, m[1], own)]
            for _, name, _ in lived:
                print(f"    {path.stem}:{name}", flush=True)
            print(f"{path.stem}: {len(tried)} mutants, {len(lived)} not noticed by the tables", flush=True)
            alive += lived
    alive = [m for m in alive if _lives(scratch, m[0], m[2], slow)]
    for path, name, _ in alive:
        print(f"  {path.stem}:{name}")
    print(f"{len(alive)} alive")
    shutil.rmtree(scratch)
    return 1 if alive else 0


def _lives(scratch: Path, path: Path, mutated: str, tests: list[str]) -> bool:
    source = path.read_text(encoding="utf-8")
    path.write_text(mutated, encoding="utf-8")
    try:
        return not noticed(scratch, tests)
    finally:
        path.write_text(source, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
