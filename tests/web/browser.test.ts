// Opens reports in headless Chromium, from disk, and looks at what they draw and how they answer.
//
//   browser.test.mjs WRITE_REPORT FIXTURES WEB      exit status 77: skipped, no browser

import assert from "node:assert/strict";
import {readFileSync} from "node:fs";
import path from "node:path";
import type {Page} from "playwright-core";
import {with_workshop} from "./browser";
import {example_documents, example_metrics} from "./example";
import {row_of_hosts} from "./example_figures";
import {replay} from "./example_replay";
import {example_study} from "./example_study";

const ALL = ["overview", "strategies", "timelines", "graph", "hosts", "network", "training", "accuracy", "map"];

const sections = (page: Page) => page.locator("section").evaluateAll((all) => all.map(({id}) => id));
const overflow = (page: Page) => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
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

  await check("the network's links and bottleneck are told", () => workshop.visit(full, {}, async (page) => {
    const text = await page.locator("#network").innerText();
    assert.match(text, /The busiest link is boreas\.down \(1\sGbit\/s\): in the mean \d+\s% of its capacity is in use/);
    assert.match(text, /most goes from ceres to boreas/);
    assert.match(text, /1\.5\s% of the critical path is spent on it/);
    assert.equal(await page.locator("#network svg.use").count(), 10);
    await page.locator("input[name=plan]").nth(1).click(); // of a single host: nothing is sent
    assert.equal(await page.locator("#network").count(), 0);
  }));

  await check("pictures and tables are saved, by keyboard too", () => workshop.visit(full, {}, async (page) => {
    const saved = async (section: string, item: RegExp): Promise<[string, Buffer]> => {
      const menu = page.locator(`#${section} .save`);
      if (!await menu.evaluate((element) => (element as HTMLDetailsElement).open)) {
        await menu.locator("summary").focus();
        await page.keyboard.press("Enter");
      }
      await menu.getByRole("button", {name: item}).focus();
      const [download] = await Promise.all([page.waitForEvent("download"), page.keyboard.press("Enter")]);
      return [download.suggestedFilename(), readFileSync(await download.path())];
    };
    const [svg_name, svg] = await saved("graph", /as SVG/);
    assert.equal(svg_name, "synthetic-parish-graph-layers-of-multimodal-cnn.svg");
    assert.match(svg.toString(), /^<svg [^>]*xmlns="http:\/\/www\.w3\.org\/2000\/svg".*fill: rgb\(.*hs_conv1.*<\/svg>$/s);
    for (const [section, item] of [["graph", /as PNG/], ["timelines", /as PNG/], ["training", /^accuracy .* as PNG/i], ["map", /^map as PNG/]] as const) {
      const [name, png] = await saved(section, item);
      assert.match(name, /\.png$/);
      assert.equal(png.subarray(1, 4).toString(), "PNG");
      assert.ok(png.length > 500, `${section}: ${png.length} bytes`);
    }
    const [, strategies] = await saved("strategies", /as CSV/);
    assert.match(strategies.toString(), /^strategy,schedule,micro_batches,hosts,predicted_step_s,simulated_step_s,measured_step_s,.*\r\nauto,GPipe,4,boreas ceres atlas dione,0\.03/);
    const [, instructions] = await saved("timelines", /instructions as CSV/);
    assert.match(instructions.toString(), /\r\nsimulated,boreas,forward,1,0,,,/);
    const [, traffic] = await saved("network", /traffic between hosts as CSV/);
    assert.match(traffic.toString(), /\r\nboreas,0,0,332416,24576,356992\r\n/);
    const [, links] = await saved("network", /links as CSV/);
    assert.match(links.toString(), /\r\ndione\.up,0 0/);
    const [, confusion] = await saved("accuracy", /confusion matrix as CSV/i);
    assert.equal(confusion.toString().trim().split("\r\n").length, 7);
    await page.keyboard.press("Escape");
    assert.equal(await page.locator("#accuracy .save").evaluate((element) => (element as HTMLDetailsElement).open), false);
  }));

  await check("the map is wiped over labels or picture, and seen through; areas and validation are told", () => workshop.visit(full, {}, async (page) => {
    const over = page.locator(".stack img").nth(1);
    const style = (name: "clipPath" | "opacity") => over.evaluate((image, of) => (image as HTMLElement).style[of as "opacity"], name);
    assert.match(await style("clipPath"), /^inset\(0(px)? 50% 0(px)? 0(px)?\)$/);
    await page.getByLabel("map up to").focus();
    await page.keyboard.press("ArrowLeft");
    assert.match(await style("clipPath"), / 51% /);
    await page.locator(".stack").scrollIntoViewIfNeeded();
    const box = await page.locator(".stack").boundingBox() as {x: number; y: number; width: number; height: number};
    await page.mouse.move(box.x + box.width * 0.4, box.y + box.height / 2);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.2, box.y + box.height / 2);
    await page.mouse.up();
    assert.match(await style("clipPath"), / 80% /);
    await page.getByLabel("opacity of the map").fill("40");
    assert.equal(await style("opacity"), "0.4");
    const back = page.locator(".stack img").first();
    const labels = await back.getAttribute("src");
    await page.getByLabel("behind the map").selectOption({label: "picture"});
    assert.notEqual(await back.getAttribute("src"), labels);
    assert.match(await page.locator(".areas").innerText(), /grass\s+0\.390\s+42\.3\s%\s+0\.\d+ ± 0\.00/);
    assert.match(await page.locator("#training").innerText(), /on 900 validation samples\. The weights after 210 steps were kept: overall accuracy 9\d\.\d\s%/);
  }));

  await check("a study's answers, sweeps and trade-offs are drawn", async () => {
    const file = workshop.report(workshop.written({"study.json": example_study()}));
    await workshop.visit(file, {}, async (page) => {
      assert.deepEqual(await sections(page), ["answers", "sweeps", "trade-offs", "simulated"]);
      assert.match(await page.locator("#answers").innerText(), /The best that meets the goal.*pipeline beats data-parallel below.*relative speed of node1.*−0\.95\s%.*no plan with less/s);
      const sweep = page.locator("#sweeps svg[role=img]");
      assert.match(await sweep.getAttribute("aria-label") ?? "", /pipeline is better below 324\sMbit\/s, data-parallel above/);
      assert.equal(await sweep.locator(".band").count(), 1);
      assert.equal(await sweep.locator(".marker").count(), 7);
      await page.locator("#sweeps select").selectOption({label: "traffic a step"});
      assert.match(await sweep.getAttribute("aria-label") ?? "", /^traffic a step by bandwidth/);
      const front = page.locator("#trade-offs svg[role=img]");
      assert.match(await front.getAttribute("aria-label") ?? "", /^traffic a step against step time, simulated: 7 plans\. Not bettered by any other: data-parallel at bandwidth 10\sGbit\/s \(40\.0\sms, 3\.00\sMB\); pipeline at bandwidth 1\sGbit\/s/);
      assert.deepEqual(await workshop.violations(page), []);
      await page.setViewportSize({width: 360, height: 800});
      assert.equal(await overflow(page), 0);
    });
  });

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

  await check("a thousand hosts are shown from the first on, with a picture of their traffic", async () => {
    const file = workshop.report(workshop.written(row_of_hosts(1000)));
    await workshop.visit(file, {}, async (page) => {
      assert.deepEqual(await sections(page), ["overview", "strategies", "timelines", "hosts", "network"]);
      await page.waitForSelector(".timelines[data-boxes]");
      assert.equal(await page.locator("#hosts .host").count(), 40);
      await page.getByRole("button", {name: "Show all 1\u202f000 hosts"}).click();
      assert.equal(await page.locator("#hosts .host").count(), 1000);
      assert.match(await page.locator("#strategies").innerText(), /node-11 .* and 988 other hosts/);
      assert.match(await page.locator(".traffic-picture").getAttribute("aria-label") ?? "", /^Traffic between 1\s000 hosts/);
      assert.equal(await page.locator("#network .links tbody tr").count(), 12);
      assert.deepEqual(await workshop.violations(page), []);
      await page.setViewportSize({width: 360, height: 800});
      await page.waitForFunction(() => document.documentElement.scrollWidth === document.documentElement.clientWidth);
    });
  });

  await check("one host has no network, and all else", async () => {
    await workshop.visit(workshop.report(workshop.written(row_of_hosts(1))), {}, async (page) => {
      assert.deepEqual(await sections(page), ["overview", "strategies", "timelines", "hosts"]);
      assert.match(await page.locator("h1").innerText(), /^Pipeline plan on 1 host: 1\.00\ss a step/);
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
