"""How many small faults in kernels, discounting and disclosure control do the tests find? Mutation testing.

Run: python benchmarks/mutation.py [--each 30] [--seed 1] [--only discounting] (minutes; a file of tests is run for each mutant)

Each mutant has one fault: a comparison, an arithmetic sign, a number, a truth value or a condition is changed. The tests that
belong to its file are run against it, in a process that has the libraries loaded already; a mutant that lasts longer than ten
times the tests on sound code counts as killed. Mutants that survive are printed, to be killed by a test or explained.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import importlib
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "averting"
TARGETS: dict[str, tuple[list[str], dict[str, list[str]]]] = {
    # name: (files, tests; a file with tests of its own is tried with those)
    "kernels": (["effects/kernels/*.py"], {"": ["tests/unit/effects/kernels"]}),
    "discounting": (["costs/discounting.py"], {"": ["tests/unit/costs/test_discounting.py"]}),
    "disclosure": (
        ["data/disclosure/*.py"],
        {"": ["tests/unit/data/test_differencing_attack.py"]},
    ),
}
SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.And: ast.Or, ast.Or: ast.And,
    ast.FloorDiv: ast.Div, ast.Pow: ast.Mult, ast.MatMult: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
    ast.USub: ast.UAdd, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """One fault in one file."""

    file: Path
    number: int
    line: int
    before: str
    after: str
    text: str


class _Places(ast.NodeVisitor):
    """Collects what can be changed; words, annotations and what only raises are left alone."""

    def __init__(self) -> None:
        self.found: list[tuple[ast.AST, str, int]] = []

    def visit(self, node: ast.AST) -> None:
        if isinstance(node, ast.JoinedStr | ast.Raise | ast.Import | ast.ImportFrom):
            return
        if isinstance(node, ast.Compare):
            self.found += [(node, "ops", at) for at, op in enumerate(node.ops) if type(op) in SWAPS]
        elif isinstance(node, ast.BinOp | ast.BoolOp | ast.UnaryOp | ast.AugAssign) and type(node.op) in SWAPS:
            self.found.append((node, "op", 0))
        elif isinstance(node, ast.Constant) and isinstance(node.value, bool | int | float):
            self.found.append((node, "value", 0))
        elif isinstance(node, ast.If | ast.IfExp):
            self.found.append((node, "test", 0))
        for name, child in ast.iter_fields(node):
            if name in ("annotation", "returns", "decorator_list", "type_params"):
                continue
            for each in child if isinstance(child, list) else [child]:
                if isinstance(each, ast.AST):
                    self.visit(each)


def _change(node: ast.AST, field: str, at: int) -> None:
    if field == "ops":
        node.ops[at] = SWAPS[type(node.ops[at])]()  # type: ignore[attr-defined]
    elif field == "op":
        node.op = SWAPS[type(node.op)]()  # type: ignore[attr-defined]
    elif field == "test":
        node.test = ast.UnaryOp(ast.Not(), node.test)  # type: ignore[attr-defined]
    else:
        value = node.value  # type: ignore[attr-defined]
        node.value = not value if isinstance(value, bool) else value + 1  # type: ignore[attr-defined]


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
        node, field, at = again.found[number]
        before = ast.unparse(node)
        _change(node, field, at)
        made.append(Mutant(file, number, node.lineno, before, ast.unparse(node), ast.unparse(tree)))  # type: ignore[attr-defined]
    return made


def survives(mutant: Mutant | None, tests: list[str], limit: float) -> bool:
    """Run tests against a mutant in a process of its own, and say whether all pass."""
    child = os.fork()
    if child == 0:
        os._exit(_tested(mutant, tests))
    end = time.monotonic() + limit
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status) == 0
        time.sleep(0.05)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def _tested(mutant: Mutant | None, tests: list[str]) -> int:
    import pytest

    os.setpgid(0, 0)
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
        with contextlib.redirect_stdout(silent), contextlib.redirect_stderr(silent):
            return int(
                pytest.main(
                    [
                        "-x",
                        "-q",
                        "-W",
                        "ignore::pytest.PytestAssertRewriteWarning",
                        "-p",
                        "no:cacheprovider",
                        "--no-header",
                        *tests,
                    ]
                )
            )


def chosen(files: list[str], each: int, seed: int) -> Iterator[Mutant]:
    """Yield so many mutants of a target, spread over its files by their number."""
    every = [mutant for pattern in files for file in sorted(SOURCE.glob(pattern)) for mutant in mutants(file)]
    yield from random.Random(seed).sample(every, min(each, len(every)))


def main() -> None:
    """Print the share killed by target, and every mutant that survived."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--each", type=int, default=30)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--only", choices=list(TARGETS))
    asked = options.parse_args()
    os.chdir(ROOT)
    sys.path[:] = [path for path in sys.path if Path(path).resolve() != SOURCE.parent]
    for library in ("numpy", "pandas", "scipy.optimize", "scipy.stats", "xarray", "pytest"):
        importlib.import_module(library)  # once, for every mutant's process

    for name, (files, tests) in TARGETS.items():
        if asked.only and name != asked.only:
            continue
        start = time.monotonic()
        if not survives(None, tests[""], 3_600):
            sys.exit(f"{name}: its tests fail on sound code")
        limit = 10 * (time.monotonic() - start)
        tried, lived = 0, []
        for mutant in chosen(files, asked.each, asked.seed):
            tried += 1
            own = (
                [str(test) for test in ROOT.glob(f"tests/unit/**/test_{mutant.file.stem}.py")]
                if name == "kernels"
                else []
            )
            if (not own or survives(mutant, own, limit)) and survives(mutant, tests[""], limit):
                lived.append(mutant)
                where = mutant.file.relative_to(SOURCE).as_posix()
                print(
                    f"  survived: {where}:{mutant.line}  {mutant.before[:60]}  ->  {mutant.after[:60]}", flush=True
                )
        print(f"{name}: {tried - len(lived)} of {tried} killed ({1 - len(lived) / tried:.0%})", flush=True)


if __name__ == "__main__":
    main()
