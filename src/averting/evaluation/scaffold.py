"""Make the folder of a new evaluation, or of the demonstration."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from averting.data import simulate_pilot
from averting.errors import EvaluationError
from averting.resources import analyses_dir

_REPORT_FILES = ("report.qmd", "_body.qmd", "summary.qmd", "scenarios.qmd", "profiles.qmd", ".gitignore")
DEMO_SEED = 1


def new(folder: str | Path) -> Path:
    """Copy the template of an evaluation into a new folder.

    Parameters
    ----------
    folder : str or Path
        Folder to make; must not exist, or be empty.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    EvaluationError
        If the folder holds something already, or its name would not do for a file.
    """
    folder = _empty(Path(folder))
    template = analyses_dir() / "_template"
    for name in ("evaluation.toml", "README.md", *_REPORT_FILES):
        shutil.copyfile(template / name, folder / name)
    (folder / "data").mkdir(exist_ok=True)
    return folder


def demo(folder: str | Path) -> Path:
    """Make the demonstration: simulated schools with a known effect, and the evaluation of them.

    Parameters
    ----------
    folder : str or Path
        Folder to make, or an earlier demonstration to refresh.

    Returns
    -------
    Path
        The folder; its data are the same bytes every time.
    """
    folder = Path(folder)
    shipped = analyses_dir() / "demo" / "evaluation.toml"
    if not (folder / "evaluation.toml").is_file():
        folder = _empty(folder)
    elif (folder / "evaluation.toml").read_bytes() != shipped.read_bytes():
        raise EvaluationError(f"{folder} holds another evaluation. Give the demonstration a folder of its own.")
    shutil.copyfile(shipped, folder / "evaluation.toml")
    for name in _REPORT_FILES:
        shutil.copyfile(analyses_dir() / "_template" / name, folder / name)
    (folder / "data").mkdir(exist_ok=True)
    simulate_pilot(seed=DEMO_SEED).write(folder / "data" / "simulated_schools.csv")
    return folder


def _empty(folder: Path) -> Path:
    if not re.fullmatch(r"[\w][\w .\-]*", folder.name):
        raise EvaluationError(
            f"'{folder.name}' cannot name an evaluation. Use letters, digits, hyphens and underscores."
        )
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise EvaluationError(f"{folder} exists and is not empty. Choose another name, or remove it first.")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
