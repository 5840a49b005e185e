import assert from "node:assert/strict";
import {test} from "node:test";
import {deflateSync} from "node:zlib";
import type {Model, Report, Stage, Timeline, TimelineEvent, TimelineRank} from "../../web/src/documents";
import {gather} from "../../web/src/documents";
import {data_of_page, unpacked} from "../../web/src/inflate";
import {compared_rows} from "../../web/src/layout/compare";
import {row_normalized} from "../../web/src/layout/confusion";
import {bytes, count, in_unit, percent, plural, rounded, seconds, significant, time_unit} from "../../web/src/layout/format";
import {graph_layout} from "../../web/src/layout/graph_layout";
import {headline} from "../../web/src/layout/headline";
import {loads_of_timeline, traffic_of_timeline} from "../../web/src/layout/loads";
import {shapes_of} from "../../web/src/layout/shapes";
import {error_text, figures_of, relative_error, warnings_of} from "../../web/src/layout/overview";
import {best_view, main_view, plan_views, ranks_of_stages, speedup} from "../../web/src/layout/strategies";
import {clamped, common_axis, panned, time_to_x, x_to_time, zoomed} from "../../web/src/layout/timeline_layout";
import {loss_range, nearest_step, smoothed, thinned} from "../../web/src/layout/training";
import {example_documents, example_model} from "./example";
import {random_numbers} from "./example_replay";

function example_report(...names: string[]): Report {
  const documents = example_documents();
  return gather({
    documents: (names.length ? names : Object.keys(documents)).map((name) => ({name, document: documents[name] as object})),
    images: {},
  });
}

const close = (found: number, expected: number) =>
  assert.ok(Math.abs(found - expected) <= 1e-12 + 1e-9 * Math.abs(expected), `expected ${expected}, found ${found}`);

test("numbers keep three digits and take the unit that fits", () => {
  assert.equal(significant(0.0412), "0.0412");
  assert.equal(significant(1234.5), "1235");
  assert.equal(seconds(0.0412), "41.2\u202fms");
  assert.equal(seconds(0.9999), "1.00\u202fs");
  assert.equal(seconds(0), "0\u202fµs");
  assert.equal(bytes(512), "512\u202fB");
  assert.equal(bytes(1.5e6), "1.50\u202fMB");
  assert.equal(rounded("64.0\u202fGB"), "64\u202fGB");
  assert.equal(rounded("1.50\u202fMB"), "1.5\u202fMB");
  assert.equal(rounded("100\u202fMB"), "100\u202fMB");
  assert.equal(in_unit(0.0015, time_unit(0.9)), "1.50");
  assert.equal(percent(0.9132), "91.3\u202f%");
  assert.equal(percent(Number.NaN), "–");
  assert.equal(count(1234567), "1\u202f234\u202f567");
  assert.equal(plural(1, "micro-batch"), "1 micro-batch");
  assert.equal(plural(4, "micro-batch"), "4 micro-batches");
  assert.equal(plural(4, "epoch"), "4 epochs");
});

test("zooming keeps the time under the pointer where it is", () => {
  const axis = {begin_s: 0, end_s: 10};
  const view = zoomed({begin_s: 2, end_s: 6}, axis, 0.5, 3);
  // 3 s is a quarter of the way; so it stays: begin = 3 - 0.25 · 2
  assert.deepEqual(view, {begin_s: 2.5, end_s: 4.5});
  close(time_to_x(3, view, 800), time_to_x(3, {begin_s: 2, end_s: 6}, 800));
  assert.deepEqual(zoomed(view, axis, 100, 3), axis);
});

test("no view leaves the axis or shrinks to nothing", () => {
  const axis = {begin_s: 0, end_s: 10};
  assert.deepEqual(panned({begin_s: 6, end_s: 9}, axis, 5), {begin_s: 7, end_s: 10});
  assert.deepEqual(panned({begin_s: 6, end_s: 9}, axis, -5), {begin_s: 0, end_s: 3});
  assert.deepEqual(clamped({begin_s: -5, end_s: 50}, axis), axis);
  let view = axis;
  for (let i = 0; i < 200; ++i) view = zoomed(view, axis, 0.5, 5);
  assert.ok(view.end_s - view.begin_s > 0);
  close(x_to_time(time_to_x(5, view, 300), view, 300), 5);
});

