"""The explorer in a real browser shows, for every control moved, what Python works out by another way."""

from __future__ import annotations

import dataclasses
import html
import json
import os
import re
import shutil
import subprocess

import numpy as np
import pytest
import xarray as xr

from averting import units
from averting.appraisal import CENTRAL, ProgrammeCost, Scenario
from averting.appraisal.sensitivity import PROGRAMME_COST, Case
from averting.appraisal.what_if import Basis, Point
from averting.appraisal.what_if_model import what_if
from averting.costs import Override, load_parameters
from averting.costs.distributions import Distribution
from averting.effects import Averted
from averting.errors import RenderError
from averting.reporting.explorer import what_if_panel
from averting.reporting.render.selfcontained import outside_loads
from averting.years import FinancialYear

PENNY = 0.005
BASE, PRICES = FinancialYear(2022), FinancialYear(2023)
HAZARD = "return_to_mainstream_hazard"


def averted_of(values, periods=("2022/23", "2023/24")):
    change = xr.DataArray(
        -values,
        dims=("draw", "school", "period"),
        coords={"draw": range(len(values)), "school": ["a", "b"], "period": list(periods)},
    )
    return Averted.from_change(
        units.label(change, "events"), indicator="permanent_exclusions", draw_kind="posterior"
    )


@pytest.fixture(scope="module")
def case():
    draws = np.random.default_rng(3).normal(1.2, 1.6, (1_600, 2, 2))
    spend = (
        ProgrammeCost(BASE, 30_000, "la_general_fund", PRICES, "invented"),
        ProgrammeCost(FinancialYear(2023), 20_000, "school", PRICES, "invented"),
    )
    return Case(averted_of(draws), load_parameters("high_needs_block"), BASE, PRICES, spend, draws=1_600, seed=5)


@pytest.fixture(scope="module")
def model(case):
    return what_if(case)


def appraised(case, *, averted=None, values=None, spend=None):
    """The same supposition by the long way round: a new appraisal, or one with parameters overridden."""
    if averted is not None:
        total = np.full(case.averted.quantity.shape, averted / case.averted.quantity[0].size)
        case = dataclasses.replace(case, averted=averted_of(total))
    for name, value in (values or {}).items():
        case = case.with_value(name, value)
    if spend is not None:
        case = case.with_value(PROGRAMME_COST, spend)
    return case.appraisal()


def test_it_opens_with_what_the_report_says(case, model):
    appraisal, start = case.appraisal(), model["checks"][0]
    row = appraisal.summary().query("scenario == 'central' and view == 'cashable'").iloc[0]
    for key, column in (
        ("npv", "npv_mean"),
        ("savings", "savings_mean"),
        ("cost", "programme_cost"),
        ("bcr", "bcr"),
    ):
        assert start[key] == pytest.approx(row[column], rel=1e-9)
    assert start["chance"] == row["chance_of_paying"]
    assert start["lower"] == pytest.approx(row["npv_lower"], rel=1e-9)


@pytest.mark.parametrize(
    ("point", "asked"),
    [
        (Point(averted=3.0), {"averted": 3.0}),
        (Point(averted=-2.0), {"averted": -2.0}),
        (Point(values=(("ap_top_up", 14_000.0),)), {"values": {"ap_top_up": 14_000.0}}),
        (Point(spend=75_000.0), {"spend": 1.5}),
        (
            Point(averted=6.0, values=(("ap_top_up", 5_000.0), ("mainstream_pupil_funding", 6_000.0)), spend=25_000.0),
            {"averted": 6.0, "values": {"ap_top_up": 5_000.0, "mainstream_pupil_funding": 6_000.0}, "spend": 0.5},
        ),
    ],
)  # fmt: skip
def test_its_numbers_are_those_of_a_new_appraisal(case, point, asked):
    for view in ("cashable", "cashable_and_capacity"):
        found = Basis(case).results(dataclasses.replace(point, view=view))
        appraisal = appraised(case, **asked)
        at = {"scenario": "central", "view": view}
        assert found["npv"] == pytest.approx(float(appraisal.npv().sel(at).mean()), abs=PENNY)
        assert found["chance"] == float(appraisal.chance_of_paying().sel(at))


