// Opens reports in headless Chromium, from disk, and looks at what they draw and how they answer.
//
//   browser.test.mjs WRITE_REPORT FIXTURES WEB      exit status 77: skipped, no browser

import assert from "node:assert/strict";
import {readFileSync} from "node:fs";
import path from "node:path";
import type {Page} from "playwright-core";
import {overflow, sections, with_workshop} from "./browser";
import {check_parts} from "./browser_parts";
import {example_documents, example_metrics} from "./example";
import {replay} from "./example_replay";

const ALL = ["overview", "strategies", "timelines", "graph", "hosts", "network", "training", "accuracy", "map"];

const view_of = async (page: Page) => (await page.locator(".timelines").getAttribute("data-view") ?? "").split(" ").map(Number);

/// Waits until the timelines show something else than `before`.
async function changed(page: Page, act: () => Promise<void>): Promise<number[]> {
  const before = await page.locator(".timelines").getAttribute("data-view");
  await act();
  await page.waitForFunction((old) => document.querySelector<HTMLElement>(".timelines")?.dataset.view !== old, before);
  return view_of(page);
}

await with_workshop(async (workshop, check) => {
  const full = workshop.report(workshop.fixtures);

  await check("a full report has every section, and its table and graph answer", () => workshop.visit(full, {}, async (page) => {
    assert.deepEqual(await sections(page), ALL);
    assert.match(await page.locator("h1").innerText(), /^Auto plan on 4 hosts: .* a step, .* as fast as a single host; .*; overall accuracy /s);
    assert.equal(await page.locator(".strategies tbody tr").count(), 5);
    assert.equal(await page.locator(".graph .node").count(), 28); // 25 layers and 3 inputs
    assert.ok(await page.locator("img").evaluateAll((images) => images.every((image) => (image as HTMLImageElement).naturalWidth > 0)));
    await page.locator("[data-layer=hs_conv1]").focus();
    assert.match(await page.locator(".inspector").innerText(), /conv2d.*64 × 12 × 12.*boreas/s);
    await page.locator("input[name=plan]").nth(1).click();
    assert.match(await page.locator("#graph .note").first().innerText(), /single plan/);
  }));

  await check("the timelines are painted, zoom, move and tell what is under the pointer", () => workshop.visit(full, {}, async (page) => {
    await page.waitForSelector(".timelines[data-boxes]");
    const area = page.locator(".timelines");
    assert.ok(Number(await area.getAttribute("data-boxes")) > 100);
    const canvas = area.locator("canvas[role=img]").first();
    const colors = await canvas.evaluate((element: HTMLCanvasElement) => {
      const {data} = (element.getContext("2d") as CanvasRenderingContext2D).getImageData(0, 0, element.width, element.height);
      return new Set(Array.from({length: data.length / 4}, (_, i) => data.slice(4 * i, 4 * i + 3).join())).size;
    });
    assert.ok(colors >= 6, `${colors} colours`); // none but one on a canvas that stayed empty
    await canvas.scrollIntoViewIfNeeded();
    const box = await canvas.boundingBox() as {x: number; y: number; width: number};
    const whole = await view_of(page);
    await page.mouse.move(box.x + box.width / 2, box.y + 5);
    const top = await page.evaluate(() => window.scrollY);
    await page.mouse.wheel(0, -120); // the page scrolls, as the timelines were not clicked yet
    await page.waitForFunction((before) => window.scrollY < before, top);
    assert.deepEqual(await view_of(page), whole);
    await area.focus();
    const zoomed = await changed(page, () => page.keyboard.press("+"));
    assert.ok(zoomed[0] > whole[0] && zoomed[1] < whole[1], `${zoomed}`);
    const moved = await changed(page, () => page.keyboard.press("ArrowRight"));
    assert.ok(moved[0] > zoomed[0] && moved[1] > zoomed[1], `${zoomed} ${moved}`);
    assert.deepEqual(await changed(page, () => page.keyboard.press("0")), whole);
    await canvas.scrollIntoViewIfNeeded();
    const now = await canvas.boundingBox() as {x: number; y: number};
    await page.mouse.move(now.x + 2, now.y + 12);
    assert.match(await page.locator(".tooltip:not([hidden])").innerText(), /load micro-batch.*micro-batch 0/s);
  }));

  await check("an instruction that is selected or found is shown in all timelines", () => workshop.visit(full, {}, async (page) => {
    const canvas = page.locator(".timelines canvas[role=img]").first();
    await canvas.click({position: {x: 2, y: 8}});
    const panel = page.locator(".instruction");
    assert.match(await panel.innerText(), /load micro-batch.*predicted.*simulated.*measured.*against measured/s);
    await page.keyboard.press("n");
    assert.match(await panel.innerText(), /forward/);
    await page.locator("input[type=search]").fill("backward m2 dione");
    assert.equal(await page.locator(".tools [role=status]").innerText(), "3 instructions");
    await page.keyboard.press("Escape"); // a new search of the browser's own begins nowhere
    await page.locator("input[type=search]").fill("backward m2 dione");
    await page.keyboard.press("Enter");
    assert.match(await panel.innerText(), /backward/);
    await page.locator(".timelines").focus();
    await page.keyboard.press("Escape");
    assert.equal(await panel.innerText(), "");
    assert.match(await page.locator(".source-notes").innerText(), /measured .* its critical path: [\d]+\s% compute/);
  }));

  await check("the overview warns, and tells a report's figures", async () => {
    const documents = example_documents(20) as {[name: string]: any};
    const run = documents["run/run.json"];
    run.measured.step_s *= 3;
    run.notes = ["goes on without a, on b"];
    const file = workshop.report(workshop.written({"run.json": run, "plan.json": documents["plan.json"]}));
    await workshop.visit(file, {}, async (page) => {
      const text = await page.locator("#overview").innerText();
      assert.match(text, /goes on without a, on b\./);
      assert.match(text, /The simulated step is [\d.]+\s% below the measured one/);
      assert.match(text, /as fast as a single host/);
      assert.match(text, /This report has no simulation/);
    });
  });

  await check_parts(workshop, check);

  for (const width of [360, 768, 3840])
    await check(`nothing is cut off at ${width} pixels`, () => workshop.visit(full, {viewport: {width, height: 900}}, async (page) => {
      assert.equal(await overflow(page), 0);
    }));

  for (const colorScheme of ["light", "dark"] as const)
    await check(`axe-core finds nothing in the ${colorScheme} page`, () => workshop.visit(full, {colorScheme}, async (page) => {
      assert.deepEqual(await workshop.violations(page), []);
    }));

  await check("everything is reached by keyboard", () => workshop.visit(full, {}, async (page) => {
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement?.className), "skip");
    const reached = new Set<string>();
    for (let i = 0; i < 120; ++i) {
      await page.keyboard.press("Tab");
      reached.add(await page.evaluate(() => document.activeElement?.closest("section")?.id ?? document.activeElement?.closest("nav")?.tagName ?? ""));
    }
    for (const part of ["NAV", "strategies", "timelines", "graph"]) assert.ok(reached.has(part), `${part} is not among ${[...reached]}`);
  }));

  await check("it prints: light, without what only answers on a screen", () => workshop.visit(full, {colorScheme: "dark"}, async (page) => {
    const lane = () => page.locator(".timelines canvas[role=img]").first().evaluate((canvas: HTMLCanvasElement) => {
      const copy = document.createElement("canvas").getContext("2d", {willReadFrequently: true}) as CanvasRenderingContext2D;
      copy.drawImage(canvas, canvas.width - 1, 8, 1, 1, 0, 0, 1, 1);
      const {data} = copy.getImageData(0, 0, 1, 1);
      return data[0] + data[1] + data[2];
    });
    await page.waitForSelector(".timelines[data-boxes]");
    assert.ok(await lane() < 300, "dark on a dark screen");
    await page.evaluate(() => window.dispatchEvent(new Event("beforeprint")));
    assert.ok(await lane() > 600, "light on paper");
    await page.emulateMedia({media: "print"});
    assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), "rgb(253, 253, 252)");
    assert.equal(await page.locator("nav").isVisible(), false);
    assert.ok((await page.pdf({format: "A4"})).length > 20_000);
  }));

  await check("the page names nothing that it would load, and lets only its own script run", async () => {
    const html = readFileSync(full, "utf8");
    const loads = html.match(/(?:src|href)\s*=\s*["']?https?:|url\(\s*["']?https?:|@import|\bfetch\(|XMLHttpRequest|WebSocket|importScripts/g);
    assert.equal(loads, null);
    assert.match(html, /script-src 'sha256-[A-Za-z0-9+/=]+'; /);
  });

  const partial: [string, string[], string[]][] = [
    ["a plan", ["plan.json"], ["overview", "strategies", "timelines", "graph", "hosts", "network", "map"]],
    ["a simulation", ["simulation.json"], ["overview", "strategies", "timelines", "hosts", "network", "map"]],
    ["a run", ["run"], ["overview", "strategies", "timelines", "graph", "hosts", "network", "training", "accuracy"]],
    ["a run without its timeline", ["run/run.json"], ["overview", "strategies", "graph", "training", "accuracy"]],
    ["a timeline", ["run/timeline.json"], ["overview", "timelines", "hosts", "network"]],
    ["a profile", ["profile.json"], ["graph", "map"]],
    ["a cluster", ["cluster.json"], ["map"]],
  ];
  for (const [name, inputs, expected] of partial)
    await check(`a report of ${name} alone`, () =>
      workshop.visit(workshop.report(...inputs.map((input) => path.join(workshop.fixtures, input))), {}, async (page) => {
        assert.deepEqual(await sections(page), expected);
      }));

  await check("documents and folders are opened in the viewer, and compared", () => workshop.visit(workshop.viewer(), {}, async (page) => {
    assert.match(await page.locator("h1").innerText(), /Drop a run here/);
    assert.deepEqual(await workshop.violations(page), []);
    await page.locator("input[type=file][webkitdirectory]").setInputFiles(workshop.fixtures);
    await page.waitForSelector("#overview");
    assert.deepEqual(await sections(page), ALL);
    await page.evaluate((html) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([html], "other.html"));
      transfer.items.add(new File(["{"], "broken.json"));
      document.dispatchEvent(new DragEvent("drop", {dataTransfer: transfer, cancelable: true}));
    }, readFileSync(full, "utf8"));
    await page.waitForSelector("#compare");
    assert.match(await page.locator("#compare").innerText(), /fixtures.*other.*strategy.*measured step.*kappa.*F1 of grass/s);
    assert.match(await page.locator("#compare").innerText(), /By host.*measured.*dione.*By instruction.*optimizer step.*\+0\.0/s);
    await page.locator("#compare select").selectOption({label: "waiting"});
    assert.equal(await page.locator("#compare table[aria-label='waiting by host'] tbody tr").count(), 4);
    assert.deepEqual(await workshop.violations(page), []);
    assert.match(await page.locator(".messages").innerText(), /broken\.json cannot be read/);
    await page.locator(".tabs button").first().click();
    assert.equal(await page.locator(".tabs button").first().getAttribute("aria-pressed"), "true");
    assert.equal(await overflow(page), 0);
  }));

  await check("numbers that are none and timelines without length leave the rest as it is", async () => {
    const documents = example_documents(20) as {[name: string]: any};
    const {metrics, steps} = documents["run/run.json"];
    Object.assign(metrics, {kappa: null, overall_accuracy: null});
    Object.assign(metrics.classes[0], {f1: null, precision: null});
    steps[3].loss = null;
    const measured = {...documents["run/timeline.json"], step_s: 0, events: []};
    const opened = {"run.json": documents["run/run.json"], "timeline.json": measured, "plan.json": {format: "cadastre-plan/7"}};
    await workshop.visit(workshop.viewer(), {}, async (page) => {
      await page.locator("input[type=file][webkitdirectory]").setInputFiles(workshop.written(opened));
      await page.waitForSelector("#overview");
      assert.deepEqual(await sections(page), ["overview", "strategies", "timelines", "graph", "hosts", "network", "training", "accuracy"]);
      assert.match(await page.locator(".warnings").first().innerText(), /plan\.json is not shown: expected cadastre-plan\/1, found cadastre-plan\/7/);
      assert.equal(await page.getByText("cannot be drawn").count(), 0);
    });
  });

  await check("5,000 layers are folded by module, and unfold", async () => {
    const layers = Array.from({length: 5000}, (_, i) => ({id: `block${Math.floor(i / 250)}.${Math.floor(i / 10) % 25}.op${i % 10}`, kind: "relu", inputs: [""]}));
    layers.forEach((layer, i) => (layer.inputs = [i > 0 ? layers[i - 1].id : "x"]));
    const model = {format: "cadastre-model/1", name: "deep", inputs: [{name: "x", shape: [8]}], layers, output: layers[4999].id};
    await workshop.visit(workshop.viewer(), {}, async (page) => {
      await page.locator("input[type=file][webkitdirectory]").setInputFiles(workshop.written({"model.json": model}));
      await page.waitForSelector(".graph .node");
      const before = await page.locator(".graph .node").count();
      assert.ok(before <= 71, `${before} nodes`);
      await page.locator(".graph .module").first().focus();
      assert.match(await page.locator(".inspector").innerText(), /^block0\.0\s+module\s+10 layers in 10 parts/);
      await page.keyboard.press("Enter");
      assert.ok(await page.locator(".graph .node").count() > before);
      await page.getByRole("button", {name: "Fold again"}).click();
      assert.equal(await page.locator(".graph .node").count(), before);
    });
  });

  await check("text of documents stays text", async () => {
    const documents = example_documents(20) as {[name: string]: any};
    const evil = "</script><img src=x onerror=alert(1)>";
    const run = documents["run/run.json"];
    run.scene.name = evil;
    run.scene.description = evil;
    run.metrics.classes[0].name = evil;
    run.notes = [evil];
    await workshop.visit(workshop.report(workshop.written({"run.json": run})), {}, async (page) => {
      assert.equal(await page.locator("img").count(), 0);
      assert.match(await page.locator(".summary").innerText(), /<img src=x/);
      assert.match(await page.locator(".warnings").innerText(), /<img src=x/);
    });
  });

  await check("a large report: 12 stages, 128 micro-batches, 5000 steps, 40 classes", async () => {
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
    const file = workshop.report(workshop.written({"run.json": run, "timeline.json": measured.timeline}));
    await workshop.visit(file, {viewport: {width: 400, height: 900}}, async (page) => {
      await page.waitForSelector(".timelines[data-boxes]");
      const boxes = Number(await page.locator(".timelines").getAttribute("data-boxes"));
      const {length} = measured.timeline.events;
      assert.ok(length > 8000, `${length} events`);
      assert.ok(boxes > 500 && boxes < length, `${boxes} boxes`);
      assert.equal(await overflow(page), 0);
    });
  });
});
