(() => {
"use strict";
// One setting of the controls -> everything shown. null leaves a thing as it was estimated or declared.
const evaluate = (m, at) => {
  const factors = m.schedules.find((s) => s.key === at.schedule).factors;
  const counted = factors.map((f, y) => (y < (at.horizon || factors.length) ? f : 0));
  const kinds = m.views.find((v) => v.key === at.view).kinds;
  const worth = (row) => row.reduce((sum, v, y) => sum + v * counted[y], 0);
  const place = at.duration === null ? 0 : at.duration + 1;
  const split = {}, each = new Float64Array(m.averted_draws.length);
  let savings = 0;
  for (const stream of m.streams) {
    if (!kinds.includes(stream.kind)) continue;
    for (const term of stream.terms) {
      const weight = stream.controls.reduce((w, key, i) => {
        const set = at.values[key], mark = term.on[i];
        if (set === null || set === undefined) return mark === "d" ? w : 0;
        return mark === "d" ? 0 : mark === "0" ? w : w * set;
      }, 1);
      if (!weight) continue;
      const of = (rows) => rows[rows.length > 1 ? place : 0];
      const mean = weight * (at.averted === null ? worth(of(term.drawn)) : at.averted * worth(of(term.each)));
      savings += mean;
      split[stream.payer] = (split[stream.payer] || 0) + mean;
      const rows = term.each.map(worth), column = term.column === null ? null : m.columns[term.column];
      each.forEach((_, k) => {
        let one = rows[0];
        if (rows.length > 1) {
          const p = at.duration === null ? m.positions[k] : at.duration, low = Math.min(Math.floor(p), rows.length - 3);
          one = rows.length === 2 ? rows[1] : rows[low + 1] + (p - low) * (rows[low + 2] - rows[low + 1]);
        }
        each[k] += weight * one * (column ? column[k] : 1);
      });
    }
  }
  const declared = Object.values(m.spend).flat().reduce((a, b) => a + b, 0);
  const scale = at.spend === null || !declared ? 1 : at.spend / declared;
  let cost = 0;
  for (const [payer, years] of Object.entries(m.spend)) {
    const paid = scale * worth(years);
    cost += paid;
    split[payer] = (split[payer] || 0) - paid;
  }
  const net = Array.from(each, (v, k) => v * (at.averted === null ? m.averted_draws[k] : at.averted) - cost).sort((a, b) => a - b);
  const quantile = (q) => {
    const i = q * (net.length - 1), low = Math.floor(i), high = Math.ceil(i);
    return net[low] + (i - low) * (net[high] - net[low]);
  };
  return { savings, cost, npv: savings - cost, bcr: cost > 0 ? savings / cost : null, payers: split,
    chance: net.filter((v) => v > 0).length / net.length, lower: quantile(0.025), upper: quantile(0.975) };
};
// The browser must reach what Python reached: means to a millionth, what is counted from fewer draws within a bound.
const agrees = (m) => m.checks.every((c) => {
  const r = evaluate(m, c.at), near = (a, b) => Math.abs(a - b) <= 1e-6 * (1 + Math.abs(b));
  return ["savings", "cost", "npv"].every((k) => near(r[k], c[k]))
    && (c.bcr === null ? r.bcr === null : near(r.bcr, c.bcr))
    && Object.entries(c.payers).every(([p, v]) => near(r.payers[p] || 0, v))
    && Math.abs(r.chance - c.chance) <= 0.04;
});
if (typeof module !== "undefined") { module.exports = { evaluate, agrees }; return; }

const root = document.currentScript.closest(".what-if");
const m = JSON.parse(root.querySelector("script[type='application/json']").textContent);
if (!agrees(m)) {
  root.querySelector(".what-if-wrong").hidden = false;
  console.error("what-if: this browser's results differ from the report's");
  return;
}
const MINUS = "−", whole = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 0 });
const pounds = (x) => (Math.round(x) < 0 ? MINUS : "") + "£" + whole.format(Math.abs(Math.round(x)));
const rough = (x) => { const d = x ? Math.max(0, Math.floor(Math.log10(Math.abs(x))) - 1) : 0; return pounds(Math.round(x / 10 ** d) * 10 ** d); };
const plain = (x) => (x < 0 ? MINUS : "") + new Intl.NumberFormat("en-GB", { maximumSignificantDigits: 3 }).format(Math.abs(x));
const show = (c, x) => (c.unit === "£" ? pounds(x) : plain(x));
const share = (x) => (x === 0 ? "under 1%" : x === 1 ? "over 99%" : x <= 0.005 ? "under 1%" : x >= 0.995 ? "over 99%" : Math.round(100 * x) + "%");
const make = (tag, attributes = {}, ...children) => {
  const made = document.createElement(tag);
  for (const [k, v] of Object.entries(attributes)) k === "text" ? (made.textContent = v) : made.setAttribute(k, v);
  made.append(...children);
  return made;
};
const start = () => ({ averted: null, values: Object.fromEntries(m.controls.map((c) => [c.key, null])), duration: null,
  spend: null, schedule: "standard", horizon: null, view: m.view });
