// Plays the run over the graph, with a cursor through all charts in step; paints the heat map; shows values under the
// pointer. No library, no network.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const byId = (id) => document.getElementById(id);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const slider = byId("time"), clock = byId("clock"), graph = byId("graph"), now = byId("now");
  const frames = data.times.length - 1;
  let frame = 0, timer = null;

  // Numbers as a person reads them.
  const digits = (value) => {
    if (value === 0) return "0";
    if (value >= 99.5) return Math.round(value).toString().replace(/\B(?=(\d{3})+$)/g, "\u00a0");
    return Number(value.toPrecision(3)).toString();
  };
  const withUnit = (value, unit) => {
    if (value === null || value === undefined) return "–";
    if (unit === "s") return value === 0 ? "0\u00a0s" : value < 1e-3 ? digits(value * 1e6) + "\u00a0µs" : value < 1 ? digits(value * 1e3) + "\u00a0ms" : digits(value) + "\u00a0s";
    if (unit === "B") {
      const units = ["B", "kB", "MB", "GB", "TB"];
      let n = 0;
      while (value >= 1000 && n < 4) { value /= 1000; n++; }
      return digits(value) + "\u00a0" + units[n];
    }
    return digits(value) + unit;
  };
  const seconds = (at) => (at < 10 && data.times[frames] < 10 ? at.toFixed(3) : at.toFixed(1)) + "\u00a0s";
  const frameAt = (at) => {
    let low = 0, high = frames - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (data.times[middle] <= at + 1e-9) low = middle; else high = middle - 1;
    }
    return low;
  };

  // What a node is like: its colour, and the same in words.
  const stateOf = (node, at) => {
    const busy = node.busy[at] ?? 0, queue = node.queue[at] ?? 0, errors = node.errors[at] ?? 0, rate = node.rate[at] ?? 0;
    const waits = queue >= 1 ? digits(queue) + " wait" : "";
    if (node.kind === "users") {
      if (errors >= 5) return ["failing", digits(errors) + "% fail or come late"];
      return rate ? ["calm", digits(rate) + "/s, served"] : ["idle", "nobody asks"];
    }
    if (node.kind === "topic") return queue >= 1 ? [queue > 10 * rate ? "full" : queue > rate ? "busy" : "calm", waits] : [rate ? "calm" : "idle", rate ? digits(rate) + "/s pass" : "empty"];
    if (node.kind === "consumer") return busy >= 95 ? ["full", "all workers busy"] : busy > 0 ? [busy >= 70 ? "busy" : "calm", digits(busy) + "% busy"] : ["idle", "idle"];
    if (errors >= 5) return ["failing", digits(errors) + "% fail" + (waits ? ", " + waits : "")];
    if (node.wasted[at] >= 50 && busy >= 20) return ["vain", digits(node.wasted[at]) + "% in vain" + (waits ? ", " + waits : "")];
    if (node.limited && (busy >= 95 || queue >= 1)) return ["full", "full" + (waits ? ", " + waits : "")];
    if (busy === 0 && rate === 0) return ["idle", "idle"];
    if (!node.limited) return ["calm", digits(busy) + " at work"];
    return busy >= 70 ? ["busy", digits(busy) + "% busy"] : ["calm", digits(busy) + "% busy"];
  };
  const states = ["idle", "calm", "busy", "full", "failing", "vain"];
  const most = Math.max(1, ...data.links.flatMap((link) => link.rate));
  const paint = (root, at) => {
    const time = data.times[at], until = data.times[at + 1];
    for (const element of all(".node", root)) {
      const node = data.nodes[element.dataset.n];
      const [state, text] = stateOf(node, at);
      element.classList.remove(...states);
      element.classList.add(state);
      element.querySelector(".state").textContent = text;
      element.querySelector("title").textContent = node.name + ", " + node.kind + ": " + text + (node.rate.length ? ", " + digits(node.rate[at]) + "/s" : "");
      const width = element.querySelector(".back").width.baseVal.value, share = node.limited ? (node.busy[at] ?? 0) / 100 : 0;
      element.querySelector(".used").setAttribute("width", width * share);
      element.querySelector(".bar.vain").setAttribute("width", width * share * (node.wasted[at] ?? 0) / 100);
      all(".bar", element).forEach((bar) => { bar.style.display = node.busy.length && node.limited ? "" : "none"; });
      const trouble = data.troubles.filter((it) => it.node === Number(element.dataset.n) && it.from < until && it.until > time);
      const isRoot = data.root === Number(element.dataset.n) && data.events.length > 0 && data.events[0].at < until;
      element.classList.toggle("struck", trouble.length > 0 || isRoot);
      element.classList.toggle("active", trouble.length > 0);
      if (trouble.length) element.querySelector(".trouble text").textContent = "⚡ " + trouble.map((it) => it.text).join(", ");
      else if (isRoot) element.querySelector(".trouble text").textContent = "it began here";
    }
    for (const element of all(".link", root)) {
      const link = data.links[element.dataset.n];
      const failed = link.failed[at] ?? 0, rate = link.rate[at] ?? 0;
      const path = element.querySelector("path");
      path.style.strokeWidth = rate > 0 ? 1.5 + 8 * Math.log1p(rate) / Math.log1p(most) : 1;
      path.style.opacity = rate > 0 || failed ? 1 : .45;
      element.classList.toggle("broken", failed >= 5);
      element.querySelector("text").textContent = failed >= 5 ? digits(failed) + "% " + data.words[link.how[at]] : "";
    }
  };

  // The cursor of every chart.
  const [chartWidth, chartLeft, chartRight] = data.charts.axis;
  const placeOf = (at) => chartLeft + (chartRight - chartLeft) * Math.min(1, Math.max(0, at / data.charts.secs));
  const cursors = all("figure.chart").map((figure) => {
    const svg = figure.querySelector("svg");
    return ["cursor under", "cursor"].map((name) => {
      const line = document.createElementNS("http://www.w3.org/2000/svg", "line");
      line.setAttribute("class", name);
      line.setAttribute("y1", figure.dataset.top);
      line.setAttribute("y2", figure.dataset.bottom);
      svg.append(line);
      return line;
    });
  }).flat();

  const show = (at) => {
    if (frames < 1) return;
    frame = Math.min(frames - 1, Math.max(0, at));
    const time = data.times[frame];
    slider.value = frame;
    slider.setAttribute("aria-valuetext", seconds(time));
    clock.textContent = seconds(time);
    paint(graph, frame);
    const x = placeOf(time);
    cursors.forEach((line) => { line.setAttribute("x1", x); line.setAttribute("x2", x); });
    let last = null;
    data.events.forEach((event) => { if (event.at < data.times[frame + 1]) last = event; });
    const head = document.createElement("b");
    head.textContent = seconds(time);
    now.replaceChildren(head, last ? (last.at >= time ? ": " : ": since " + seconds(last.at) + " ") + last.text : ": nothing has happened yet");
    all(".node", graph).forEach((node) => node.classList.toggle("here", last !== null && last.node === Number(node.dataset.n)));
    let current = null;
    all(".event").forEach((element) => {
      const past = Number(element.firstElementChild.dataset.t) < data.times[frame + 1];
      element.classList.toggle("past", past);
      element.classList.remove("now");
      if (past && !element.hidden) current = element;
    });
    if (current) current.classList.add("now");
    all("#moments button").forEach((it) => it.setAttribute("aria-current", Number(it.dataset.frame) === frame ? "true" : "false"));
    drawHeat();
  };

  const stop = () => {
    clearInterval(timer);
    timer = null;
    byId("play").textContent = "▶ Play";
    byId("play").setAttribute("aria-pressed", "false");
  };
  const play = () => {
    if (timer) return stop();
    if (frame >= frames - 1) show(0);
    byId("play").textContent = "⏸ Pause";
    byId("play").setAttribute("aria-pressed", "true");
    timer = setInterval(() => { if (frame >= frames - 1) stop(); else show(frame + 1); }, 100);
  };
  const jump = (by) => {
    stop();
    const places = [...new Set(data.events.map((event) => frameAt(event.at)))];
    const next = by > 0 ? places.find((place) => place > frame) : places.reverse().find((place) => place < frame);
    show(next ?? (by > 0 ? frames - 1 : 0));
  };
  slider.addEventListener("input", () => { stop(); show(Number(slider.value)); });
  byId("play").addEventListener("click", play);
  byId("back").addEventListener("click", () => jump(-1));
  byId("forth").addEventListener("click", () => jump(1));
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "[") jump(-1);
    else if (event.key === "]") jump(1);
    else if (event.key === " " && event.target === document.body) { event.preventDefault(); play(); }
  });
  all("[data-t]").forEach((button) => button.addEventListener("click", () => { stop(); show(frameAt(Number(button.dataset.t))); }));
  const more = byId("more-events");
  if (more) more.addEventListener("click", () => {
    const open = more.getAttribute("aria-expanded") !== "true", text = more.textContent;
    all(".event.more").forEach((element) => { element.hidden = !open; });
    more.setAttribute("aria-expanded", String(open));
    more.textContent = open ? text.replace("Show", "Hide") : text.replace("Hide", "Show");
  });

  // Moments side by side: the story without a hand on the slider, and on paper.
  const { width: graphWidth, height: graphHeight } = graph.viewBox.baseVal;
  byId("moments").classList.add(graphWidth > 5 * graphHeight ? "rows" : graphWidth > 2 * graphHeight ? "halves" : "thirds");
  for (const moment of data.snapshots) {
    const button = document.createElement("button"), copy = graph.cloneNode(true), text = document.createElement("span");
    button.type = "button";
    button.dataset.frame = moment.frame;
    copy.removeAttribute("id");
    all("[id]", copy).forEach((element) => element.removeAttribute("id"));
    copy.setAttribute("aria-hidden", "true");
    paint(copy, moment.frame);
    text.textContent = moment.title + ", " + seconds(data.times[moment.frame]);
    button.append(text, copy);
    button.addEventListener("click", () => { stop(); show(moment.frame); });
    byId("moments").append(button);
  }

  // The heat map.
  const map = byId("heat-map"), said = byId("heat-said"), heat = data.heat;
  const steps = heat.letters.length - 1, step = {};
  [...heat.letters].forEach((letter, n) => { step[letter] = n; });
  const chosen = (name, otherwise) => document.querySelector(`input[name=${name}]:checked`)?.value ?? otherwise;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const stops = () => dark.matches
    ? [[38, 41, 45], [94, 42, 10], [190, 84, 8], [230, 159, 0], [247, 236, 110]]
    : [[247, 247, 245], [248, 232, 120], [230, 159, 0], [205, 84, 0], [70, 18, 0]];
  const color = (level) => {
    const list = stops(), place = level / steps * (list.length - 1), n = Math.min(list.length - 2, Math.floor(place));
    return "rgb(" + [0, 1, 2].map((c) => Math.round(list[n][c] + (list[n + 1][c] - list[n][c]) * (place - n))).join(",") + ")";
  };
  const rowHeight = heat.rows.length <= 40 ? 22 : heat.rows.length <= 150 ? 9 : Math.max(1, Math.floor(1200 / heat.rows.length));
  const labelled = rowHeight >= 9, left = labelled ? 190 : 8, foot = 26, top_ = 4;
  let row = -1;
  const span = () => chosen("heat-time", "all") === "fine" && data.fine ? [data.fine[0], data.fine[1]] : [0, frames];
  const heatX = (at, width) => {
    const [from, until] = span(), start = data.times[from];
    return left + (width - left - 8) * (at - start) / (data.times[until] - start || 1);
  };
  const ink = (name) => getComputedStyle(document.documentElement).getPropertyValue(name);
  let picture = null;
  const drawHeat = (anew) => {
    const width = Math.max(640, map.parentElement.clientWidth), height = top_ + rowHeight * heat.rows.length + foot;
    const scale = devicePixelRatio || 1;
    if (anew || !picture || picture.width !== Math.round(width * scale)) {
      picture = document.createElement("canvas");
      picture.width = Math.round(width * scale);
      picture.height = Math.round(height * scale);
      const pen = picture.getContext("2d"), what = chosen("heat-what", "busy"), [from, until] = span();
      const colors = Array.from({ length: steps + 1 }, (_, level) => color(level));
      pen.scale(scale, scale);
      pen.font = Math.min(13, rowHeight) + "px DejaVu Sans, Verdana, sans-serif";
      pen.textBaseline = "middle";
      heat.rows.forEach((it, n) => {
        const y = top_ + n * rowHeight;
        for (let at = from; at < until; at++) {
          const x = heatX(data.times[at], width);
          pen.fillStyle = colors[step[it[what][at]]];
          pen.fillRect(x, y, heatX(data.times[at + 1], width) - x + .5, rowHeight - (rowHeight > 6 ? 1 : 0));
        }
        if (labelled) {
          pen.fillStyle = ink("--ink");
          pen.textAlign = "right";
          pen.fillText(it.name.length > 24 ? it.name.slice(0, 23) + "…" : it.name, left - 8, y + rowHeight / 2);
        }
      });
      // Ticks of time.
      const length = data.times[until] - data.times[from], least = length / 8, power = 10 ** Math.floor(Math.log10(least || 1));
      const tick = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= least) || 1;
      pen.textAlign = "center";
      for (let at = Math.ceil(data.times[from] / tick) * tick; at <= data.times[until] + 1e-9; at += tick) {
        const x = heatX(at, width);
        pen.fillStyle = ink("--frame");
        pen.fillRect(x, height - foot, 1, 5);
        pen.fillStyle = ink("--dim");
        pen.fillText(Number(at.toPrecision(6)) + " s", Math.min(width - 24, Math.max(left, x)), height - foot + 15);
      }
      const bar = byId("heat-scale").getContext("2d");
      colors.forEach((it, n) => { bar.fillStyle = it; bar.fillRect(n * 160 / colors.length, 0, 3, 12); });
      byId("heat-most").textContent = what === "queue" ? digits(heat.queue_max) + " (logarithmic)" : "100%";
    }
    if (map.width !== picture.width || map.height !== picture.height) {
      map.width = picture.width;
      map.height = picture.height;
      map.style.height = height + "px";
    }
    const pen = map.getContext("2d");
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.clearRect(0, 0, map.width, map.height);
    pen.drawImage(picture, 0, 0);
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    const x = heatX(data.times[frame], width);
    if (x >= left - 1 && x <= width) {
      pen.fillStyle = ink("--paper"); pen.fillRect(x - 2, 0, 5, height - foot);
      pen.fillStyle = ink("--ink"); pen.fillRect(x - 1, 0, 3, height - foot);
    }
    if (row >= 0) {
      pen.strokeStyle = ink("--link"); pen.lineWidth = 2;
      pen.strokeRect(left - 1, top_ + row * rowHeight - 1, width - left - 6, rowHeight + 1);
    }
  };
  const tellHeat = (at) => {
    const it = heat.rows[row];
    if (!it) return;
    const value = (what) => step[it[what][at]] / steps;
    const queue = Math.expm1(value("queue") * Math.log1p(heat.queue_max));
    said.textContent = `${it.name} at ${seconds(data.times[at])}: ${Math.round(value("busy") * 100)}% busy, about ${digits(queue)} waiting, ${Math.round(value("errors") * 100)}% errors`;
  };
  const heatAt = (event) => {
    const box = map.getBoundingClientRect(), [from, until] = span();
    const part = (event.clientX - box.left - left) / (box.width - left - 8);
    const time = data.times[from] + (data.times[until] - data.times[from]) * Math.min(1, Math.max(0, part));
    row = Math.min(heat.rows.length - 1, Math.max(0, Math.floor((event.clientY - box.top - top_) / rowHeight)));
    return Math.min(until - 1, frameAt(time));
  };
  map.addEventListener("mousemove", (event) => { tellHeat(heatAt(event)); drawHeat(); });
  map.addEventListener("click", (event) => { stop(); show(heatAt(event)); });
  map.addEventListener("keydown", (event) => {
    const by = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!by) return;
    event.preventDefault();
    stop();
    row = Math.min(heat.rows.length - 1, Math.max(0, row + by[0]));
    show(frame + by[1]);
    tellHeat(frame);
  });
  all("input[name^=heat]").forEach((input) => input.addEventListener("change", () => drawHeat(true)));
  dark.addEventListener("change", () => drawHeat(true));
  addEventListener("resize", () => drawHeat(true));

  // Values under the pointer.
  const tip = document.createElement("div");
  tip.id = "tip";
  tip.hidden = true;
  document.body.append(tip);
  all("figure.chart").forEach((figure) => {
    const lines = data.charts.charts[figure.dataset.n], svg = figure.querySelector("svg");
    const timeAt = (event) => {
      const box = svg.getBoundingClientRect();
      const x = (event.clientX - box.left) / box.width * chartWidth;
      return (x - chartLeft) / (chartRight - chartLeft) * data.charts.secs;
    };
    const hide = () => { tip.hidden = true; };
    svg.addEventListener("mousemove", (event) => {
      const time = timeAt(event);
      if (time < 0 || time > data.charts.secs) return hide();
      let point = data.charts.points.findIndex((at) => at > time);
      point = (point < 0 ? data.charts.points.length : point) - 1;
      const table = document.createElement("table");
      const line = (name, value) => { const tr = table.insertRow(); tr.insertCell().textContent = name; tr.insertCell().textContent = value; };
      line("at", seconds(data.charts.points[point]));
      lines.forEach((it) => line(it.name, withUnit(it.values[point], it.unit)));
      tip.replaceChildren(table);
      tip.hidden = false;
      tip.style.left = Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8) + "px";
      tip.style.top = Math.max(8, Math.min(event.clientY + 14, innerHeight - tip.offsetHeight - 8)) + "px";
    });
    svg.addEventListener("mouseleave", hide);
    svg.addEventListener("click", (event) => { const time = timeAt(event); if (time >= 0) { stop(); show(frameAt(time)); } });
  });

  // Hatching for the work in vain, in all graphs.
  const hatch = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  hatch.setAttribute("width", 0);
  hatch.setAttribute("height", 0);
  hatch.setAttribute("aria-hidden", "true");
  hatch.style.position = "absolute";
  hatch.innerHTML = '<pattern id="hatch" width="4" height="4" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="4" height="4" fill="#ddd"/><rect width="2" height="4" fill="#222"/></pattern>';
  document.body.append(hatch);

  const asked = /^#t=([\d.]+)/.exec(location.hash);
  show(asked ? frameAt(Number(asked[1])) : data.start);
})();
