"""Is a release sound? Build wheel and sdist twice, install each clean on every Python at hand, and measure.

Run: python benchmarks/release.py [--python 3.12 3.13] [--extras] [--out dist] (minutes; needs uv, and the package index or its
cache). A Python is a version or a path.

Both builds must be the same bytes. For each Python and each of wheel and sdist, a new environment gets the core and nothing
else. In it the script measures the size of all that was installed and the processor time to import averting (best of five),
and sees that effects, costs and appraisal work. With --extras each extra is installed alone and must do its work.
``.ci/release`` calls this, writes the bill of materials and looks for known faults.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LARGEST, SLOWEST = 250e6, 0.3
CORE = """
import averting as av
made = av.simulate_pilot(seed=1, pilots=2, comparison=12)
design = av.Design(made.panel(), pilots=list(made.pilots), start="2021/22", comparison="all")
effect = av.estimate(design, "permanent_exclusions", draws=200)
parameters = av.load_parameters("high_needs_block")
appraisal = av.appraise(effect.averted(), parameters, base_year="2021-22", price_year="2023-24", draws=200)
assert appraisal.npv().sizes["draw"] == 200
print(str(effect.verdict))
"""
IMPORT = "import time; t = time.process_time(); import averting; print(time.process_time() - t)"
_PILOT = """
import averting as av, pandas as pd
from pathlib import Path
made = av.simulate_pilot(seed=1, pilots=2, comparison=12)
"""
_TIDY = """
from averting.data.read import read_panel
rows = pd.DataFrame({"urn": ["100001", "100002"] * 2, "period": ["2021/22"] * 2 + ["2022/23"] * 2,
                     "pupils": [900, 800, 910, 790], "permanent_exclusions": [1, 0, 2, 3]}).astype(str)
columns = {"school": "urn", "period": "period", "exposure": "pupils", "permanent_exclusions": "permanent_exclusions"}
def check(path):
    assert read_panel(path, source="tidy", columns=columns).data.sizes["school"] == 2
"""
EXTRAS = {
    "bayes": _PILOT
    + """
design = av.Design(made.panel(), pilots=list(made.pilots), start="2021/22", comparison="all")
effect = av.estimate(design, "permanent_exclusions", method="bayes_count", draws=200)
assert effect.draw_kind == "posterior"
""",
    "report": _PILOT
    + """
import json, re
from averting.evaluation import demo, render, run
folder = demo("demo")
text = (folder / "evaluation.toml").read_text(encoding="utf-8")
text = "".join(part for part in re.split(r"(?m)^(?=\\[\\[estimate\\]\\])", text) if 'id = "bayes"' not in part)
(folder / "evaluation.toml").write_text(text.replace('estimate = "bayes"', 'estimate = "main"'), encoding="utf-8")
run(folder)
assert render(folder, engine="embedded").read_text(encoding="utf-8").count("<img") > 5
""",
    "parquet": _PILOT
    + _TIDY
    + """
import pyarrow, pyarrow.parquet
pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows.to_dict(orient="records")), "a.parquet")
check(Path("a.parquet"))
""",
    "excel": _PILOT
    + _TIDY
    + """
rows.to_excel("a.xlsx", index=False)
check(Path("a.xlsx"))
""",
    "pupils": _PILOT
    + """
from averting.data.pupils import read_pupil_records
pd.DataFrame({"school": ["100001", "100002"], "pupil": ["a", "b"], "date": ["2021-10-01", "2021-11-01"],
              "type": ["SUSP", "SUSP"]}).to_csv("a.csv", index=False)
assert read_pupil_records(Path("a.csv"), {"suspensions": "SUSP"}).data.sizes["school"] == 2
""",
    "scale": _PILOT
    + """
from distributed import LocalCluster
from averting.effects.power import DeclaredNoise, simulate_power
if __name__ == "__main__":
    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=":0") as cluster:
        asked = {"pilots": [2], "years_after": [2], "ratios": [0.5], "trials": 200}
        far = simulate_power(DeclaredNoise(comparison=20), cluster=cluster.scheduler_address, **asked)
        assert far.table.equals(simulate_power(DeclaredNoise(comparison=20), **asked).table)
