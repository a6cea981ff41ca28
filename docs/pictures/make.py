"""Make the pictures of the README from the demonstration's reports.

Run: ``python docs/pictures/make.py [FOLDER]``; minutes. Needs chromium and Pillow. FOLDER is a demonstration that has been
rendered; without one, it is made (``averting demo``) in a temporary folder. The same reports give the same pictures on one
version of chromium.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
WIDE, SCALE, COLOURS, LARGEST = 900, 0.62, 48, 150_000
# where each report is opened, and how much is shown, in pixels on the screen
SHOWN = {"report": ("sec-effect", 1_000), "summary": ("", 1_000), "scenarios": ("try-your-own-numbers", 1_000)}


def main() -> None:
    """Take one picture of each report."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        sys.exit("chromium is not there. Install it, or take the pictures by hand.")
    with tempfile.TemporaryDirectory() as made:
        if len(sys.argv) > 1:
            folder = Path(sys.argv[1])
        else:
            folder = Path(made) / "demo"
            subprocess.run([sys.executable, "-m", "averting", "demo", str(folder)], check=True)
        for name, (anchor, tall) in SHOWN.items():
            shot = Path(made) / f"{name}.png"
            page = opened_at(folder / f"{name}.html", anchor, Path(made)).resolve().as_uri()
            asked = [f"--window-size={WIDE},{tall}", f"--screenshot={shot}", page]
            subprocess.run(
                [browser, "--headless", "--no-sandbox", "--hide-scrollbars", "--virtual-time-budget=8000", *asked],
                check=True,
                capture_output=True,
            )
            shrink(shot, HERE / f"{name}.png")


def opened_at(report: Path, anchor: str, into: Path) -> Path:
    """Return a copy of a report that begins at a section: a screenshot cannot scroll."""
    if not anchor:
        return report
    script = (
        f"<script>let at = document.getElementById('{anchor}'); at = at.closest('section') || at;"
        "while (at.id !== 'main' && at.parentElement) { while (at.previousElementSibling) at.previousElementSibling.remove();"
        " at = at.parentElement }; for (const one of document.querySelectorAll('#toc, #title-block')) one.remove()</script>"
    )
    copy = into / report.name
    copy.write_text(report.read_text(encoding="utf-8").replace("</body>", f"{script}</body>"), encoding="utf-8")
    return copy


def shrink(shot: Path, target: Path) -> None:
    """Write a smaller picture with few colours, and stop where it is still too large for a README."""
    from PIL import Image

    with Image.open(shot) as picture:
        size = (round(picture.width * SCALE), round(picture.height * SCALE))
        small = picture.convert("RGB").resize(size, Image.Resampling.LANCZOS)
        small.quantize(COLOURS).save(target, optimize=True)
    if target.stat().st_size > LARGEST:
        sys.exit(f"{target.name} has {target.stat().st_size:,} bytes; at most {LARGEST:,} are allowed.")


if __name__ == "__main__":
    main()
