// Times the viewer in a headless Chromium: `viewer_benchmark.mjs WRITE_REPORT FIXTURES WEB [DEMO]`,
// where the first arguments are those of browser.test.ts and DEMO is what `cadastre demo` wrote. No
// test: it asserts nothing and prints what it took.

import {statSync} from "node:fs";
import type {Timeline, TimelineEvent} from "../../web/src/documents";
import {type Workshop, with_workshop} from "./browser";

const NUM_RANKS = 16;
const NUM_BARS = 100_000;

/// A timeline of `NUM_BARS` instructions, sends among them, on `NUM_RANKS` ranks in a row.
function long_timeline(source: string, slower: number): object {
  const per_rank = Math.floor(NUM_BARS / NUM_RANKS);
  const kinds = ["receive_activation", "forward", "send_activation", "receive_gradient", "backward", "send_gradient"];
  const events: TimelineEvent[] = [];
  for (let rank = 0; rank < NUM_RANKS; ++rank) {
    let now_s = rank * 1e-3;
    for (let i = 0; i < per_rank; ++i) {
      const kind = kinds[i % kinds.length];
      const step_s = kind.startsWith("send") ? 0 : slower * (1 + ((i * 7 + rank * 3) % 11)) * 1e-4;
      const toward = kind === "receive_activation" || kind === "send_gradient" ? rank - 1 : rank + 1;
      const peer = kind === "forward" || kind === "backward" ? -1 : (toward + NUM_RANKS) % NUM_RANKS;
      events.push({rank, kind, stage: rank, micro_batch: Math.floor(i / kinds.length), layer: -1, peer, start_s: now_s, end_s: now_s + step_s, bytes: 0});
      now_s += step_s;
    }
  }
  const timeline: Timeline = {source, step_s: Math.max(...events.slice(-1).map(({end_s}) => end_s)), events,
    ranks: Array.from({length: NUM_RANKS}, (_, stage) => ({host: `node-${stage}`, parts: [{stage, replica: 0}]}))};
  return {format: "cadastre-timeline/1", ...timeline};
}

async function time_timelines(workshop: Workshop): Promise<void> {
  const documents = {"predicted.json": long_timeline("predicted", 1), "simulated.json": long_timeline("simulated", 1.03), "measured.json": long_timeline("measured", 1.05)};
  const directory = workshop.written(documents);
  const file = workshop.report(...Object.keys(documents).map((name) => `${directory}/${name}`));
  await workshop.visit(file, {}, async (page) => {
    await page.waitForSelector(".timelines[data-boxes]", {timeout: 60_000});
    const figures = await page.evaluate(async () => {
      const area = document.querySelector<HTMLElement>(".timelines") as HTMLElement;
      area.scrollIntoView();
      area.focus();
      const next = () => new Promise<number>((resolve) => requestAnimationFrame(resolve));
      const frames = async (keys: string[]) => {
        const begin = await next();
        for (const key of keys) {
          area.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true}));
          await next();
        }
        return (1000 * keys.length) / ((await next()) - begin);
      };
      const drawn_ms = performance.getEntriesByName("timelines-drawn")[0].startTime - performance.getEntriesByName("report-begun")[0].startTime;
      return {
        opened_ms: Math.round(performance.getEntriesByName("timelines-drawn")[0].startTime), drawn_ms: Math.round(drawn_ms), boxes: area.dataset.boxes,
        zoom_frames_per_s: Math.round(await frames([...Array<string>(15).fill("+"), ...Array<string>(15).fill("-")])),
        pan_frames_per_s: Math.round(await frames(["+", "+", "+", "+", ...Array<string>(30).fill("ArrowRight")])),
      };
    });
    console.log(`3 timelines of ${NUM_BARS} bars on ${NUM_RANKS} ranks: ${JSON.stringify(figures)}`);
  });
}

const NUM_LAYERS = 5000;

/// Layers in modules of modules, with a residual connection around each, or without any names.
function deep_model(has_modules: boolean): object {
  const layers = Array.from({length: NUM_LAYERS}, (_, i) => {
    const id = has_modules ? `block${Math.floor(i / 250)}.${Math.floor(i / 10) % 25}.op${i % 10}` : `op${i}`;
    return {id, kind: i % 10 === 9 ? "add" : "relu", inputs: [""]};
  });
  layers.forEach((layer, i) => (layer.inputs = [i > 0 ? layers[i - 1].id : "x", ...(i % 10 === 9 ? [layers[i - 9].id] : [])]));
  return {format: "cadastre-model/1", name: "deep", inputs: [{name: "x", shape: [8, 4, 4]}], layers, output: layers[NUM_LAYERS - 1].id};
}

async function time_graph(workshop: Workshop, has_modules: boolean): Promise<void> {
  const file = workshop.report(`${workshop.written({"model.json": deep_model(has_modules)})}/model.json`);
  await workshop.visit(file, {}, async (page) => {
    await page.waitForSelector(".graph .node", {timeout: 60_000});
    const drawn_ms = await page.evaluate(() => performance.getEntriesByName("graph-drawn")[0].startTime - performance.getEntriesByName("report-begun")[0].startTime);
    const shown = await page.locator(".graph .node").count();
    const unfolded_ms = await page.evaluate(() => {
      const begin = performance.now();
      document.querySelector<SVGElement>(".graph .module")?.dispatchEvent(new MouseEvent("click", {bubbles: true}));
      document.body.getBoundingClientRect(); // laid out
      return performance.now() - begin;
    });
    console.log(`graph of ${NUM_LAYERS} layers ${has_modules ? "in modules" : "without modules"}: ${JSON.stringify({drawn_ms: Math.round(drawn_ms), nodes: shown, unfolded_ms: Math.round(unfolded_ms)})}`);
  });
}

await with_workshop(async (workshop) => {
  await time_timelines(workshop);
  await time_graph(workshop, true);
  await time_graph(workshop, false);
  for (const input of [workshop.fixtures, ...process.argv.slice(5)])
    console.log(`report of ${input}: ${(statSync(workshop.report(input)).size / 1e6).toFixed(2)} MB`);
});