def test_duration_is_the_rate_of_return_in_other_words(case):
    basis = Basis(case)
    for at in (0, len(basis.hazards) - 1):
        appraisal = appraised(case, values={HAZARD: float(basis.hazards[at])})
        wanted = float(appraisal.npv().sel(scenario="central", view="cashable").mean())
        assert basis.results(Point(duration=at))["npv"] == pytest.approx(wanted, abs=PENNY)
    # closed form: nobody returns, so each pupil stays 11.5 - g years, by the shares of year groups
    shares = np.array([0.107172, 0.190975, 0.263497, 0.306205, 0.132151])
    assert basis._years_out(np.zeros(1))[0] == pytest.approx(shares @ (11.5 - np.arange(7, 12)), rel=1e-6)


def test_the_horizon_leaves_out_later_years(case):
    flows = case.appraisal().flows.sel(scenario="central")
    counted = flows.isel(line=np.flatnonzero(flows["kind"].isin(["cashable", "transfer"]).to_numpy()))
    first_two = counted.sel(year=[2022, 2023]).sum(("line", "payer", "year")).mean()
    found = Basis(case).results(Point(schedule="none", horizon=2))
    assert found["npv"] == pytest.approx(float(first_two), abs=PENNY)


def test_who_pays_follows_one_years_rules(case):
    """From 2028-29 the high needs block's money is DfE's: the explorer says whose rules it takes, and takes them."""
    for year in (2025, 2028):
        other = dataclasses.replace(case, payers_as_of=FinancialYear(year))
        present = other.appraisal().present.sel(scenario="central").mean("draw")
        counted = present.isel(line=np.flatnonzero(present["kind"].isin(["cashable", "transfer"]).to_numpy()))
        by_payer = counted.sum(("line", "year"))
        found = Basis(other).results(Point())["payers"]
        assert {name: value for name, value in found.items() if value} == pytest.approx(
            {str(name): float(by_payer.sel(payer=name)) for name in found if found[name]}, abs=PENNY
        )
        assert bool(found.get("la_high_needs")) == (year < 2028)
        assert what_if(other)["rules"] == FinancialYear(year).label


def test_adjustments_of_the_scenario_are_kept(case):
    """A case with a lag, displacement and optimism bias opens with what its appraisal says."""
    from averting.appraisal import Adjustment

    kinds = (("lag", 1), ("displacement", 0.2), ("optimism_bias", 0.3), ("drop_off", 0.1))
    changed = tuple(Adjustment(kind, amount, "a test") for kind, amount in kinds)
    override = {"ap_top_up": Override(Distribution.point(9_000.0), "a test")}
    other = dataclasses.replace(case, scenario=Scenario("other", "Other", override, adjustments=changed))
    wanted = float(other.appraisal().npv().sel(scenario="other", view="cashable").mean())
    assert Basis(other).results(Point())["npv"] == pytest.approx(wanted, abs=PENNY)
    assert other.npv() == pytest.approx(wanted, abs=PENNY)
    assert case.scenario == CENTRAL


BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

# moves every control as a reader would, and writes down what is then on the page
DRIVER = """
const q = (s) => document.querySelector(s), seen = [];
const fire = (e, kind) => e.dispatchEvent(new Event(kind, { bubbles: true }));
const note = (moved) => seen.push({ moved,
  shown: Object.fromEntries([...document.querySelectorAll("[data-show]")].filter((e) => e.dataset.exact !== undefined)
    .map((e) => [e.dataset.show, { exact: e.dataset.exact, text: e.textContent }])),
  payers: Object.fromEntries([...document.querySelectorAll("[data-payer]")].map((e) => [e.dataset.payer, +e.dataset.exact])),
  printed: q("[data-show=printed]").textContent,
  states: [...document.querySelectorAll(".what-if-state")].map((e) => e.textContent) });
const reset = () => q(".what-if-reset").click();
note({});
for (const c of JSON.parse(q(".what-if script[type='application/json']").textContent).controls) {
  for (const end of ["low", "high"]) {
    const range = q("#what-if-" + c.key);
    range.value = c[end]; fire(range, "input"); note({ [c.key]: +range.value }); reset();
  }
  const box = q("#what-if-" + c.key + "-n");
  box.value = String(c.low + 0.4 * (c.high - c.low)); fire(box, "change"); note({ [c.key]: +box.value });
  box.value = ""; fire(box, "change"); note({});
}
for (const key of ["view", "schedule"]) for (const option of q("#what-if-" + key).options) {
  q("#what-if-" + key).value = option.value; fire(q("#what-if-" + key), "change"); note({ [key]: option.value }); reset();
}
const years = q("#what-if-horizon"); years.value = 2; fire(years, "input"); note({ horizon: 2 }); reset();
for (const [key, value] of [["averted", 4], ["ap_top_up", 12000], ["spend", 20000]]) {
  const box = q("#what-if-" + key + "-n"); box.value = value; fire(box, "change");
}
note({ averted: 4, ap_top_up: 12000, spend: 20000 });
const names = [...document.querySelectorAll(".what-if :is(input, select)")]
  .filter((e) => !e.labels.length && !e.getAttribute("aria-label"));
document.body.replaceChildren(Object.assign(document.createElement("pre"), { id: "seen", textContent: JSON.stringify(
  { seen, loaded: performance.getEntriesByType("resource").map((e) => e.name), nameless: names.length }) }));
"""