const rank = (host: string, ...stages: number[]): TimelineRank =>
  ({host, parts: stages.map((stage) => ({stage, replica: 0}))});
const event = (start_s: number, end_s: number, kind = "forward"): TimelineEvent => ({rank: 0, kind, start_s, end_s});

test("timelines share an axis that ends with the last of them", () => {
  const timeline = (step_s: number, end_s: number): Timeline => ({source: "x", step_s, ranks: [], events: [event(0, end_s)]});
  assert.deepEqual(common_axis([timeline(1, 2), timeline(3, 1)]), {begin_s: 0, end_s: 3});
  assert.deepEqual(common_axis([]), {begin_s: 0, end_s: 1});
});

test("traffic counts sends by host and reductions as a ring", () => {
  const ranks = [rank("a", 0), {host: "b", parts: [{stage: 0, replica: 1}]}, {host: "c", parts: [{stage: 0, replica: 2}]}, rank("d", 1)];
  const reduce = (rank: number): TimelineEvent => ({rank, kind: "reduce_gradients", stage: 0, start_s: 0, end_s: 1, bytes: 300});
  const traffic = traffic_of_timeline({source: "measured", step_s: 1, ranks, events: [
    {rank: 0, kind: "send_activation", peer: 3, start_s: 0, end_s: 0, bytes: 10},
    {rank: 3, kind: "receive_activation", peer: 0, start_s: 0, end_s: 1, bytes: 10}, // the same bytes, not again
    {rank: 3, kind: "send_gradient", peer: 0, start_s: 1, end_s: 1, bytes: 7},
    {rank: 0, kind: "start_reduction", stage: 0, start_s: 0, end_s: 0, bytes: 300}, // the same bytes, not again
    reduce(0), reduce(1), reduce(2),
  ]});
  // ring: 2 (3-1)/3 · 300 = 400 to the next
  assert.deepEqual(traffic.bytes, [[0, 400, 0, 10], [0, 0, 400, 0], [400, 0, 0, 0], [7, 0, 0, 0]]);
  assert.equal(traffic.total_bytes, 1217);
});

test("the example's traffic is what its plan says", () => {
  const {run, timelines} = example_report();
  const measured = timelines.find(({source}) => source === "measured") as Timeline;
  close(traffic_of_timeline(measured).total_bytes, run?.traffic_bytes_per_step ?? 0);
});

test("two stages of a host send each other nothing, and each reduces with its own ranks", () => {
  // Stage 0 on a and b, stage 1 on b and a, so that the rings go the other way round; stage 2 on a.
  const ranks = [
    {host: "a", parts: [{stage: 0, replica: 0}, {stage: 1, replica: 1}, {stage: 2, replica: 0}]},
    {host: "b", parts: [{stage: 0, replica: 1}, {stage: 1, replica: 0}]}];
  const reduce = (rank: number, stage: number, bytes: number): TimelineEvent => ({rank, kind: "reduce_gradients", stage, start_s: 0, end_s: 1, bytes});
  const traffic = traffic_of_timeline({source: "measured", step_s: 1, ranks, events: [
    {rank: 0, kind: "send_activation", stage: 0, peer: 0, start_s: 0, end_s: 0, bytes: 99},
    reduce(0, 0, 10), reduce(1, 0, 10), reduce(0, 1, 5), reduce(1, 1, 5), reduce(0, 2, 1000),
  ]});
  // ring of two: 2 (2-1)/2 of the buffer to the other
  assert.deepEqual(traffic.bytes, [[0, 15], [15, 0]]);
});

test("a host's compute, transfer, reduction and waiting sum to the step", () => {
  const [load] = loads_of_timeline({source: "measured", step_s: 12, ranks: [rank("a", 0), rank("b", 1)], events: [
    event(0, 2), {...event(2, 5, "receive_gradient"), peer: 1}, event(5, 6, "recompute"), event(6, 8, "backward"),
    event(8, 9, "reduce_gradients"), event(9, 10, "optimizer_step"),
    // Sent 1 s after a began to wait for it, 2 s before it came.
    {...event(3, 3, "send_gradient"), rank: 1, peer: 0}]});
  assert.deepEqual(load, {host: "a", compute_s: 6, transfer_s: 2, reduction_s: 1, waiting_s: 3});
});

