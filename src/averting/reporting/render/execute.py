"""Turn a report's cells and inline code into steps, and run them or take them from the cache."""

from __future__ import annotations

import ast
import keyword
import platform
import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import nbformat
from IPython.core.inputtransformer2 import TransformerManager
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from averting.errors import Fault, RenderError, refuse
from averting.provenance import content_key, own_code, versions

from . import cache, inside, kernel
from .source import Cell, Document, Prose
from .text import Line

ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_FRAME = re.compile(r"(?:Cell )?In ?\[(\d+)\](?:, line |.*?line: )(\d+)")
_TEMPORARY = re.compile(r" \([^()]*\.py, line \d+\)$")
_PACKAGES = ("ipykernel", "nbclient", "matplotlib-inline")


@dataclass(frozen=True)
class Step:
    """Something the kernel runs.

    Parameters
    ----------
    code : str
        Python, one line for each entry of ``lines``.
    lines : tuple of Line
        Where each line of code stands in the report; empty for what is not from there.
    part : int or None
        Index of the part of the document whose outputs these are.
    may_fail : bool
        Whether an exception is shown rather than ending the rendering.
    """

    code: str
    lines: tuple[Line, ...] = ()
    part: int | None = None
    may_fail: bool = False


def plan(document: Document, parameters: Mapping[str, object]) -> tuple[Step, ...]:
    """Return what the kernel runs for a report, in order.

    Parameters
    ----------
    document : Document
    parameters : mapping of str to object
        Values laid over those of the cell tagged ``parameters``; plain literals only.

    Raises
    ------
    RenderError
        Where a parameter is not one the report declares, or not a literal.
    """
    _check_parameters(document, parameters)
    refuse(RenderError, f"{document.path.name} cannot be rendered", _syntax_faults(document))
    override = "\n".join(f"{name} = {value!r}" for name, value in parameters.items())
    steps = [Step(Path(inside.__file__).read_text(encoding="utf-8"))]
    for index, part in enumerate(document.parts):
        if isinstance(part, Prose):
            if part.expressions():
                steps.append(_inline(part, index))
            continue
        if part.options.eval:
            code = "\n".join(line.text for line in part.code)
            steps.append(Step(code, part.code, index, part.options.error))
        if override and "parameters" in part.options.tags:
            steps.append(Step(override))
    return tuple(steps)


