"use strict";
// Shows the data of the page. Everything that comes from the run is put in as text, never as markup.
const data = JSON.parse(document.getElementById("data").textContent);
const main = document.getElementById("main");
const tip = document.getElementById("tip");
const STATES = ["committed", "done", "running", "thrown-away", "failed", "cancelled", "queued"];
const VERDICTS = { parallel: "committed", watching: "cancelled", "in-place": "thrown-away", host: "done" };
const STATUS = { finished: "committed", failed: "failed", interrupted: "thrown-away", gone: "thrown-away", running: "running" };

// -- making elements

function el(tag, props, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(props || {})) {
    if (key === "class") node.className = value;
    else if (key === "c") node.style.setProperty("--c", `var(--${value})`);
    else if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(key, value);
  }
  for (const child of children.flat()) if (child !== null && child !== undefined && child !== "") node.append(child);
  return node;
}

function svg(tag, props, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(props || {})) {
    if (key === "c") node.style.setProperty("--c", `var(--${value})`);
    else node.setAttribute(key, value);
  }
  node.append(...children);
  return node;
}

const color = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();

function duration(s) {
  if (s === null || s === undefined) return "–";
  if (s === 0) return "0 s";
  if (s >= 100) return `${Math.floor(Math.round(s) / 60)}:${String(Math.round(s) % 60).padStart(2, "0")} min`;
  if (s >= 1) return `${s.toFixed(s < 10 ? 2 : 1)} s`;
  if (s >= 1e-3) return `${(s * 1e3).toFixed(s < 1e-2 ? 2 : s < 0.1 ? 1 : 0)} ms`;
  return `${(s * 1e6).toFixed(0)} µs`;
}

function size(n) {
  if (!n) return "–";
  for (const unit of ["B", "kB", "MB", "GB"]) {
    if (n < 1000 || unit === "GB") return `${n.toFixed(unit === "B" || n >= 100 ? 0 : 1)} ${unit}`;
    n /= 1000;
  }
}

const count = (n) => (n === null || n === undefined ? "–" : n.toLocaleString("en").replaceAll(",", "\u202f"));
const short = (n) => {
  for (const [unit, scale] of [["T", 1e12], ["G", 1e9], ["M", 1e6]]) if (n >= 1e7 && n >= scale) return `${(n / scale).toFixed(1)} ${unit}`;
  return count(n);
};
const plural = (n, word) => `${count(n)} ${word}${n === 1 ? "" : "s"}`;
const badge = (text, name) => el("span", { class: "badge", c: name }, text);

function section(id, title, note, tools, ...body) {
  document.getElementById("nav").append(el("a", { href: "#" + id }, title));
  const head = el("div", { class: "head" }, el("h2", {}, title), el("div", { class: "grow" }, note || ""), tools || []);
  main.append(el("section", { id }, head, ...body));
}

function table(columns, rows, onRow) {
  const head = el("tr", {}, columns.map((c) => el("th", { class: c.n ? "n" : "" }, c.name)));
  const body = rows.map((row) => {
    const line = el("tr", {}, columns.map((c) => el("td", { class: (c.n ? "n " : "") + (c.class || "") }, c.show(row))));
    if (onRow) onRow(line, row);
    return line;
  });
  return el("table", {}, el("thead", {}, head), el("tbody", {}, body));
}

function hint(event, text) {
  tip.textContent = text;
  tip.hidden = !text;
  const { innerWidth: w, innerHeight: h } = window;
  const box = tip.getBoundingClientRect();
  tip.style.left = Math.max(6, Math.min(event.clientX + 14, w - box.width - 8)) + "px";
  tip.style.top = (event.clientY + box.height + 26 > h ? event.clientY - box.height - 12 : event.clientY + 18) + "px";
}

// -- the top