test("a tensor that was sent before it was waited for is on the network all the while", () => {
  const [, load] = loads_of_timeline({source: "measured", step_s: 4, ranks: [rank("a", 0, 2), rank("b", 1, 3)], events: [
    // The same layer for two stages of b: by order.
    {...event(0, 0, "send_activation"), peer: 1}, {...event(2, 2, "send_activation"), peer: 1},
    {...event(1, 2, "receive_activation"), rank: 1, peer: 0}, {...event(2, 3, "receive_activation"), rank: 1, peer: 0},
    // Between two stages of b: no network.
    {...event(3, 3, "send_activation"), rank: 1, peer: 1}, {...event(3, 4, "receive_activation"), rank: 1, peer: 1}]});
  assert.deepEqual(load, {host: "b", compute_s: 0, transfer_s: 2, reduction_s: 0, waiting_s: 2});
});

test("a plan's ranks are its hosts in order, each with its parts", () => {
  const stage = (...hosts: string[]): Stage => ({layers: [], replicas: hosts.map((host) => ({host, share: 1 / hosts.length}))});
  assert.deepEqual(ranks_of_stages([stage("a", "b"), stage("c", "a"), stage("b")]), [
    {host: "a", parts: [{stage: 0, replica: 0}, {stage: 1, replica: 1}]},
    {host: "b", parts: [{stage: 0, replica: 1}, {stage: 2, replica: 0}]},
    {host: "c", parts: [{stage: 1, replica: 0}]}]);
});

test("smoothing keeps a constant, favours neither end, and passes over what is not a number", () => {
  assert.deepEqual(smoothed([3, 3, 3], 0.2).map((value) => Number(value.toFixed(9))), [3, 3, 3]);
  // forwards: 1, (0.25 · 1 + 0.5 · 3) / 0.75 = 7/3; backwards: (0.25 · 3 + 0.5 · 1) / 0.75 = 5/3, 3
  const [first, second] = smoothed([1, 3], 0.5);
  close(first, (1 + 5 / 3) / 2);
  close(second, (7 / 3 + 3) / 2);
  const line = smoothed(Array.from({length: 101}, (_, i) => i), 0.1);
  assert.ok(Math.abs(line[50] - 50) < 1e-9, `a straight line's middle is kept, found ${line[50]}`);
  assert.ok(smoothed([Number.NaN, 1, Number.NaN, 1], 0.5).every((value) => value === 1));
});

test("thinning keeps the first and the last", () => {
  const items = Array.from({length: 1000}, (_, i) => i);
  const few = thinned(items, 10);
  assert.equal(few.length, 10);
  assert.deepEqual([few[0], few[9]], [0, 999]);
  assert.equal(thinned(items, 2000), items);
});

test("the nearest step is found between, before and after steps", () => {
  const steps = [0, 10, 20].map((step) => ({step, loss: 1, learning_rate: 0, end_s: 0}));
  assert.deepEqual([-5, 4, 6, 14, 99].map((step) => nearest_step(steps, step)), [0, 0, 1, 1, 2]);
  assert.deepEqual(loss_range(steps), [0, 1.05]);
  assert.deepEqual(loss_range([]), [0, 1]);
});

test("a confusion matrix is shaded by row; empty rows stay blank", () => {
  assert.deepEqual(row_normalized([[3, 1], [0, 0]]), [[0.75, 0.25], [0, 0]]);
});

test("shapes follow from the layers", () => {
  const shapes = shapes_of(example_model());
  assert.deepEqual(shapes.get("rgb_pool1"), [16, 24, 24]);
  assert.deepEqual(shapes.get("hs_mean"), [96, 1, 1]);
  assert.deepEqual(shapes.get("fuse"), [160]); // 96 + 32 + 32
  assert.deepEqual(shapes.get("scores"), [6]);
});