def browse(page, folder, *, wait=0):
    """Open a page in Chromium without a network and return its DOM as text, after so many milliseconds of its own clock."""
    path = folder / "page.html"
    path.write_text(page, encoding="utf-8")
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    command += [f"--user-data-dir={folder / 'profile'}", "--host-resolver-rules=MAP * ~NOTFOUND", "--dump-dom"]
    command += [f"--virtual-time-budget={wait}"] if wait else []
    done = subprocess.run([*command, path.as_uri()], capture_output=True, text=True, timeout=120, check=True)
    return done.stdout


@pytest.fixture
def browser():
    if BROWSER is None:
        if os.environ.get("CI"):
            pytest.fail("chromium is not installed: in CI this test must run")
        pytest.skip("chromium is not installed")


def on_page(panel, script=""):
    head = '<!doctype html><html lang="en-GB"><head><meta charset="utf-8"><title>t</title></head><body>'
    return f"{head}{panel.html}<script>{script}</script></body></html>"


def point_of(moved, case):
    basis = Basis(case)
    values = tuple((key, value) for key, value in moved.items() if key in case.parameters)
    duration = None
    if "duration" in moved:
        duration = int(np.abs(basis.durations - moved["duration"]).argmin())
    plain = {key: moved[key] for key in ("averted", "spend", "schedule", "horizon", "view") if key in moved}
    return Point(values=values, duration=duration, **plain)


def pounds(value):
    rounded = round(abs(value))
    return f"{'−' if value < 0 and rounded else ''}£{rounded:,}"


@pytest.mark.slow
def test_every_control_in_a_browser_agrees_with_python_to_the_penny(browser, case, model, tmp_path):
    dom = browse(on_page(what_if_panel(model, posterior=True), DRIVER), tmp_path)
    found = json.loads(html.unescape(re.search(r'<pre id="seen">(.*?)</pre>', dom, re.DOTALL)[1]))
    assert found["loaded"] == []
    assert found["nameless"] == 0
    assert len(found["seen"]) == 1 + 4 * len(model["controls"]) + 2 + 3 + 1 + 1
    basis = Basis(case)
    for seen in found["seen"]:
        wanted, shown = basis.results(point_of(seen["moved"], case)), seen["shown"]
        for key in ("npv", "savings", "cost"):
            assert float(shown[key]["exact"]) == pytest.approx(wanted[key], abs=PENNY), seen["moved"]
            assert shown[key]["text"] == pounds(float(shown[key]["exact"]))
        for payer, value in seen["payers"].items():
            assert value == pytest.approx(wanted["payers"].get(payer, 0.0), abs=PENNY)
        if wanted["bcr"] is None:
            assert shown["bcr"]["text"] == "not defined"
        else:
            assert float(shown["bcr"]["exact"]) == pytest.approx(wanted["bcr"], abs=1e-6)
        # counted from 400 of the draws, as the page says
        assert float(shown["chance"]["exact"]) == pytest.approx(wanted["chance"], abs=0.04), seen["moved"]
        assert pounds(wanted["npv"]) in seen["printed"]
    # nothing moved: as in the report, from all draws
    assert float(found["seen"][0]["shown"]["chance"]["exact"]) == model["checks"][0]["chance"]
    beyond = next(seen for seen in found["seen"] if seen["moved"].get("ap_top_up", 0) > 30_000)
    assert any("outside what the declared evidence supports" in state for state in beyond["states"])
    assert "supposition, not a finding" in beyond["printed"]
    assert "supposition" not in found["seen"][0]["printed"]


# every control beyond the evidence, so that every warning is in sight
BEYOND = """for (const box of document.querySelectorAll(".what-if input[type=number]")) {
  box.value = box.max || 99999; box.dispatchEvent(new Event("change", { bubbles: true })); }"""


