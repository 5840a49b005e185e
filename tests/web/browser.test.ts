// Opens reports in headless Chromium, from disk, and looks at what they draw.
//
//   browser.test.mjs WRITE_REPORT FIXTURES      exit status 77: skipped, no browser

import assert from "node:assert/strict";
import {execFileSync, spawnSync} from "node:child_process";
import {existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from "node:fs";
import {tmpdir} from "node:os";
import path from "node:path";
import {example_documents, example_metrics} from "./example";
import {replay} from "./example_replay";

const SKIPPED = 77;

function find_browser(): string | undefined {
  const names = ["chromium", "chromium-browser", "google-chrome"];
  const places = (process.env.PATH ?? "").split(":");
  return names.flatMap((name) => places.map((place) => path.join(place, name))).find(existsSync);
}

const [write_report, fixtures] = process.argv.slice(2);
const browser = find_browser();
if (!browser) {
  console.log("skipped: no Chromium on the PATH (Debian: apt install chromium)");
  process.exit(SKIPPED);
}
const work = mkdtempSync(path.join(tmpdir(), "cadastre-browser-"));

/// Runs in the page before its own script: remembers what went wrong. A browser without a screen
/// may leave out frames while its time is virtual, so that waiting for one is made a matter of time.
const WATCH = `<script>
  window.requestAnimationFrame = (act) => setTimeout(() => act(performance.now()), 5);
  window.complaints = [];
  addEventListener("error", (e) => complaints.push("error: " + e.message));
  addEventListener("securitypolicyviolation", (e) => complaints.push("blocked: " + e.blockedURI));
  for (const level of ["error", "warn"]) console[level] = (...all) => complaints.push(level + ": " + all.join(" "));
</script>`;

/// Runs in the page after its own script: acts on it, and leaves what it saw as JSON in an element.
const PROBE = `<script>
  const until = (done, what) => new Promise((resolve, reject) => {
    let tries = 0;
    const look = () => done() ? resolve() : ++tries > 1000 ? reject(new Error("waited in vain for " + what)) : setTimeout(look, 10);
    look();
  });
  const seen = {};
  (async () => {
    seen.sections = [...document.querySelectorAll("section")].map(({id}) => id);
    seen.headline = document.querySelector("h1").textContent;
    seen.rows = document.querySelectorAll(".strategies tbody tr").length;
    seen.nodes = document.querySelectorAll(".graph .node").length;
    seen.overflow = document.documentElement.scrollWidth - document.documentElement.clientWidth;
    seen.width = window.innerWidth;
    seen.images = [...document.images].map(({complete, naturalWidth}) => complete && naturalWidth > 0);
    const area = document.querySelector(".timelines");
    if (area) {
      await until(() => area.dataset.boxes, "the first drawing");
      const box_of = (element) => element.getBoundingClientRect();
      const canvas = area.querySelector("canvas[role=img]");
      const {left, top, width} = box_of(canvas);
      seen.boxes = Number(area.dataset.boxes);
      seen.canvases = area.querySelectorAll("canvas[role=img]").length;
      // How many colours are painted: none but one on a canvas that stayed empty.
      const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
      seen.colors = new Set(Array.from({length: pixels.length / 4}, (_, i) => pixels.slice(4 * i, 4 * i + 3).join())).size;
      const whole = area.dataset.view;
      const changed = async (act) => {
        const before = area.dataset.view;
        act();
        await until(() => area.dataset.view !== before, String(act));
        return area.dataset.view.split(" ").map(Number);
      };
      const wheel = (options) => canvas.dispatchEvent(new WheelEvent("wheel", {bubbles: true, cancelable: true, clientX: left + width / 2, clientY: top + 5, ...options}));
      const key = (name) => area.dispatchEvent(new KeyboardEvent("keydown", {key: name, bubbles: true, cancelable: true}));
      seen.page_scrolls = wheel({deltaY: -200}); // not prevented, as the timelines were not clicked yet
      seen.zoomed = await changed(() => wheel({deltaY: -400, ctrlKey: true}));
      seen.moved = await changed(() => key("ArrowRight"));
      await changed(() => key("0"));
      seen.back = area.dataset.view === whole;
      canvas.scrollIntoView({block: "center", behavior: "instant"});
      const now = box_of(canvas);
      canvas.dispatchEvent(new PointerEvent("pointermove", {bubbles: true, clientX: now.left + 2, clientY: now.top + 12}));
      seen.tooltip = document.querySelector(".tooltip:not([hidden])")?.textContent;
    }
    const node = document.querySelector("[data-layer=hs_conv1]");
    if (node) {
      node.dispatchEvent(new FocusEvent("focus"));
      seen.inspector = document.querySelector(".inspector").textContent;
    }
    const other = [...document.querySelectorAll("input[name=plan]")].find((input) => !input.checked);
    if (other) {
      other.click();
      seen.selected = document.querySelector("#graph .note, #timelines .note").textContent;
    }
  })().catch((error) => complaints.push("probe: " + error.stack)).finally(() => {
    seen.requests = performance.getEntriesByType("resource").map(({name}) => name).filter((name) => !name.startsWith("data:"));
    seen.complaints = complaints;
    const result = document.createElement("pre");
    result.id = "seen";
    result.textContent = JSON.stringify(seen);
    document.body.append(result);
  });
</script>`;

interface Seen {
  sections: string[];
  headline: string;
  rows: number;
  nodes: number;
  overflow: number;
  width: number;
  images: boolean[];
  boxes?: number;
  canvases?: number;
  colors?: number;
  page_scrolls?: boolean;
  zoomed?: [number, number];
  moved?: [number, number];
  back?: boolean;
  tooltip?: string;
  inspector?: string;
  selected?: string;
  requests: string[];
  complaints: string[];
}

function decoded(html: string): string {
  return html.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&nbsp;", "\u00a0").replaceAll("&amp;", "&");
}

let number = 0;

function report_of(...inputs: string[]): string {
  const file = path.join(work, `report-${++number}.html`);
  execFileSync(write_report, [file, ...inputs], {stdio: "inherit"});
  return file;
}

/// Opens a report and returns what the probe saw there.
function look_at(file: string, width = 1280): Seen {
  const page = readFileSync(file, "utf8").replace("<head>", `<head>${WATCH}`).replace("</body>", () => `${PROBE}</body>`);
  const probed = file.replace(".html", `-${width}.html`);
  writeFileSync(probed, page);
  const {stdout, stderr, status} = spawnSync(browser as string, [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run",
    "--disable-dev-shm-usage", `--user-data-dir=${path.join(work, "profile")}`, `--window-size=${width},900`,
    "--virtual-time-budget=20000", "--dump-dom", `file://${probed}`,
  ], {encoding: "utf8", maxBuffer: 1 << 28, timeout: 120_000});
  const found = /<pre id="seen">(.*?)<\/pre>/s.exec(stdout ?? "");
  assert.ok(found, `the page did not come to an end (browser's status ${status}):\n${stderr?.slice(-2000)}`);
  const seen = JSON.parse(decoded(found[1])) as Seen;
  assert.deepEqual(seen.complaints, [], `complaints of ${file}`);
  assert.deepEqual(seen.requests, [], `requests of ${file}`);
  return seen;
}

function check(name: string, body: () => void): void {
  body();
  console.log(`ok: ${name}`);
}

/// Writes documents by name below a new directory, and returns it.
function written(documents: {[name: string]: object}): string {
  const directory = path.join(work, `input-${++number}`);
  for (const [name, document] of Object.entries(documents)) {
    const file = path.join(directory, name);
    mkdirSync(path.dirname(file), {recursive: true});
    writeFileSync(file, JSON.stringify(document));
  }
  return directory;
}

try {
  const full = report_of(fixtures);
  check("a full report has every section, and its parts answer", () => {
    const seen = look_at(full);
    assert.deepEqual(seen.sections, ["strategies", "timelines", "graph", "hosts", "traffic", "training", "accuracy", "map"]);
    assert.match(seen.headline, /^Auto plan on 4 hosts: .* a step, .* as fast as a single host; .*; overall accuracy /);
    assert.equal(seen.rows, 5);
    assert.equal(seen.nodes, 28); // 25 layers and 3 inputs
    assert.equal(seen.canvases, 3);
    assert.ok((seen.boxes ?? 0) > 100, `${seen.boxes} boxes`);
    assert.ok((seen.colors ?? 0) >= 6, `${seen.colors} colours`);
    assert.deepEqual(seen.images, [true, true]);
    assert.equal(seen.page_scrolls, true);
    const [zoomed, moved] = [seen.zoomed ?? [0, 0], seen.moved ?? [0, 0]];
    assert.ok(zoomed[0] > 0 && moved[0] > zoomed[0] && moved[1] > zoomed[1], `${zoomed} ${moved}`);
    assert.equal(seen.back, true);
    assert.match(seen.tooltip ?? "", /load micro-batch.*micro-batch 0/);
    assert.match(seen.inspector ?? "", /conv2d.*64 × 12 × 12.*boreas/);
    assert.match(seen.selected ?? "", /single plan/);
  });
  check("nothing is cut off on a narrow screen", () => {
    const seen = look_at(full, 400);
    assert.equal(seen.overflow, 0, `${seen.overflow} pixels too wide at ${seen.width}`);
    assert.ok(seen.width <= 500, `the window is ${seen.width} wide`);
  });
  check("the page names nothing that it would load", () => {
    const page = readFileSync(full, "utf8");
    const loads = page.match(/(?:src|href)\s*=\s*["']?https?:|url\(\s*["']?https?:|@import|\bfetch\(|XMLHttpRequest|WebSocket|importScripts/g);
    assert.equal(loads, null);
  });
  const partial: [string, string[], string[]][] = [
    ["a plan", ["plan.json"], ["strategies", "timelines", "graph", "hosts", "traffic", "map"]],
    ["a simulation", ["simulation.json"], ["strategies", "timelines", "hosts", "traffic", "map"]],
    ["a run", ["run"], ["strategies", "timelines", "graph", "hosts", "traffic", "training", "accuracy"]],
    ["a run without its timeline", ["run/run.json"], ["strategies", "graph", "training", "accuracy"]],
    ["a timeline", ["run/timeline.json"], ["timelines", "hosts", "traffic"]],
    ["a profile", ["profile.json"], ["graph", "map"]],
    ["a cluster", ["cluster.json"], ["map"]],
  ];
  for (const [name, inputs, sections] of partial)
    check(`a report of ${name} alone`, () => {
      const seen = look_at(report_of(...inputs.map((input) => path.join(fixtures, input))));
      assert.deepEqual(seen.sections, sections);
    });
  check("text of documents stays text", () => {
    const documents = example_documents(20) as {[name: string]: any};
    const evil = "</script><img src=x onerror=alert(1)>";
    const run = documents["run/run.json"];
    run.scene.name = evil;
    run.scene.description = evil;
    run.metrics.classes[0].name = evil;
    const seen = look_at(report_of(written({"run.json": run})));
    assert.ok(seen.sections.includes("accuracy"));
    assert.deepEqual(seen.images, []);
  });
  check("a large report: 12 stages, 128 micro-batches, 5000 steps, 40 classes", () => {
    const documents = example_documents(5000) as {[name: string]: any};
    const {profile} = documents["plan.json"];
    const cluster = {...documents["cluster.json"], hosts: Array.from({length: 12}, (_, i) => ({name: `node-${i}`, relative_speed: 1, cores: 2, memory_bytes: 8e9}))};
    const ids: string[] = profile.model.layers.map(({id}: {id: string}) => id);
    const stages = cluster.hosts.map(({name}: {name: string}, i: number) => ({
      layers: ids.slice(Math.floor((i * ids.length) / 12), Math.floor(((i + 1) * ids.length) / 12)),
      replicas: [{host: name, share: 1}],
    }));
    const plan = {stages, batch_size: 1024, micro_batches: 128};
    const measured = replay(plan, profile, cluster, "measured", 0.2, 3);
    const names = Array.from({length: 40}, (_, i) => `class ${i + 1}`);
    const run = {...documents["run/run.json"], ...plan, strategy: "pipeline", metrics: example_metrics(4, names)};
    run.scene.classes = names.map((name, i) => ({id: i + 1, name, color: `#${(i * 6).toString(16).padStart(2, "0")}80a0`}));
    const seen = look_at(report_of(written({"run.json": run, "timeline.json": measured.timeline})), 400);
    assert.ok(measured.timeline.events.length > 8000, `${measured.timeline.events.length} events`);
    assert.ok((seen.boxes ?? 0) > 500 && (seen.boxes ?? 0) < measured.timeline.events.length, `${seen.boxes} boxes`);
    assert.equal(seen.overflow, 0);
  });
} finally {
  rmSync(work, {recursive: true, force: true, maxRetries: 5});
}