test("layers behind an unknown kind have no shape", () => {
  const model: Model = {name: "m", inputs: [{name: "x", shape: [3, 8, 8]}], output: "b",
    layers: [{id: "a", kind: "attention", inputs: ["x"]}, {id: "b", kind: "relu", inputs: ["a"]}]};
  assert.deepEqual([...shapes_of(model).keys()], ["x"]);
});

test("every layer is below what it reads, and no two overlap", () => {
  const {run} = example_report("run/run.json");
  const {nodes, edges} = graph_layout(example_model(), run?.stages as Stage[], {width: 100, height: 30});
  const at = new Map(nodes.map((node) => [node.id, node]));
  for (const {from, to} of edges) assert.ok((at.get(from)?.y ?? 0) + 30 <= (at.get(to)?.y ?? 0), `${from} above ${to}`);
  nodes.forEach((a, i) => nodes.slice(i + 1).forEach((b) =>
    assert.ok(Math.abs(a.x - b.x) >= 100 || Math.abs(a.y - b.y) >= 30, `${a.id} and ${b.id} overlap`)));
  assert.deepEqual(edges.filter(({crosses}) => crosses).map(({from, to}) => `${from} ${to}`).sort(),
    ["hs_flat fuse", "lidar_flat fuse", "rgb_flat fuse"]);
});

test("a report of everything has one row per plan, with all that is known of it", () => {
  const views = plan_views(example_report());
  assert.deepEqual(views.map(({strategy}) => strategy), ["auto", "single", "data-parallel", "branch", "pipeline"]);
  assert.deepEqual(views[0].timelines.map(({source}) => source), ["predicted", "simulated", "measured"]);
  assert.deepEqual(views[1].timelines.map(({source}) => source), ["simulated"]);
  assert.equal(best_view(views), views[0]);
  assert.equal(main_view(views), views[0]);
  close(speedup(views[0], views) ?? 0, (views[1].simulated_step_s ?? 0) / (views[0].simulated_step_s ?? 1));
});

test("a plan that does not fit in memory is never the best", () => {
  const report = example_report("plan.json");
  if (report.plan) report.plan.predicted.fits_memory = false;
  const views = plan_views(report);
  assert.notEqual(best_view(views), undefined);
  assert.notEqual(best_view(views), views[0]);
});

test("a plan that averages parameters is never the best", () => {
  const report = example_report("plan.json");
  const fastest = best_view(plan_views(report));
  if (report.plan) report.plan.averaging_period = 10;
  const views = plan_views(report);
  assert.equal(fastest?.strategy, views[0].strategy);
  assert.notEqual(best_view(views), undefined);
  assert.notEqual(best_view(views), views[0]);
});

test("plans are not compared by a source that some of them lack", () => {
  const report = example_report("plan.json");
  delete report.plan?.alternatives?.[0].simulated;
  const views = plan_views(report);
  assert.equal(views[1].simulated_step_s, undefined);
  close(speedup(views[0], views) ?? 0, (views[1].predicted_step_s ?? 0) / (views[0].predicted_step_s ?? 1));
});

test("the headline says what is known and leaves out the rest", () => {
  const sentence = (...names: string[]) => {
    const report = example_report(...names);
    const views = plan_views(report);
    return headline(report, main_view(views), views);
  };
  assert.match(sentence(), /^Auto plan on 4 hosts: [\d.]+\u202fms a step, [\d.]+× as fast as a single host; predicted [\d.]+\u202fms, simulated [\d.]+\u202fms, measured [\d.]+\u202fms; overall accuracy [\d.]+\u202f%\.$/);
  assert.match(sentence("plan.json"), /simulated [\d.]+\u202fms\.$/);
  assert.match(sentence("run/timeline.json"), /^Timeline on 4 hosts: [\d.]+\u202fms a step\.$/);
  assert.equal(sentence("cluster.json"), "Cluster lab-four-1gbe of 4 hosts.");
  assert.match(sentence("profile.json"), /^Profile of multimodal-cnn on /);
});

test("random numbers of the example are the same for the same seed", () => {
  const first = random_numbers(9);
  const second = random_numbers(9);
  assert.deepEqual([first(), first()], [second(), second()]);
});