function headline() {
  const s = data.summary;
  const when = new Date(s.started * 1000);
  main.append(
    el("h1", {}, s.program || "A program"),
    el("div", { class: "sub" }, badge(s.status, STATUS[s.status] || "queued"), el("span", {}, `run ${s.run}`),
      el("span", {}, when.toLocaleString("en-GB", { dateStyle: "long", timeStyle: "medium" })),
      s.left_to_host ? el("span", {}, `executed by the host's own VM (${s.left_to_host})`) : ""),
  );
  if (s.error) main.append(el("div", { class: "note" }, s.error));
  const tasks = Object.values(s.tasks).reduce((a, b) => a + b, 0);
  const estimate = (v, digits, unit) => (v === null ? "–" : v.toFixed(digits) + unit);
  const card = (k, v, note) => el("div", { class: "card" }, el("div", { class: "k" }, k), el("div", { class: "v" }, v), el("div", { class: "s" }, note));
  const parts = Object.entries(s.tasks).map(([name, n]) => `${count(n)} ${name}`);
  main.append(el("div", { class: "cards" },
    card("Time", duration(s.seconds), `${duration(s.work_seconds)} on workers`),
    card("Speed-up", estimate(s.speedup_estimate, 2, "×"), "estimate: CPU time of the work ÷ time"),
    card("Efficiency", estimate(s.efficiency_estimate === null ? null : s.efficiency_estimate * 100, 0, " %"), "estimate: workers that are busy"),
    card("Tasks", count(tasks), parts.length ? plural(s.calls_committed, "call") + " committed" : "nothing was sent"),
    card("Workers", count(s.workers_started), `at most ${s.workers} at a time`),
    card("Failures", count(s.failed_attempts), s.failed_attempts ? `${s.retries} tried again, ${plural(s.worker_deaths, "death")}` : "every attempt succeeded"),
    card("Gas", short(s.gas), `${short(s.operations)} operations`),
    s.compiled ? card("Compiled", count(s.compiled.units), compiledNote(s.compiled)) : "",
  ));
}

function compiledNote(c) {
  return `in ${duration(c.seconds)}` + (c.cached ? `, ${count(c.cached)} cached` : "") + (c.refused ? `, ${count(c.refused)} refused` : "");
}

// -- the timeline

const view = { from: 0, to: Math.max(data.summary.seconds, 1e-6) };
const TOTAL = view.to;
const taskRows = new Map(data.tasks.map((task) => [task[0], task]));

