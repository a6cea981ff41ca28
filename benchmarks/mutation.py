"""How many small faults in kernels, discounting and disclosure control do the tests find? Mutation testing.

Run: python benchmarks/mutation.py [--each 300] [--seed 1] [--only discounting] [--file simplex.py] (minutes to hours)

Each mutant has one fault: a comparison, an arithmetic sign, a number, a truth value or a condition is changed. First the tests
that import the file or are named after it are run against it, then all tests that import anything of its target, in a process
that has the libraries loaded already. A mutant that takes three times the processor time of sound code, and ten seconds more,
counts as killed. Mutants that survive are printed, to be killed by a test or explained. Without ``--each`` every mutant is
tried. ``strict`` of ``zip`` is left alone: it guards against a fault in the code around it, and sound code never meets it.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import functools
import importlib
import os
import random
import re
import resource
import shutil
import signal
import sys
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE, TESTS = ROOT / "src" / "averting", ROOT / "tests" / "unit"
LIBRARIES = ("numpy", "pandas", "scipy.optimize", "scipy.stats", "xarray", "pytest", "hypothesis")
PEERS = ("pyfixest", "diff_diff", "csdid", "linearmodels", "statsmodels.api")
TARGETS = {  # name: (files, what they are imported as)
    "kernels": ("effects/kernels/*.py", "averting.effects.kernels"),
    "discounting": ("costs/discounting.py", "averting.costs.discounting"),
    "disclosure": ("data/disclosure/*.py", "averting.data.disclosure"),
}
COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
COMPUTED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Div,
    ast.Pow: ast.Mult, ast.MatMult: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip
Node = ast.Compare | ast.BinOp | ast.AugAssign | ast.BoolOp | ast.UnaryOp | ast.Constant | ast.If | ast.IfExp


@dataclass(frozen=True)
class Mutant:
    """One fault in one file."""

    file: Path
    line: int
    before: str
    after: str
    text: str

    def __str__(self) -> str:
        where = self.file.relative_to(SOURCE).as_posix()
        return f"{where}:{self.line}  {self.before[:60]}  ->  {self.after[:60]}"


class _Places(ast.NodeVisitor):
    """Collects what can be changed; words, annotations and what only raises are left alone."""

    def __init__(self) -> None:
        self.found: list[tuple[Node, int]] = []

    def visit(self, node: ast.AST) -> None:
        match node:
            case ast.JoinedStr() | ast.Raise() | ast.Import() | ast.ImportFrom() | ast.keyword(arg="strict"):
                return
            case ast.Compare(ops=ops):
                self.found += [(node, at) for at, op in enumerate(ops) if type(op) in COMPARED]
            case ast.BinOp(op=op) | ast.AugAssign(op=op) if type(op) in COMPUTED:
                self.found.append((node, 0))
            case ast.BoolOp() | ast.UnaryOp(op=ast.USub()) | ast.If() | ast.IfExp():
                self.found.append((node, 0))
            case ast.Constant(value=bool() | int() | float()):
                self.found.append((node, 0))
        for name, child in ast.iter_fields(node):
            if name in ("annotation", "returns", "decorator_list", "type_params"):
                continue
            for each in child if isinstance(child, list) else [child]:
                if isinstance(each, ast.AST):
                    self.visit(each)


def _change(node: Node, at: int) -> None:
    match node:
        case ast.Compare():
            node.ops[at] = COMPARED[type(node.ops[at])]()
        case ast.BinOp() | ast.AugAssign():
            node.op = COMPUTED[type(node.op)]()
        case ast.BoolOp():
            node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        case ast.UnaryOp():
            node.op = ast.UAdd()
        case ast.If() | ast.IfExp():
            node.test = ast.UnaryOp(ast.Not(), node.test)
        case ast.Constant(value=bool() as truth):
            node.value = not truth
        case ast.Constant(value=int() | float() as number):
            node.value = number + 1


def mutants(file: Path) -> list[Mutant]:
    """Return every mutant of a file."""
    text = file.read_text(encoding="utf-8")
    places = _Places()
    places.visit(ast.parse(text))
    made = []
    for number in range(len(places.found)):
        tree = ast.parse(text)
        again = _Places()
        again.visit(tree)
        node, at = again.found[number]
        before = ast.unparse(node)
        _change(node, at)
        made.append(Mutant(file, node.lineno, before, ast.unparse(node), ast.unparse(tree)))
    return made


def tests_of(file: Path) -> tuple[str, ...]:
    """Return the tests that import a file, or are named after it."""
    module = ".".join(file.relative_to(SOURCE.parent).with_suffix("").parts)
    named = TESTS / file.relative_to(SOURCE).with_name(f"test_{file.name}")
    return tuple(
        str(test)
        for test in sorted(TESTS.rglob("test_*.py"))
        if test == named or f"{module} import" in test.read_text(encoding="utf-8")
    )


def tests_that_import(target: str) -> tuple[str, ...]:
    """Return the tests that import anything of a target."""
    imports = re.compile(rf"^\s*(from|import) {re.escape(target)}\b", re.MULTILINE)
    return tuple(str(test) for test in sorted(TESTS.rglob("test_*.py")) if imports.search(test.read_text("utf-8")))


@functools.cache
def seconds(tests: tuple[str, ...]) -> float:
    """Return the processor time that tests take on sound code."""
    status, used = _outcome(None, tests, 36_000)
    if status:
        sys.exit(f"tests fail on sound code: {', '.join(tests)}")
    return used


def survives(mutant: Mutant, tests: tuple[str, ...]) -> bool:
    """Say whether all tests pass against a mutant."""
    return _outcome(mutant, tests, 3 * seconds(tests) + 10)[0] == 0


def _outcome(mutant: Mutant | None, tests: tuple[str, ...], limit: float) -> tuple[int, float]:
    child = os.fork()
    if child == 0:
        used = resource.getrusage(resource.RUSAGE_SELF)
        end = round(used.ru_utime + used.ru_stime + limit)
        resource.setrlimit(resource.RLIMIT_CPU, (end, end + 1))
        signal.alarm(round(60 * limit))  # should it wait for ever
        os._exit(_tested(mutant, tests))
    _, status, after = os.wait4(child, 0)
    return status, after.ru_utime + after.ru_stime


def _tested(mutant: Mutant | None, tests: tuple[str, ...]) -> int:
    import pytest

    with tempfile.TemporaryDirectory() as scratch, Path(os.devnull).open("w") as silent:
        source = Path(scratch) / "averting"
        shutil.copytree(SOURCE, source, ignore=shutil.ignore_patterns("__pycache__"))
        # where an installed package finds what ships beside the code
        (source / "_models").symlink_to(ROOT / "models")
        (source / "_analyses").symlink_to(ROOT / "analyses")
        if mutant is not None:
            (source / mutant.file.relative_to(SOURCE)).write_text(mutant.text, encoding="utf-8")
        sys.path.insert(0, scratch)
        sys.dont_write_bytecode = True
        options = [
            "-x",
            "-q",
            "-p",
            "no:cacheprovider",
            "--no-header",
            "-W",
            "ignore::pytest.PytestAssertRewriteWarning",
        ]
        with contextlib.redirect_stdout(silent), contextlib.redirect_stderr(silent):
            return int(pytest.main([*options, *tests]))


def chosen(pattern: str, name: str | None, each: int | None, seed: int) -> Iterator[Mutant]:
    """Yield the mutants of a target or of one of its files: all, or so many drawn evenly."""
    files = [file for file in sorted(SOURCE.glob(pattern)) if name in (None, file.name)]
    every = [mutant for file in files for mutant in mutants(file)]
    yield from every if each is None else random.Random(seed).sample(every, min(each, len(every)))


def main() -> None:
    """Print the share killed by target, and every mutant that survived."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--each", type=int)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--only", choices=list(TARGETS))
    options.add_argument("--file")
    options.add_argument(
        "--least", type=float, default=0.0, help="end with status 1 where less than this share is killed"
    )
    asked = options.parse_args()
    os.chdir(ROOT)
    sys.path[:] = [path for path in sys.path if Path(path).resolve() != SOURCE.parent]
    for library in LIBRARIES:
        importlib.import_module(library)  # once, for every mutant's process
    warnings.filterwarnings("ignore", message=".*multi-threaded, use of fork")  # threads of the peers, idle
    for peer in PEERS:
        with contextlib.suppress(ImportError):
            importlib.import_module(peer)

    shares = [
        _killed(
            name,
            list(chosen(pattern, asked.file, asked.each, asked.seed)),
            tests_that_import(target),
        )
        for name, (pattern, target) in TARGETS.items()
        if asked.only in (None, name)
    ]
    sys.exit(min(shares) < asked.least)


def _killed(name: str, tried: list[Mutant], every: tuple[str, ...]) -> float:
    """Try mutants of a target, print those that survive, and return the share that did not."""
    lived = 0
    for number, mutant in enumerate(tried, 1):
        own = tests_of(mutant.file)
        if (not own or survives(mutant, own)) and (own == every or survives(mutant, every)):
            lived += 1
            print(f"  survived (number {number} of {len(tried)}): {mutant}", flush=True)
    share = 1 - lived / max(1, len(tried))
    print(f"{name}: {len(tried) - lived} of {len(tried)} killed ({share:.0%})", flush=True)
    return share


if __name__ == "__main__":
    main()