def framed(panel):
    """A page that is sound by itself, so that whatever is found is the panel's."""
    head = '<!doctype html><html lang="en-GB"><head><meta charset="utf-8"><title>t</title></head><body>'
    return f"{head}<main><h1>Report</h1><h2>Money</h2>{panel.html}</main></body></html>"


@pytest.mark.slow
@pytest.mark.parametrize(("posterior", "dark"), [(True, False), (False, True)])
def test_axe_finds_no_violation(chromium, model, tmp_path, posterior, dark):
    page = tmp_path / "page.html"
    page.write_text(framed(what_if_panel(model, posterior=posterior)), encoding="utf-8")
    chromium.open(page, dark=dark)
    page_is_dark = chromium.evaluate("getComputedStyle(document.querySelector('.what-if')).colorScheme") == "dark"
    assert page_is_dark is dark
    assert chromium.axe() == []
    chromium.evaluate(BEYOND)
    assert "outside what the declared evidence supports" in chromium.evaluate("document.body.innerText")
    assert chromium.axe() == []


@pytest.mark.slow
def test_every_column_of_the_table_of_cases_is_on_the_printed_page(chromium, model, tmp_path):
    """On A4, whose width between the margins is 170 mm; what lies beyond a page's edge is not printed."""
    page = tmp_path / "page.html"
    page.write_text(framed(what_if_panel(model, posterior=True)), encoding="utf-8")
    chromium.open(page, media="print", width=643)
    right = "e => e.getBoundingClientRect().right"
    table = "[...document.querySelectorAll('.what-if details td, .what-if details th')]"
    assert chromium.evaluate(f"{table}.length") > 20
    assert chromium.evaluate(f"Math.max(...{table}.map({right})) <= innerWidth")


@pytest.mark.slow
def test_axe_would_find_a_violation(chromium, model, tmp_path):
    """Without the labels of its controls, and in grey on white, the same page does not pass."""
    page = tmp_path / "page.html"
    text = framed(what_if_panel(model, posterior=True))
    page.write_text(
        text.replace("</head>", "<style>.what-if p { color: #bbb; background: #fff }</style></head>"),
        encoding="utf-8",
    )
    chromium.open(page)
    chromium.evaluate("""for (const e of document.querySelectorAll(".what-if :is(input, select)")) {
      e.removeAttribute("aria-label"); for (const name of [...e.labels]) name.replaceWith(...name.childNodes); }""")
    broken = " ".join(chromium.axe())
    assert "label:" in broken
    assert "color-contrast:" in broken


@pytest.mark.slow
def test_a_page_that_disagrees_with_python_stays_on_its_table(browser, model, tmp_path):
    wrong = {
        **model,
        "checks": [{**model["checks"][0], "npv": model["checks"][0]["npv"] + 1.0}, *model["checks"][1:]],
    }
    dom = browse(on_page(what_if_panel(wrong, posterior=True)), tmp_path)
    assert 'class="what-if-live" hidden' in dom
    assert re.search(r'<p class="what-if-wrong">', dom)
    assert "what-if-on" not in re.search(r"<section[^>]*>", dom)[0]
    assert "<caption>One thing changed at a time</caption>" in dom


def test_nothing_is_loaded_and_no_text_ends_the_script(model):
    sly = {**model, "payers": {key: "</script><img src=//evil>" for key in model["payers"]}}
    page = what_if_panel(sly, posterior=False).html
    assert outside_loads(page) == ()
    assert page.count("</script>") == 2
    assert len(page) < 80_000


def test_words_follow_the_kind_of_draws(model):
    assert "Probability that it pays" in what_if_panel(model, posterior=True).html
    plain = what_if_panel(model, posterior=False)
    assert "not a probability" in plain.html
    assert "Probability" not in plain.html
    assert plain.cases.rows[0][0] == "As estimated"


def test_a_model_without_cases_is_refused(model):
    with pytest.raises(RenderError, match="holds no case"):
        what_if_panel({**model, "checks": []}, posterior=True)


def test_a_part_of_the_draws_stands_for_all(case):
    """Quantiles of what was averted and of savings per exclusion in the part lie close to those of all draws."""
    basis = Basis(case)
    part, averted = basis.representatives, basis.sample.sum("period").to_numpy()
    each = basis.streams.values[basis.counted("cashable")].sum(axis=(0, 2))
    assert len(set(part.tolist())) == len(part) == 400
    for values in (averted, each):
        for share in (0.05, 0.25, 0.5, 0.75, 0.95):
            reached = float((values <= np.quantile(values[part], share)).mean())
            assert reached == pytest.approx(share, abs=0.02)