test("the overview measures predictions by what was measured, and plans by the same source", () => {
  const report = example_report();
  const views = plan_views(report);
  const [view] = views;
  const figures = new Map(figures_of(report, view, views).map((figure) => [figure.name, figure]));
  assert.match(figures.get("simulated step")?.note ?? "", /^[\d.]+\u202f% (above|below) measured$/);
  const factor = (views[2].simulated_step_s ?? 0) / (view.simulated_step_s ?? 1);
  assert.equal(figures.get("as fast as data-parallel")?.value, `${factor.toFixed(1)}×`);
  assert.equal(figures.get("from the proven bound")?.value, "3.0\u202f%");
  close(relative_error(12, 10), 0.2);
  assert.equal(error_text(-0.25, "measured"), "25.0\u202f% below measured");
  assert.equal(error_text(0, "measured"), "as measured");
  assert.equal(error_text(relative_error(1, 0), "measured"), "");
});

test("a report warns of what is wrong, and of nothing else", () => {
  const report = example_report();
  const warnings = (): string[] => {
    const views = plan_views(report);
    return warnings_of(report, main_view(views), views);
  };
  assert.deepEqual(warnings(), []);
  const {run, plan} = report;
  if (!run?.measured || !plan) throw new Error("the example has a plan and a run that was measured");
  run.measured.step_s *= 2;
  run.steps[3].loss = Number.NaN;
  run.failures = [{host: "atlas", cause: "was killed by signal 9", num_steps: 14, restart_s: 2, is_left_out: true}];
  plan.predicted.fits_memory = false;
  assert.deepEqual(warnings().map((text) => text.split(/ (?=after|step is|exceeds|of 1)/)[0]), [
    "Host atlas was killed by signal 9", "The predicted", "The simulated", "The plan", "The loss"]);
});

test("documents that are no part of a report are said to be left out", () => {
  const report = gather({documents: [{name: "a.json", document: {format: "cadastre-plan/2"}}, {name: "b.json", document: {}}, {name: "c.json", document: {format: "other/1"}}], images: {}});
  assert.deepEqual(report.left_out, [
    "a.json is not shown: expected cadastre-plan/1, found cadastre-plan/2",
    "b.json is not shown: it is none of cadastre's documents",
    "c.json is not shown: expected a document that a report is about, found other/1"]);
});

test("reports are compared by what any of them has, and the best of each quantity is told", () => {
  const [one, other] = [example_report(), example_report("plan.json")];
  if (!one.run?.metrics) throw new Error("the example's run has metrics");
  const rows = new Map(compared_rows([one, other]).map((row) => [row.name, row]));
  assert.deepEqual(rows.get("strategy")?.values, ["auto", "auto"]);
  assert.equal(rows.get("measured step")?.values[1], "–");
  assert.equal(rows.get("measured step")?.best, -1); // one alone is no best
  assert.equal(rows.get("peak memory of a host")?.best, -1); // nor are two alike
  const third = example_report();
  if (third.run?.metrics) third.run.metrics = {...third.run.metrics, kappa: one.run.metrics.kappa + 0.1, overall_accuracy: Number.NaN};
  const again = new Map(compared_rows([one, third]).map((row) => [row.name, row]));
  assert.equal(again.get("kappa")?.best, 1);
  assert.equal(again.get("overall accuracy")?.values[1], "–");
  assert.equal(again.get("F1 of grass")?.values.length, 2);
});

test("packed data is what zlib packs, and a report's page gives it back", async () => {
  const embedded = {documents: [{name: "a.json", document: {format: "cadastre-plan/1", name: "é"}}], images: {}};
  const deflate = deflateSync(JSON.stringify(embedded)).toString("base64");
  assert.deepEqual(await unpacked(JSON.stringify({deflate})), embedded);
  assert.deepEqual(await unpacked(JSON.stringify(embedded)), embedded);
  assert.equal(await unpacked("null"), null);
  assert.equal(data_of_page(`<p><script type="application/json" id="cadastre-data">{"a":1}</script></p>`), `{"a":1}`);
  assert.equal(data_of_page("<p></p>"), undefined);
  await assert.rejects(unpacked("{}"), /expected a report's documents/);
});
