"""Fixtures every test may use."""

from __future__ import annotations

import base64
import importlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from types import ModuleType
from typing import Any

import hypothesis
import pytest

from averting.cli import main
from averting.evaluation import demo, run
from averting.evaluation.settings import FILE
from averting.resources import analyses_dir

# the same examples every time, and no deadline: machines are shared, and failures must be the code's
hypothesis.settings.register_profile("averting", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("averting")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave nightly tests out unless they are asked for, as in ``pytest -m nightly``."""
    if "nightly" in config.getoption("markexpr"):
        return
    nightly = [item for item in items if item.get_closest_marker("nightly")]
    config.hook.pytest_deselected(items=nightly)
    items[:] = [item for item in items if item not in nightly]


SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of real data and published values that is not part of the project."""
    if SHARED.is_dir():
        return SHARED
    reason = "the folder ../shared (real DfE data, published values) is not beside the checkout"
    if os.environ.get("CI"):
        pytest.fail(f"{reason}: in CI these tests must run")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def peer() -> Callable[[str], ModuleType]:
    """Import a library that averting is compared with, as ``peer("pyfixest")``."""

    def load(name: str) -> ModuleType:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of the peers' own making, at import
                return importlib.import_module(name)
        except ImportError:
            reason = f"{name} is not installed; run `uv run --group peers pytest`"
        if os.environ.get("CI"):
            pytest.fail(f"{reason}: in CI these tests must run")
        pytest.skip(reason)

    return load


@pytest.fixture(scope="session")
def quick_text() -> str:
    """The demonstration's evaluation.toml without its Bayesian estimate: runs in seconds, on core packages."""
    text = (analyses_dir() / "demo" / FILE).read_text(encoding="utf-8")
    tables = re.split(r"(?m)^(?=\[\[estimate\]\])", text)
    kept = [table for table in tables if 'id = "bayes"' not in table]
    assert len(kept) == len(tables) - 1
    quick, changed = re.subn(r'(?m)^estimate = "bayes"', 'estimate = "main"', "".join(kept))
    assert changed == 1
    return quick


@pytest.fixture(scope="session")
def make_quick(quick_text: str) -> Callable[[Path], Path]:
    """Make the demonstration in a folder, without its Bayesian estimate and without results."""

    def make(folder: Path) -> Path:
        made = demo(folder)
        (made / FILE).write_text(quick_text, encoding="utf-8")
        return made

    return make


@pytest.fixture(scope="session")
def quick_run(make_quick: Callable[[Path], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The quick demonstration with results; for reading only."""
    folder = make_quick(tmp_path_factory.mktemp("quick") / "demo")
    run(folder)
    return folder


@pytest.fixture
def quick_copy(quick_run: Path, tmp_path: Path) -> Path:
    """A copy of the quick demonstration with results, to change."""
    return Path(shutil.copytree(quick_run, tmp_path / "demo"))


class Tab:
    """A page open in Chromium, spoken to through the browser's own protocol: no driver to download."""

    def __init__(self, socket: Any, axe: str) -> None:
        self._socket, self._axe, self._calls = socket, axe, 0

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send one command of the Chrome DevTools Protocol and return its answer."""
        self._calls += 1
        self._socket.send(json.dumps({"id": self._calls, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self._socket.recv())
            if answer.get("id") == self._calls:
                assert "error" not in answer, (method, answer)
                return dict(answer["result"])

    def evaluate(self, expression: str) -> Any:
        """Return the value of an expression on the page; promises are waited for."""
        found = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def open(self, path: Path, *, dark: bool = False, media: str = "screen", width: int = 1280) -> Tab:
        """Load a file: in the light or dark scheme, on screen or as print, in a window of some width in CSS pixels."""
        features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.call("Emulation.setEmulatedMedia", media=media, features=features)
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 600
        )
        self.call("Page.enable")
        self.call("Page.navigate", url=path.as_uri())
        limit = time.monotonic() + 60
        ready = (
            f"document.readyState === 'complete' && location.href.split('#')[0] === {json.dumps(path.as_uri())}"
        )
        while not self.evaluate(ready):
            assert time.monotonic() < limit, f"{path.name} did not load"
            time.sleep(0.02)
        return self

    def axe(self, within: str = "") -> list[str]:
        """Return what axe-core finds against WCAG 2.2 AA and best practice, one line each; empty for nothing.

        `within` is a CSS selector; everything on the page without it.
        """
        self.evaluate(f"{self._axe}; 1")
        tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
        where = json.dumps(within) if within else "document"
        found = self.evaluate(
            f"axe.run({where}, {{runOnly: {{type: 'tag', values: {json.dumps(tags)}}}, resultTypes: ['violations']}})"
            ".then(r => r.violations.map(v => ({id: v.id, help: v.help, nodes: v.nodes.map(n => n.html.slice(0, 160))})))"
        )
        return [f"{one['id']}: {one['help']}: {node}" for one in found for node in one["nodes"]]

    def press(self, key: str, *, shift: bool = False) -> None:
        """Press a key, for example Tab or Enter, as a reader would."""
        about = {"key": key, "code": key, "windowsVirtualKeyCode": {"Tab": 9, "Enter": 13, "ArrowRight": 39}[key]}
        typed = {"text": "\r"} if key == "Enter" else {}
        for kind, text in (("keyDown", typed), ("keyUp", {})):
            self.call("Input.dispatchKeyEvent", type=kind, modifiers=8 * shift, **about, **text)

    def picture(self, path: Path) -> None:
        """Save the whole page as a PNG."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        made = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        path.write_bytes(base64.b64decode(made["data"]))


def _missing(what: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(f"{what}: in CI these tests must run")
    pytest.skip(what)


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory, peer: Callable[[str], ModuleType]) -> Iterator[Tab]:
    """A tab of Chromium without a network, and axe-core in it: ``chromium.open(page, dark=True).axe()``."""
    names = ("chromium", "chromium-browser", "google-chrome")
    program = next((found for found in map(shutil.which, names) if found), None)
    if program is None:
        _missing("Chromium is not installed")
    axe = importlib.util.find_spec("axe_selenium_python")
    if axe is None or axe.origin is None:
        _missing("axe-core is not installed; run `uv run --group peers pytest`")
    script = next(Path(axe.origin).parent.rglob("axe.min.js")).read_text(encoding="utf-8")
    profile = tmp_path_factory.mktemp("chromium")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
    options += ["--hide-scrollbars", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
    options += ["--remote-debugging-port=0", "--remote-allow-origins=*", f"--user-data-dir={profile}"]
    with subprocess.Popen(
        [program, *options, "about:blank"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as run:
        try:
            with closing(_connected(profile, peer("websocket"))) as socket:
                yield Tab(socket, script)
        finally:
            run.terminate()


def _connected(profile: Path, websocket: ModuleType) -> Any:
    """Wait until the browser has written down its port, and connect to its first tab."""
    from urllib.request import ProxyHandler, build_opener

    told, limit = profile / "DevToolsActivePort", time.monotonic() + 60
    while not (told.is_file() and told.read_text(encoding="utf-8").count("\n")):
        assert time.monotonic() < limit, "Chromium did not start"
        time.sleep(0.05)
    port = told.read_text(encoding="utf-8").splitlines()[0]
    with build_opener(ProxyHandler({})).open(f"http://127.0.0.1:{port}/json", timeout=30) as answer:
        (tab,) = [one for one in json.load(answer) if one["type"] == "page"]
    return websocket.create_connection(tab["webSocketDebuggerUrl"], timeout=120)


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run a command in this process: its status, and what it printed."""

    def run_command(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return run_command