""",
}


def _run(*command: str | Path, cwd: Path | None = None) -> str:
    hidden = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
    kept = {key: value for key, value in os.environ.items() if key not in hidden}
    done = subprocess.run(
        [str(part) for part in command],
        env=kept,
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd or tempfile.gettempdir(),
    )
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout.strip()


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def built(python: str, folder: Path) -> list[Path]:
    """Build wheel and sdist, each into a folder of its own, and return what was built."""
    _run("uv", "build", "--quiet", "--python", python, "--out-dir", folder, ROOT)
    return [path for path in sorted(folder.iterdir()) if path.suffix in (".whl", ".gz")]


def environment(python: str, package: str | Path, folder: Path) -> Path:
    """Install one package into a new environment and return its Python."""
    home = Path(tempfile.mkdtemp(dir=folder))
    _run("uv", "venv", "--quiet", "--python", python, home / "env")
    inside = home / "env" / ("Scripts" if os.name == "nt" else "bin") / "python"
    _run("uv", "pip", "install", "--quiet", "--python", inside, package)
    return inside


def measure(package: Path, python: str, folder: Path) -> tuple[list[str], bool]:
    """Install one package clean, and return a row of the table and whether it is within limits."""
    inside = environment(python, package, folder)
    site = Path(_run(inside, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"))
    size = _bytes(site)
    seconds = min(float(_run(inside, "-c", IMPORT)) for _ in range(5))
    verdict = _run(inside, "-c", CORE)
    _run(inside, "-m", "averting", "new", inside.parents[2] / "a-pilot")
    which = _run(inside, "-c", "import platform; print(platform.python_version())")
    sound = size < LARGEST and seconds < SLOWEST
    row = [
        which,
        package.name,
        f"{size / 1e6:.0f}",
        f"{seconds:.3f}",
        f"work: {verdict}",
        "yes" if sound else "NO",
    ]
    return row, sound


def extra(name: str, wheel: Path, python: str, folder: Path) -> list[str]:
    """Install one extra alone, see that it does its work, and return a row of the table."""
    inside = environment(python, f"averting[{name}] @ {wheel.as_uri()}", folder)
    site = Path(_run(inside, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"))
    script = inside.parents[2] / "work.py"
    script.write_text(EXTRAS[name], encoding="utf-8")
    _run(inside, script, cwd=script.parent)
    return [name, f"{_bytes(site) / 1e6:.0f}", "works"]


def main() -> None:
    """Print one row for each Python and package, and one for each extra."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--python", nargs="+", default=["3.12", "3.13"])
    options.add_argument("--extras", nargs="*", choices=list(EXTRAS), help="all where none is named")
    options.add_argument("--out", type=Path)
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        packages = built(asked.python[0], folder / "one")
        for one, other in zip(packages, built(asked.python[-1], folder / "two"), strict=True):
            sums = [hashlib.sha256(path.read_bytes()).hexdigest() for path in (one, other)]
            print(
                f"{one.name}: sha256 {sums[0]}, {'the same' if sums[0] == sums[1] else 'NOT THE SAME'} built again"
            )
            if sums[0] != sums[1]:
                sys.exit(1)
        print("\n| Python | package | installed, MB | import, s | effects, costs and appraisal | within limits |")
        print("|---|---|---|---|---|---|")
        all_sound = True
        for python in asked.python:
            for package in packages:
                row, sound = measure(package, python, folder)
                all_sound &= sound
                print(f"| {' | '.join(row)} |", flush=True)
        if asked.extras is not None:
            print("\n| extra | installed with it, MB | alone |\n|---|---|---|")
            (wheel,) = [path for path in packages if path.suffix == ".whl"]
            for name in asked.extras or EXTRAS:
                print(f"| {' | '.join(extra(name, wheel, asked.python[-1], folder))} |", flush=True)
        if asked.out is not None:
            for package in packages:
                shutil.copy(package, asked.out)
    sys.exit(not all_sound)


if __name__ == "__main__":
    main()
