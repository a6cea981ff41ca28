"""Is a release sound? Build wheel and sdist, install each clean on every Python at hand, and measure.

Run: python benchmarks/release.py [--python 3.12 3.13] [--sbom sbom.json] (minutes; needs uv, and the package index or its cache)

For each Python and each of wheel and sdist, a new environment gets the core and nothing else. In it the script measures
the size of all that was installed, the processor time to import averting (best of five), and whether effects, costs and appraisal
work without any extra. With --sbom it writes what was installed as a bill of materials (CycloneDX 1.5, JSON): names,
versions and licences, from the packages' own records. Known vulnerabilities are not looked up: that needs the network;
give the file to a scanner.
"""

from __future__ import annotations

import argparse
import json
import os
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
BILL = """
import json
from importlib.metadata import distributions
found = {}
for one in distributions():
    about = one.metadata
    free = [c.rsplit(" :: ", 1)[-1] for c in about.get_all("Classifier", []) if c.startswith("License ::")]
    licence = about.get("License-Expression") or "; ".join(free) or (about.get("License") or "").split("\\n")[0]
    found[about["Name"]] = {"name": about["Name"], "version": about["Version"], "licence": licence or "not stated"}
print(json.dumps([found[name] for name in sorted(found, key=str.lower)]))
"""


def _run(*command: str | Path) -> str:
    hidden = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
    kept = {key: value for key, value in os.environ.items() if key not in hidden}
    done = subprocess.run(
        [str(part) for part in command],
        env=kept,
        capture_output=True,
        text=True,
        check=False,
        cwd=tempfile.gettempdir(),
    )
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout.strip()


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def _bill(packages: list[dict[str, str]]) -> dict[str, object]:
    components = [
        {
            "type": "library",
            "name": one["name"],
            "version": one["version"],
            "purl": f"pkg:pypi/{one['name'].lower()}@{one['version']}",
            "licenses": [{"license": {"name": one["licence"]}}],
        }
        for one in packages
    ]
    return {"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1, "components": components}


def measure(package: Path, python: str, folder: Path) -> tuple[list[str], list[dict[str, str]]]:
    """Install one package clean, and return a row of the table and what was installed."""
    home = Path(tempfile.mkdtemp(dir=folder))
    _run("uv", "venv", "--quiet", "--python", python, home)
    inside = home / ("Scripts" if os.name == "nt" else "bin") / "python"
    _run("uv", "pip", "install", "--quiet", "--python", inside, package)
    site = Path(_run(inside, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"))
    size = _bytes(site)
    seconds = min(float(_run(inside, "-c", IMPORT)) for _ in range(5))
    verdict = _run(inside, "-c", CORE)
    _run(inside, "-m", "averting", "new", home / "a-pilot")
    sound = size < LARGEST and seconds < SLOWEST
    row = [
        python,
        package.name,
        f"{size / 1e6:.0f}",
        f"{seconds:.3f}",
        f"works: {verdict}",
        "yes" if sound else "NO",
    ]
    return row, json.loads(_run(inside, "-c", BILL))


def main() -> None:
    """Print one row for each Python and package."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--python", nargs="+", default=["3.12", "3.13"])
    options.add_argument("--sbom", type=Path)
    asked = options.parse_args()
    print("| Python | package | installed, MB | import, s | effects, costs and appraisal | within limits |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as scratch:
        _run("uv", "build", "--quiet", "--python", asked.python[0], "--out-dir", Path(scratch) / "dist", ROOT)
        packages = [path for path in sorted((Path(scratch) / "dist").iterdir()) if path.suffix in (".whl", ".gz")]
        bad = False
        for python in asked.python:
            for package in packages:
                row, installed = measure(package, python, Path(scratch))
                bad |= row[-1] == "NO"
                print(f"| {' | '.join(row)} |", flush=True)
        if asked.sbom is not None:
            asked.sbom.write_text(json.dumps(_bill(installed), indent=2) + "\n", encoding="utf-8")
            print(f"bill of materials of {len(installed)} packages: {asked.sbom}")
    sys.exit(bad)


if __name__ == "__main__":
    main()