function timeline() {
  if (!data.slices.some((row) => row.length)) {
    section("timeline", "Timeline", "", [], el("div", { class: "body" }, el("div", { class: "empty" }, "No task began on a worker.")));
    return;
  }
  const left = 62, rate = 46, gap = 12, axis = 22;
  const lane = data.slots > 40 ? 9 : data.slots > 16 ? 14 : 22;
  const height = rate + gap + data.slots * lane + axis + 6;
  const canvas = el("canvas", { height, tabindex: 0, role: "img", "aria-label": "Tasks on workers over time. Arrow keys move, plus and minus zoom, 0 shows all." });
  const used = STATES.filter((name) => data.slices.some((row) => row.some((piece) => piece[3] === name)));
  const reset = el("button", { type: "button", onclick: () => go(0, TOTAL) }, "All");
  const zoom = (factor, at) => {
    const center = at === undefined ? (view.from + view.to) / 2 : at;
    go(center - (center - view.from) * factor, center + (view.to - center) * factor);
  };
  section("timeline", "Timeline", "one row per worker slot; scroll to zoom, drag to move",
    [el("button", { type: "button", "aria-label": "Zoom in", onclick: () => zoom(0.5) }, "+"), el("button", { type: "button", "aria-label": "Zoom out", onclick: () => zoom(2) }, "−"), reset],
    el("div", { class: "body" }, canvas, el("div", { class: "legend" }, used.map((name) => el("span", { c: name }, name)))));

  function go(from, to) {
    const span = Math.min(TOTAL, Math.max(1e-5, to - from));
    view.from = Math.min(Math.max(0, from), TOTAL - span);
    view.to = view.from + span;
    requestAnimationFrame(draw);
  }

  let width = 0;
  const x = (t) => left + ((t - view.from) / (view.to - view.from)) * (width - left - 8);
  const t = (px) => view.from + ((px - left) / (width - left - 8)) * (view.to - view.from);

  function draw() {
    width = canvas.clientWidth;
    const ratio = window.devicePixelRatio || 1;
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    canvas.style.height = height + "px";
    const g = canvas.getContext("2d");
    g.scale(ratio, ratio);
    g.clearRect(0, 0, width, height);
    g.font = "11px system-ui, sans-serif";
    g.textBaseline = "middle";
    const [soft, line, laneColor] = [color("soft"), color("line"), color("lane")];
    drawRate(g, soft);
    drawAxis(g, soft, line);
    const colors = Object.fromEntries(STATES.map((name) => [name, color(name)]));
    const ink = color("card");
    data.slices.forEach((row, slot) => {
      const y = rate + gap + slot * lane;
      g.fillStyle = laneColor;
      g.fillRect(left, y + 1, width - left - 8, lane - 2);
      if (lane >= 14 || slot % 4 === 0) {
        g.fillStyle = soft;
        g.textAlign = "right";
        g.fillText(`slot ${slot}`, left - 10, y + lane / 2);
      }
      let last = -1;
      for (let i = first(row, view.from); i < row.length && row[i][1] <= view.to; i++) {
        const [ident, begin, end, state] = row[i];
        const x0 = Math.max(left, x(begin)), x1 = Math.min(width - 8, x(end));
        if (x1 - x0 < 0.6 && x1 < last + 0.4 && state !== "failed") continue;
        last = x1;
        g.fillStyle = colors[state] || colors.queued;
        g.fillRect(x0, y + 1, Math.max(0.9, x1 - x0 - (x1 - x0 > 4 ? 1 : 0)), lane - 2);
        if (x1 - x0 > 46 && lane >= 14) {
          const name = taskRows.get(ident)[2] || `task ${ident}`;
          g.save();
          g.beginPath();
          g.rect(x0, y, x1 - x0 - 4, lane);
          g.clip();
          g.fillStyle = ink;
          g.textAlign = "left";
          g.fillText(name, x0 + 5, y + lane / 2 + 0.5);
          g.restore();
        }
      }
    });
  }

  function drawRate(g, soft) {
    const { width: step, values } = data.rate;
    const most = Math.max(...values, 0);
    if (!most) return;
    g.beginPath();
    g.moveTo(Math.max(left, x(0)), rate);
    values.forEach((value, i) => {
      const y = rate - (value / most) * (rate - 14);
      const x0 = Math.max(left, Math.min(width - 8, x(i * step))), x1 = Math.max(left, Math.min(width - 8, x(Math.min(TOTAL, (i + 1) * step))));
      g.lineTo(x0, y);
      g.lineTo(x1, y);
    });
    g.lineTo(Math.min(width - 8, x(TOTAL)), rate);
    g.closePath();
    g.globalAlpha = 0.22;
    g.fillStyle = color("accent");
    g.fill();
    g.globalAlpha = 1;
    g.fillStyle = soft;
    g.textAlign = "left";
    g.fillText(`tasks per second, at most ${count(Math.round(most))}`, left + 2, 7);
  }

  function drawAxis(g, soft, line) {
    const span = view.to - view.from;
    const rough = span / Math.max(2, (width - left) / 110);
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((m) => m * power).find((m) => m >= rough);
    const [unit, factor] = step >= 1 ? ["s", 1] : step >= 1e-3 ? ["ms", 1e3] : ["µs", 1e6];
    const bottom = rate + gap + data.slots * lane;
    g.textAlign = "center";
    for (let at = Math.ceil(view.from / step) * step; at <= view.to; at += step) {
      g.fillStyle = line;
      g.fillRect(x(at), rate, 1, bottom - rate + 5);
      g.fillStyle = soft;
      const value = at * factor, digits = Math.max(0, -Math.floor(Math.log10(step * factor) + 1e-9));
      g.fillText(`${value.toFixed(digits)} ${unit}`, Math.min(width - 26, Math.max(left + 14, x(at))), bottom + 15);
    }
  }

  function first(row, from) {
    let low = 0, high = row.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (row[middle][2] < from) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  function under(event) {
    const box = canvas.getBoundingClientRect();
    const slot = Math.floor((event.clientY - box.top - rate - gap) / lane);
    const row = data.slices[slot];
    if (!row || event.clientX - box.left < left) return null;
    const at = t(event.clientX - box.left), near = (2 * (view.to - view.from)) / width;
    for (let i = first(row, at - near); i < row.length && row[i][1] <= at + near; i++) return row[i];
    return null;
  }

  let drag = null;
  canvas.addEventListener("pointerdown", (event) => {
    drag = { x: event.clientX, from: view.from, to: view.to };
    canvas.setPointerCapture(event.pointerId);
    canvas.classList.add("drag");
  });
  canvas.addEventListener("pointerup", () => { drag = null; canvas.classList.remove("drag"); });
  canvas.addEventListener("pointermove", (event) => {
    if (drag) {
      const shift = ((drag.x - event.clientX) / (width - left - 8)) * (drag.to - drag.from);
      go(drag.from + shift, drag.to + shift);
      return;
    }
    const piece = under(event);
    if (!piece) return hint(event, "");
    const task = taskRows.get(piece[0]);
    const lines = [`${task[2] || "task"} · task ${piece[0]}`, `${piece[3]}, attempt ${piece[4]}, ${plural(task[4], "call")}`,
      `${duration(piece[2] - piece[1])} from ${duration(piece[1])}`];
    if (task[3]) lines.push(`line ${task[3]}: ${(data.source[task[3] - 1] || "").trim()}`);
    if (task[13]) lines.push(task[13]);
    hint(event, lines.join("\n"));
  });
  canvas.addEventListener("pointerleave", (event) => hint(event, ""));
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      const shift = ((event.deltaX || event.deltaY) / width) * (view.to - view.from);
      go(view.from + shift, view.to + shift);
    } else zoom(event.deltaY < 0 ? 0.8 : 1.25, t(event.clientX - canvas.getBoundingClientRect().left));
  }, { passive: false });
  canvas.addEventListener("keydown", (event) => {
    const span = view.to - view.from;
    const keys = { ArrowLeft: () => go(view.from - span / 5, view.to - span / 5), ArrowRight: () => go(view.from + span / 5, view.to + span / 5),
      "+": () => zoom(0.6), "-": () => zoom(1.7), 0: () => go(0, TOTAL), Home: () => go(0, span), End: () => go(TOTAL - span, TOTAL) };
    if (keys[event.key]) { keys[event.key](); event.preventDefault(); }
  });
  new ResizeObserver(draw).observe(canvas);
  redraws.push(draw);
  draw();
}