let at = start();
const read = (c) => (c.key === "duration" ? (at.duration === null ? null : m.durations[at.duration])
  : c.key === "averted" || c.key === "spend" ? at[c.key] : at.values[c.key]);
const write = (c, x) => {
  if (x !== null) x = Math.min(c.high, Math.max(c.low, x));
  if (c.key === "duration") at.duration = x === null ? null : Math.round((x - c.low) / c.step);
  else if (c.key === "averted" || c.key === "spend") at[c.key] = x;
  else at.values[c.key] = x;
};
const outside = (c) => { const x = read(c); return x !== null && c.evidence && (x < c.evidence[0] || x > c.evidence[1]); };
const reach = (c) => `${show(c, c.evidence[0])} to ${show(c, c.evidence[1])}`;
const leave = (c) => (c.evidence ? "As estimated" : "As declared");

const form = root.querySelector("form"), fields = {};
for (const c of m.controls) {
  const id = `what-if-${c.key}`;
  const range = make("input", { type: "range", id, min: c.low, max: c.high, step: c.step, "aria-describedby": `${id}-h ${id}-s` });
  const exact = make("input", { type: "number", id: `${id}-n`, min: c.low, max: c.high, step: "any", placeholder: plain(c.start),
    inputmode: "decimal", "aria-label": `${c.label}: exact value; empty for ${leave(c).toLowerCase()}`, "aria-describedby": `${id}-s` });
  const state = make("span", { class: "what-if-state", id: `${id}-s` });
  const undo = make("button", { type: "button", class: "what-if-undo", text: leave(c), "aria-label": `${c.label}: ${leave(c).toLowerCase()}` });
  form.append(make("div", { class: "what-if-control" }, make("label", { for: id, text: c.label }), make("span", { class: "what-if-hint", id: `${id}-h`, text: c.hint }),
    make("div", { class: "what-if-pair" }, range, make("span", { text: c.unit, "aria-hidden": "true" }), exact), make("div", { class: "what-if-below" }, state, undo)));
  range.oninput = () => { write(c, +range.value); update(); };
  exact.onchange = () => { write(c, exact.value.trim() === "" || !Number.isFinite(+exact.value) ? null : +exact.value); update(); };
  undo.onclick = () => { write(c, null); update(); range.focus(); };
  fields[c.key] = { range, exact, state, undo };
}
const pick = (key, label, options) => {
  const select = make("select", { id: `what-if-${key}` }, ...options.map(([value, text]) => make("option", { value, text })));
  select.onchange = () => { at[key] = select.value; update(); };
  form.append(make("div", { class: "what-if-control" }, make("label", { for: select.id, text: label }), select));
  return select;
};
const view = pick("view", "What counts as a saving", m.views.map((v) => [v.key, v.label]));
const schedule = pick("schedule", "Discounting", m.schedules.map((s) => [s.key, s.label]));
const horizon = make("input", { type: "range", id: "what-if-horizon", min: 1, max: m.years.length, step: 1, "aria-describedby": "what-if-horizon-s" });
const horizonState = make("span", { class: "what-if-state", id: "what-if-horizon-s" });
horizon.oninput = () => { at.horizon = +horizon.value === m.years.length ? null : +horizon.value; update(); };
form.append(make("div", { class: "what-if-control" }, make("label", { for: horizon.id, text: "Years counted" }), make("div", { class: "what-if-pair" }, horizon), horizonState));
const reset = make("button", { type: "button", class: "what-if-reset", text: "Everything as in the report" });
reset.onclick = () => { at = start(); update(); };
form.append(reset);
form.onsubmit = (event) => event.preventDefault();