def _syntax_faults(document: Document) -> Iterator[Fault]:
    """Find what is not Python (or IPython) in all cells before any of them runs."""
    transform = TransformerManager()  # type: ignore[no-untyped-call]
    for cell in document.cells:
        if not cell.options.eval or cell.options.error or not cell.code:
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the kernel shows them
                code = transform.transform_cell("\n".join(line.text for line in cell.code))
                compile(code, "cell", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        except (SyntaxError, ValueError) as error:
            number = getattr(error, "lineno", None) or 1
            line = cell.code[min(number, len(cell.code)) - 1]
            yield line.fault(f"SyntaxError: {getattr(error, 'msg', error)}", "Correct the cell.")


def _inline(prose: Prose, index: int) -> Step:
    """One line of code for each expression, so that a line of the traceback names the expression."""
    pairs = prose.expressions()
    calls = [f"_averting_inline({ast.unparse(ast.parse(text, mode='eval'))})" for text, _ in pairs]
    return Step("\n".join(calls), tuple(line for _, line in pairs), index)


def _check_parameters(document: Document, parameters: Mapping[str, object]) -> None:
    cells = [cell for cell in document.cells if "parameters" in cell.options.tags]
    if len(cells) > 1:
        where = cells[1].opening.where
        raise RenderError(f"{where}: a second cell is tagged 'parameters'. Declare all parameters in one cell.")
    if not parameters:
        return
    if not cells:
        raise RenderError(
            f"{document.path.name}: parameters were given, but no cell has the option 'tags: [parameters]'."
        )
    declared = _assigned(cells[0])
    for name, value in parameters.items():
        if name not in declared or keyword.iskeyword(name):
            known = ", ".join(sorted(declared)) or "none"
            raise RenderError(f"{cells[0].opening.where}: there is no parameter '{name}'. Declared: {known}.")
        if not _is_literal(value):
            kind = type(value).__name__
            raise RenderError(
                f"Parameter '{name}' is a {kind}. Give text, a number, true or false, or a list of them."
            )


def _assigned(cell: Cell) -> set[str]:
    try:
        tree = ast.parse("\n".join(line.text for line in cell.code))
    except SyntaxError:
        return set()
    stores = (node for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
    return {node.id for node in stores}


def _is_literal(value: object) -> bool:
    try:
        return bool(ast.literal_eval(repr(value)) == value)
    except (ValueError, SyntaxError):
        return False


def outputs_of(
    document: Document,
    steps: Sequence[Step],
    *,
    use_cache: bool,
    cache_key: Sequence[str],
    variant: str,
    tell: Callable[[str], None],
) -> dict[int, list[dict[str, object]]]:
    """Run the steps, or take what they displayed from the cache.

    Parameters
    ----------
    document : Document
    steps : sequence of Step
        From `plan`.
    use_cache : bool
        Read and write the cache beside the report.
    cache_key : sequence of str
        What else the outputs depend on: hashes of data and results.
    variant : str
        A short name of the parameters given, for files of the cache.
    tell : callable of str
        Progress.

    Returns
    -------
    dict of int to list of dict
        Displayed outputs by index of the document's part.

    Raises
    ------
    RenderError
        Naming the failing line.
    """
    key = content_key(
        "render",
        [[step.code, step.may_fail] for step in steps],
        sorted(cache_key),
        platform.python_version(),
        _versions(),
        own_code(),  # an upgrade words, draws and counts anew
    )
    found = cache.load(document.path, key, len(steps), variant=variant) if use_cache else None
    if found is None:
        found = _run(document, steps, tell)
        if use_cache and not cache.store(document.path, key, found, variant=variant):
            tell(f"{cache.FOLDER} cannot be written: the next rendering will run the cells again")
    else:
        tell(f"{document.path.name}: cells unchanged, outputs from {cache.FOLDER}")
    return {step.part: outputs for step, outputs in zip(steps, found, strict=True) if step.part is not None}


def _versions() -> dict[str, str]:
    return {**versions(), **{package: version(package) for package in _PACKAGES}}


def _run(document: Document, steps: Sequence[Step], tell: Callable[[str], None]) -> cache.Outputs:
    if len(steps) == 1:
        return [[]]
    notebook = _notebook(steps)
    current = 0

    def started(index: int) -> None:
        nonlocal current
        current = index
        lines = steps[index].lines
        if lines:
            tell(f"running step {index} of {len(steps) - 1} ({lines[0].where})")

    tell(f"{document.path.name}: starting Python")
    try:
        kernel.execute(notebook, document.path.parent, started)
    except kernel.KernelFailed as failure:
        raise _explained(failure, document.path.name, steps, current, notebook) from failure.__cause__
    # through JSON types only, so that fresh outputs and cached ones are the same
    return [[dict(output) for output in cell.outputs] for cell in notebook.cells]


def _notebook(steps: Sequence[Step]) -> nbformat.NotebookNode:
    cells = []
    for number, step in enumerate(steps):
        tags = ["raises-exception"] if step.may_fail else []
        cell: dict[str, object] = {
            "cell_type": "code",
            "source": step.code,
            "outputs": [],
            "execution_count": None,
        }
        cells.append({**cell, "id": f"step-{number}", "metadata": {"tags": tags}})
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}
    return nbformat.from_dict(notebook)  # type: ignore[no-untyped-call, no-any-return]


def _explained(
    failure: kernel.KernelFailed, name: str, steps: Sequence[Step], current: int, notebook: nbformat.NotebookNode
) -> RenderError:
    cause = failure.__cause__
    where = _where(name, steps[current])
    if isinstance(cause, CellExecutionError):
        number, error = _error(notebook)
        return RenderError(f"{_failing(name, number, error, steps, notebook)}: {_last_line(error)}. {_ADVICE}")
    if isinstance(cause, CellTimeoutError):
        return RenderError(f"{where}: the cell ran for more than {kernel.CELL_TIMEOUT} s and was stopped.")
    if isinstance(cause, DeadKernelError):
        reason = f" ({failure})" if str(failure) else ""
        return RenderError(f"{where}: Python ended{reason}. The cell may need more memory, or call exit.")
    return RenderError(f"{where}: the cell could not be run: {_first_line(cause)}")


_ADVICE = "Correct the cell, or give it the option 'error: true' to show the error in the report."


def _error(notebook: nbformat.NotebookNode) -> tuple[int, dict[str, object]]:
    """Return the first error of a step that may not fail, with the step's index."""
    for number, cell in enumerate(notebook.cells):
        for output in cell.outputs:
            if output.output_type == "error" and "raises-exception" not in cell.metadata.tags:
                return number, output
    return 0, {"ename": "Error", "evalue": "", "traceback": []}


def _failing(
    name: str, number: int, error: Mapping[str, object], steps: Sequence[Step], notebook: nbformat.NotebookNode
) -> str:
    """Return the innermost line of the report in a traceback, else the failing step's first line."""
    by_count = {cell.get("execution_count"): step for cell, step in zip(notebook.cells, steps, strict=True)}
    trace = error.get("traceback")
    text = ANSI.sub("", "\n".join(trace) if isinstance(trace, list) else "")
    for count, line in reversed(_FRAME.findall(text)):
        step = by_count.get(int(count))
        if step is not None and 0 < int(line) <= len(step.lines):
            return step.lines[int(line) - 1].where
    return _where(name, steps[number])


def _where(name: str, step: Step) -> str:
    return step.lines[0].where if step.lines else name


def _first_line(error: BaseException | None) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0]


def _last_line(error: Mapping[str, object]) -> str:
    value = ANSI.sub("", str(error.get("evalue"))).strip()
    last = _TEMPORARY.sub("", value.splitlines()[-1]) if value else ""
    return f"{error.get('ename')}: {last}".rstrip(".: ")