const redraws = [];

// -- chunks

const chunkById = new Map(data.chunks.map((chunk) => [chunk.id, chunk]));

function where(chunk) {
  return (chunk.line ? `line ${chunk.line}` : "") + (chunk.inside ? ` in ${chunk.inside}` : "");
}

function chunks() {
  const rows = [...data.chunks].sort((a, b) => a.line - b.line || a.id - b.id);
  const meaning = Object.fromEntries(data.decisions.map((row) => [row[0], row[2]]));
  const most = Math.max(...rows.map((c) => c.busy), 1e-9);
  const body = rows.length
    ? table([
      { name: "chunk", show: (c) => c.name || c.what, class: "mono w" },
      { name: "where", show: (c) => where(c) || "–", class: "soft" },
      { name: "verdict", show: (c) => badge(c.verdict, VERDICTS[c.verdict] || "queued") },
      { name: "reason", show: (c) => (c.reason ? el("span", { title: meaning[c.reason] || "" }, c.reason) : ""), class: "soft" },
      { name: "tasks", n: 1, show: (c) => count(c.tasks) },
      { name: "calls", n: 1, show: (c) => count(c.calls) },
      { name: "committed", n: 1, show: (c) => count(c.committed) },
      { name: "a call", n: 1, show: (c) => duration(c.seconds) },
      { name: "work", n: 1, show: (c) => (c.tasks ? duration(c.busy) : "–") },
      { name: "", show: (c) => { const i = el("i", { c: "committed" }); i.style.width = `${(100 * c.busy) / most}%`; const b = el("div", { class: "bar" }, i); b.style.cssText = "width:90px;margin:7px 0 0"; return b; } },
    ], rows, (line, chunk) => { line.style.cursor = chunk.line ? "pointer" : ""; line.addEventListener("click", () => show(chunk)); })
    : el("div", { class: "empty" }, "No piece of code was looked at: the program has no calls that took long enough.");
  section("chunks", "Chunks", "pieces of code that were looked at, and what was decided about them", [], el("div", { class: "body" }, body));
}

function show(chunk) {
  const line = document.getElementById("L" + chunk.line);
  if (line) line.scrollIntoView({ block: "center" });
}