const out = (name) => root.querySelector(`[data-show="${name}"]`);
const put = (node, text, exact) => { node.textContent = text; node.dataset.exact = exact; };
const horizonText = () => `${m.years[0]} to ${m.years[(at.horizon || m.years.length) - 1]}`;
let timer;
function update() {
  const r = evaluate(m, at), untouched = JSON.stringify(at) === JSON.stringify(start());
  // nothing moved: shares and intervals of all draws are known
  if (untouched) for (const key of ["chance", "lower", "upper"]) r[key] = m.checks[0][key];
  for (const c of m.controls) {
    const f = fields[c.key], x = read(c), warn = outside(c);
    f.range.value = x === null ? c.start : x;
    f.exact.value = x === null ? "" : +x.toPrecision(6);
    const idle = c.evidence ? `As estimated: uncertain, ${show(c, c.start)} on average` : `As declared: ${show(c, c.start)}`;
    f.state.textContent = x === null ? idle : warn ? `Set to ${show(c, x)}: outside ${c.span}, ${reach(c)}` : `Set to ${show(c, x)}`;
    f.state.classList.toggle("what-if-outside", !!warn);
    f.range.setAttribute("aria-valuetext", f.state.textContent);
    f.undo.hidden = x === null;
  }
  view.value = at.view; schedule.value = at.schedule; horizon.value = at.horizon || m.years.length;
  horizonState.textContent = horizonText();
  horizon.setAttribute("aria-valuetext", horizonText());
  put(out("npv"), pounds(r.npv), r.npv);
  put(out("interval"), `${rough(r.lower)} to ${rough(r.upper)}`, `${r.lower} ${r.upper}`);
  put(out("bcr"), r.bcr === null ? "not defined" : (r.bcr < -0.005 ? MINUS : "") + Math.abs(r.bcr).toFixed(2), r.bcr);
  put(out("chance"), share(r.chance), r.chance);
  put(out("savings"), pounds(r.savings), r.savings);
  put(out("cost"), pounds(r.cost), r.cost);
  out("payers").replaceChildren(...Object.keys(m.payers).map((p) => {
    const cell = make("td", { class: "numeric" });
    put(cell, pounds(r.payers[p] || 0), r.payers[p] || 0);
    cell.dataset.payer = p;
    return make("tr", {}, make("th", { scope: "row", text: m.payers[p] }), cell);
  }));
  const set = m.controls.filter((c) => read(c) !== null), far = set.filter(outside);
  const other = [at.view !== m.view && m.views.find((v) => v.key === at.view).label, at.schedule !== "standard" && m.schedules.find((s) => s.key === at.schedule).label,
    at.horizon && `counting ${horizonText()}`].filter(Boolean);
  const told = [...set.map((c) => `${c.label} ${show(c, read(c))}`), ...other];
  const text = `${told.length ? told.join("; ") : "Everything as in the report"}. Net present value ${pounds(r.npv)} on average, 95% interval ${rough(r.lower)} to ${rough(r.upper)}; `
    + `${m.chance_label.toLowerCase()}: ${share(r.chance)}.` + (far.length ? ` Outside the evidence: ${far.map((c) => c.label.toLowerCase()).join(", ")}. Read this as a supposition, not a finding.` : "");
  clearTimeout(timer);
  timer = setTimeout(() => { out("said").textContent = text; }, 250);
  out("printed").textContent = text;
}
const cases = root.querySelector(".what-if-cases");
cases.open = false;
addEventListener("beforeprint", () => { cases.open = true; });
root.classList.add("what-if-on");
root.querySelector(".what-if-live").hidden = false;
update();
})();
