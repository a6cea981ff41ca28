"""Thousands of mutated evaluation.toml and parameter files end in a plain error or load: never in a traceback.

The examples are the same on every run. An error must say something, and none may be longer than a reader can use.
"""

from __future__ import annotations

import importlib.util
import sys
import tomllib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import pytest

from averting.costs import claims, overrides_from_table
from averting.costs.families import known_families, read_family
from averting.data import load_indicators
from averting.errors import AvertingError, EvaluationError
from averting.evaluation import load_evaluation
from averting.evaluation.settings import FILE
from averting.resources import analyses_dir, models_dir, read_toml

CI, NIGHTLY = 1_000, 10_000
SHARES = {"evaluation": 0.5, "bytes": 0.2, "family": 0.2, "indicators": 0.05, "claim": 0.05}
CLAIM = """
text = "Each exclusion costs society a sum"
source = "an invented report"
published = 2017
[product]
unit_cost = "£100,000"
count = "1,000"
total = "£100m"
[saving]
reduction = "10 %"
annual = "£1,000"
"""


@pytest.fixture(scope="module")
def made() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fuzz_declarations", Path(__file__).with_name("declarations.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def ends(do: Callable[[], object]) -> str:
    """Do something that may be refused, and say how it ended; anything but a plain error fails the test."""
    try:
        do()
    except AvertingError as error:
        assert len(str(error)) > 20
        assert all(str(fault.where) and fault.found for fault in error.faults)
        return "refused"
    return "read"


def evaluations() -> list[dict[str, Any]]:
    texts = [path.read_text(encoding="utf-8") for path in sorted(analyses_dir().glob("*/evaluation.toml"))]
    return [tomllib.loads(text) for text in texts]


def one(kind: str, made: ModuleType, random: Random, folder: Path) -> str:
    times = random.choice((1, 1, 2, 3, 6))
    if kind == "evaluation":
        values = made.changed(random.choice(evaluations()), random, times)
        (folder / FILE).write_text(made.written(values), encoding="utf-8", errors="replace")
        return ends(lambda: load_evaluation(folder))
    if kind == "bytes":
        text = random.choice(sorted(analyses_dir().glob("*/evaluation.toml"))).read_text(encoding="utf-8")
        (folder / FILE).write_bytes(made.garbled(text, random, times))
        return ends(lambda: load_evaluation(folder))
    if kind == "family":
        family = random.choice(known_families())
        declared = tomllib.loads((models_dir() / "costs" / f"{family}.toml").read_text(encoding="utf-8"))
        declared.pop("import", None)
        values = made.changed(declared, random, times)
        return ends(lambda: read_family(family, values, where="fuzzed.toml"))
    if kind == "indicators":
        path = folder / "indicators.toml"
        values = made.changed(tomllib.loads((models_dir() / path.name).read_text(encoding="utf-8")), random, times)
        path.write_text(made.written(values), encoding="utf-8", errors="replace")
        return ends(lambda: load_indicators(own=path))
    path = folder / "claim.toml"
    path.write_text(
        made.written(made.changed(tomllib.loads(CLAIM), random, times)), encoding="utf-8", errors="replace"
    )
    return ends(lambda: claims.reconcile(claims.read_claim(path)))


def many(count: int, made: ModuleType, folder: Path) -> None:
    met: Counter[tuple[str, str]] = Counter()
    for kind, share in SHARES.items():
        for seed in range(round(count * share)):
            try:
                met[kind, one(kind, made, Random(f"{kind}/{seed}"), folder)] += 1
            except Exception as error:
                pytest.fail(f"{kind} number {seed} ends in {type(error).__name__}: {error}"[:2_000])
    # both ends must be met, or nothing is tested
    assert met["evaluation", "read"] > 0.02 * count
    assert met["evaluation", "refused"] > 0.1 * count
    assert met["family", "refused"] > 0.02 * count


def test_a_thousand_fuzzed_declarations_end_well(made: ModuleType, tmp_path: Path) -> None:
    many(CI, made, tmp_path)


@pytest.mark.nightly
def test_ten_thousand_fuzzed_declarations_end_well(made: ModuleType, tmp_path: Path) -> None:
    many(NIGHTLY, made, tmp_path)


@pytest.mark.parametrize("value", [{"a": 1}, {"a": {"value": []}}, {"a": {"value": 1, "reason": {}}}, {"a": {}}])
def test_odd_overrides_end_well(value: Any) -> None:
    assert ends(lambda: overrides_from_table(value, where="fuzzed")) == "refused"


@pytest.mark.parametrize("content", [b"\xff", b"a = ", b"a = 1\na = 2", b"[" * 50_000, b"a = 1" + b"0" * 9_000])
def test_what_is_no_toml_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.toml").write_bytes(content)
    assert ends(lambda: read_toml(tmp_path / "a.toml", error=EvaluationError)) == "refused"