function graph() {
  const nodes = data.chunks.filter((c) => c.depends.length || data.chunks.some((o) => o.depends.some((d) => d[0] === c.id)));
  if (!nodes.length) return;
  const shown = nodes.slice(0, 200), level = new Map();
  const depth = (c, seen) => {
    if (level.has(c.id)) return level.get(c.id);
    if (seen.has(c.id)) return 0;
    seen.add(c.id);
    const above = c.depends.map((d) => chunkById.get(d[0])).filter((o) => o && o !== c);
    const value = above.length ? 1 + Math.max(...above.map((o) => depth(o, seen))) : 0;
    level.set(c.id, value);
    return value;
  };
  const columns = [];
  for (const c of shown) (columns[depth(c, new Set())] ||= []).push(c);
  const [w, h, dx, dy] = [190, 50, 110, 24];
  const at = new Map();
  const tallest = Math.max(...columns.map((list) => (list || []).length));
  columns.forEach((list, i) => (list || []).forEach((c, j) => at.set(c.id, [i * (w + dx) + 10, (tallest - list.length) * (h + dy) / 2 + j * (h + dy) + 14])));
  const picture = svg("svg", { width: columns.length * (w + dx) - dx + 20, height: tallest * (h + dy) + 10, role: "img", "aria-label": "Which chunk depends on which" },
    svg("defs", {}, svg("marker", { id: "tipper", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto-start-reverse" },
      svg("path", { d: "M0 0L8 4L0 8z", class: "tipper" }))));
  for (const c of shown) for (const [on, name, kind] of c.depends) {
    const a = at.get(on), b = at.get(c.id);
    if (!a || !b || on === c.id) continue;
    const [x0, y0, x1, y1] = [a[0] + w, a[1] + h / 2, b[0], b[1] + h / 2];
    picture.append(svg("path", { d: `M${x0} ${y0}C${x0 + dx / 2} ${y0} ${x1 - dx / 2} ${y1} ${x1 - 1} ${y1}`, "marker-end": "url(#tipper)" }),
      svg("text", { x: (x0 + x1) / 2, y: (y0 + y1) / 2 - 5, class: "edge", "text-anchor": "middle" }, name || kind));
  }
  for (const c of shown) {
    const [x0, y0] = at.get(c.id), group = svg("g", { c: VERDICTS[c.verdict] || "queued", transform: `translate(${x0} ${y0})` });
    const cut = (text, n) => (text.length > n ? text.slice(0, n - 1) + "…" : text);
    group.append(svg("rect", { width: w, height: h }), svg("rect", { width: w, height: h, class: "tint" }),
      svg("text", { x: 12, y: 21 }, cut(c.name || c.what, 24)), svg("text", { x: 12, y: 38, class: "t2" }, cut(`${where(c) || "–"} · ${c.reason || c.verdict}`, 32)));
    group.style.cursor = "pointer";
    group.addEventListener("click", () => show(c));
    picture.append(group);
  }
  section("graph", "Dependences", "a chunk waits for the values that another one makes", [], el("div", { class: "body graph" }, picture));
}

// -- the program

function source() {
  if (!data.source.length) return;
  const byLine = new Map();
  for (const c of data.chunks) if (c.line) (byLine.get(c.line) || byLine.set(c.line, []).get(c.line)).push(c);
  const rank = ["parallel", "in-place", "host", "watching"];
  const lines = data.source.map((text, i) => {
    const here = (byLine.get(i + 1) || []).sort((a, b) => rank.indexOf(a.verdict) - rank.indexOf(b.verdict));
    const why = here.map((c) => `${c.name}: ${c.verdict}${c.reason ? " (" + c.reason + ")" : ""}${c.tasks ? ", " + plural(c.tasks, "task") : ""}`).join("; ");
    return el("div", { id: "L" + (i + 1), class: here.length ? "hit" : "", c: here.length ? VERDICTS[here[0].verdict] || "queued" : "queued" },
      el("span", { class: "no mono" }, String(i + 1)), el("span", { class: "why", title: why }, why), el("span", { class: "code mono" }, text || " "));
  });
  section("source", "Program", "the source, with what was decided about its calls",
    el("div", { class: "legend" }, Object.entries(VERDICTS).map(([name, c]) => el("span", { c }, name))), el("div", { class: "source" }, lines));
}

// -- actions, workers, failures, decisions

function actions() {
  if (!data.actions.length) return;
  section("actions", "Actions", "what workers executed, by the name of the action", [], el("div", { class: "body" }, table([
    { name: "action", show: (r) => r[0], class: "mono w" }, { name: "tasks", n: 1, show: (r) => count(r[1]) }, { name: "calls", n: 1, show: (r) => count(r[2]) },
    { name: "committed", n: 1, show: (r) => count(r[3]) }, { name: "thrown away", n: 1, show: (r) => count(r[4]) }, { name: "failed", n: 1, show: (r) => count(r[5]) },
    { name: "work", n: 1, show: (r) => duration(r[6]) }, { name: "mean task", n: 1, show: (r) => duration(r[7]) }, { name: "longest", n: 1, show: (r) => duration(r[8]) },
  ], data.actions)));
}

function workers() {
  if (!data.workers.length) return;
  section("workers", "Workers", "processes that executed tasks; one that died was replaced by the next in its slot", [], el("div", { class: "body scroll" }, table([
    { name: "worker", n: 1, show: (r) => r[0] }, { name: "slot", n: 1, show: (r) => r[1] }, { name: "process", n: 1, show: (r) => r[2] || "–" },
    { name: "state", show: (r) => (r[9] ? badge(`${r[3]}: ${r[9]}`, "failed") : badge(r[3], r[3] === "dead" ? "cancelled" : "committed")) },
    { name: "tasks", n: 1, show: (r) => count(r[4]) }, { name: "failed", n: 1, show: (r) => count(r[5]) }, { name: "work", n: 1, show: (r) => duration(r[6]) },
    { name: "memory", n: 1, show: (r) => size(r[7]) },
  ], data.workers)));
}

function failures() {
  if (!data.failures.length && !data.warnings.length) return;
  const items = data.failures.map((r) => el("details", {},
    el("summary", {}, el("span", { class: "soft" }, duration(r[0])), badge(r[4], "failed"), el("span", { class: "at" }, `task ${r[1]}, attempt ${r[2]}${r[3] ? ", worker " + r[3] : ""}`),
      el("span", { class: "soft" }, r[5] ? "tried again" : "executed in place"), el("span", { class: "what" }, r[6].split("\n")[0])),
    r[6] ? el("pre", {}, r[6]) : "", r[7] ? el("pre", {}, r[7]) : ""));
  const notes = data.warnings.map((r) => el("details", {}, el("summary", {}, el("span", { class: "soft" }, duration(r[0])), badge("warning", "thrown-away"), el("span", {}, r[1].split("\n")[0])), el("pre", {}, r[1])));
  section("failures", "Failures", "none of them changes what the program does", [], el("div", { class: "body scroll" }, items, notes));
}

function decisions() {
  if (!data.decisions.length) return;
  section("decisions", "Decisions", "why something ran where it ran", [], el("div", { class: "body" }, table([
    { name: "times", n: 1, show: (r) => count(r[1]) }, { name: "reason", show: (r) => r[0], class: "mono" },
    { name: "what it means", show: (r) => el("div", {}, r[2], r[3] ? el("div", { class: "hint" }, r[3]) : ""), class: "w" },
  ], data.decisions)));
}

// -- tasks

function tasks() {
  if (!data.tasks.length) return;
  const columns = [
    { name: "task", n: 1, i: 0, show: (r) => r[0] }, { name: "state", i: 1, show: (r) => badge(r[1], STATES.includes(r[1]) ? r[1] : "queued") },
    { name: "action", i: 2, show: (r) => r[2] || "–", class: "mono w" }, { name: "line", n: 1, i: 3, show: (r) => r[3] || "–" },
    { name: "calls", n: 1, i: 4, show: (r) => count(r[4]) }, { name: "used", n: 1, i: 5, show: (r) => count(r[5]) },
    { name: "worker", n: 1, i: 6, show: (r) => r[6] || "–" }, { name: "attempt", n: 1, i: 7, show: (r) => r[7] || "–" },
    { name: "queued", n: 1, i: 8, show: (r) => duration(r[8]) }, { name: "begun", n: 1, i: 9, show: (r) => duration(r[9]) },
    { name: "took", n: 1, i: 10, show: (r) => duration(r[10]) }, { name: "committed at", n: 1, i: 11, show: (r) => duration(r[11]) },
    { name: "sent", n: 1, i: 12, show: (r) => size(r[12]) }, { name: "note", i: 13, show: (r) => r[13], class: "soft w" },
  ];
  const state = { sort: 0, down: false, page: 0, text: "", only: "" };
  const per = 100;
  const body = el("div", { class: "body" });
  const states = [...new Set(data.tasks.map((r) => r[1]))].sort();
  const again = () => { state.page = 0; fill(); };
  const search = el("input", { type: "search", placeholder: "action, note, number …", "aria-label": "Search tasks", oninput: (e) => { state.text = e.target.value.toLowerCase(); again(); } });
  const pick = el("select", { "aria-label": "State", onchange: (e) => { state.only = e.target.value; again(); } }, el("option", { value: "" }, "all states"), states.map((s) => el("option", { value: s }, s)));
  section("tasks", "Tasks", `${count(data.tasks.length)} in all; click a heading to sort`, [search, pick], body);

  function fill() {
    const rows = data.tasks.filter((r) => (!state.only || r[1] === state.only) && (!state.text || `${r[0]} ${r[1]} ${r[2]} ${r[13]}`.toLowerCase().includes(state.text)));
    const order = (a, b) => (a === b ? 0 : a === null ? 1 : b === null ? -1 : a < b ? -1 : 1);
    rows.sort((a, b) => (state.down ? -1 : 1) * order(a[state.sort], b[state.sort]) || a[0] - b[0]);
    const pages = Math.max(1, Math.ceil(rows.length / per));
    const list = table(columns, rows.slice(state.page * per, (state.page + 1) * per));
    list.querySelectorAll("th").forEach((head, i) => {
      head.classList.add("sort");
      head.tabIndex = 0;
      const sort = () => { state.down = state.sort === columns[i].i ? !state.down : Boolean(columns[i].n) && columns[i].i > 3; state.sort = columns[i].i; again(); };
      head.addEventListener("click", sort);
      head.addEventListener("keydown", (e) => { if (e.key === "Enter") sort(); });
      if (state.sort === columns[i].i) head.append(state.down ? " ↓" : " ↑");
    });
    const turn = (by) => el("button", { type: "button", disabled: state.page + by < 0 || state.page + by >= pages ? "" : false, onclick: () => { state.page += by; fill(); } }, by < 0 ? "←" : "→");
    body.replaceChildren(el("div", { class: "scroll" }, list), pages > 1 ? el("div", { class: "pager" }, turn(-1), `page ${state.page + 1} of ${pages}`, turn(1)) : "");
  }
  fill();
}

function rest() {
  if (data.shared.length) {
    section("shared", "Shared variables", "", [], el("div", { class: "body" }, table([
      { name: "name", show: (r) => r[0], class: "mono" }, { name: "reads", n: 1, show: (r) => count(r[1]) }, { name: "writes", n: 1, show: (r) => count(r[2]) }, { name: "value", show: (r) => r[3], class: "mono w" }], data.shared)));
  }
  if (data.output) section("output", "Output", data.outputCut ? "the beginning; the rest is not kept" : "what the program printed", [], el("div", { class: "body" }, el("pre", { class: "out" }, data.output)));
  section("facts", "Settings", "", [], el("div", { class: "body facts" }, data.facts.map(([k, v]) => el("div", {}, el("b", {}, k), el("span", {}, v)))));
  main.append(el("footer", {}, `Zexus Parallel ${data.version}`));
}

// -- light and dark

function theme() {
  const button = document.getElementById("theme");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const apply = (name) => {
    document.documentElement.dataset.theme = name;
    button.textContent = name === "dark" ? "☀" : "☾";
    redraws.forEach((draw) => draw());
  };
  button.addEventListener("click", () => apply(document.documentElement.dataset.theme === "dark" ? "light" : "dark"));
  dark.addEventListener("change", () => apply(dark.matches ? "dark" : "light"));
  apply(dark.matches ? "dark" : "light");
}

theme();
headline();
timeline();
chunks();
graph();
source();
actions();
failures();
decisions();
workers();
tasks();
rest();
document.body.dataset.ready = "yes";
