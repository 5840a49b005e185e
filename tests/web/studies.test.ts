// What a study's sections show: fronts, curves, crossings, units.

import assert from "node:assert/strict";
import {test} from "node:test";
import {axis_marks} from "../../web/src/view/chart";
import {gather} from "../../web/src/documents";
import {headline} from "../../web/src/layout/headline";
import {inference_s_per_pixel, measured_groups} from "../../web/src/layout/measured";
import {metrics_of, pointer_text, quantity_text} from "../../web/src/layout/metrics";
import {pareto_front} from "../../web/src/layout/pareto";
import {point_name, study_points} from "../../web/src/layout/study";
import {crossings_of, number_of_value, sweeps_of} from "../../web/src/layout/sweeps";
import {example_study} from "./example_study";

test("the front holds what nothing betters, each value once", () => {
  const points = [{x: 3, y: 1}, {x: 1, y: 3}, {x: 2, y: 3}, {x: 2, y: 2}, {x: 2, y: 2}, {x: Number.NaN, y: 0}, {x: 4, y: 1}];
  assert.deepEqual(pareto_front(points), [1, 3, 0]);
  assert.deepEqual(pareto_front(points, -1, 1), [6]); // more of x is better: 4, 1 betters all
  assert.deepEqual(pareto_front(points, 1, -1), [1]);
  assert.deepEqual(pareto_front([]), []);
});

test("values are quantities in any unit that documents take", () => {
  assert.deepEqual([4, "1Gbps", "125 MBps", "50us", "8GiB", "2 s", "1.5e3"].map(number_of_value), [4, 1.25e8, 1.25e8, 5e-5, 8 * 1024 ** 3, 2, 1500]);
  for (const value of ["early", "1k", true, [1], null, "", Number.NaN]) assert.equal(number_of_value(value), undefined, String(value));
});

test("a study's numbers become curves with bands, and crossings where the answer changes", () => {
  const study = example_study();
  const [sweep, ...others] = sweeps_of(study, "simulated_step_s");
  assert.equal(others.length, 0);
  assert.deepEqual([sweep.label, sweep.name, sweep.is_logarithmic], ["bandwidth", "", true]);
  assert.deepEqual(sweep.curves.map(({strategy, points}) => [strategy, points.length]), [["pipeline", 3], ["data-parallel", 4]]); // no-plan has no point
  assert.deepEqual(sweep.curves[0].points[0], {x: 1.25e6, y: 0.2, low: 0.15, high: 0.3});
  assert.deepEqual(sweep.curves[0].points[2], {x: 1.25e8, y: 0.09}); // even steps have no band
  assert.equal(sweep.crossings.length, 1);
  assert.ok(sweep.crossings[0].x > 4e7 && sweep.crossings[0].x < 4.1e7);
  assert.deepEqual(sweeps_of(study, "traffic_bytes_per_step")[0].crossings, []); // the question was of the step
  delete study.pointers; // of an earlier document: which column is meant is not known
  assert.deepEqual(sweeps_of(study, "simulated_step_s")[0].crossings, []);
  study.rows = study.rows.slice(0, 4);
  assert.deepEqual(sweeps_of(study, "simulated_step_s"), []);
});

test("cases of the other columns are curves of their own", () => {
  const study = example_study();
  study.columns.push("batch");
  study.rows = [8, 16].flatMap((batch) => study.rows.map((row) => ({...row, values: {...row.values, batch}})));
  assert.deepEqual(sweeps_of(study, "simulated_step_s").map(({name}) => name), ["batch 8", "batch 16"]);
});

test("what is unknown or equal on one side of a change is no crossing", () => {
  const stretches = [{from: 1, to: 2, answer: "a"}, {from: 3, to: 4, answer: "unknown"}, {from: 5, to: 7, answer: "b"}, {from: 9, to: 10, answer: "a"}];
  assert.deepEqual(crossings_of({strategies: ["a", "b"], stretches, sentence: ""}, false), [{x: 8, better_below: "b", better_above: "a"}]);
  assert.deepEqual(crossings_of({sentence: ""}, false), []);
});

test("metrics are those that tell rows apart", () => {
  assert.deepEqual(metrics_of(example_study().rows).map(({key}) => key),
    ["simulated_step_s", "predicted_step_s", "throughput_samples_per_s", "traffic_bytes_per_step", "peak_memory_bytes"]);
  assert.deepEqual(metrics_of([]), []);
});

test("pointers and their values read as words and units", () => {
  assert.equal(pointer_text("/cluster/hosts/node1/relative_speed"), "relative speed of node1");
  assert.equal(pointer_text("/cluster/network/bandwidth_bytes_per_s"), "bandwidth of the network");
  assert.equal(pointer_text("/cluster/hosts/*/memory_bytes"), "memory of every host");
  assert.equal(quantity_text("/cluster/network/latency_s", 5e-5), "50\u202fµs");
  assert.equal(quantity_text("/cluster/network/bandwidth_bytes_per_s", 1.25e8), "1\u202fGbit/s");
});

test("axes are marked at round numbers", () => {
  const text = String;
  assert.deepEqual(axis_marks({label: "", from: 0, to: 1, text}, 5), [0, 0.2, 0.4, 0.6, 0.8, 1]);
  assert.deepEqual(axis_marks({label: "", from: 1, to: 1000, is_logarithmic: true, text}, 12), [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000]);
  assert.deepEqual(axis_marks({label: "", from: 1.25e5, to: 1.25e9, is_logarithmic: true, scale: 8, text}, 4), [1.25e5, 1.25e7, 1.25e9]); // 1 Mbit/s, 100 Mbit/s, 10 Gbit/s
  assert.deepEqual(axis_marks({label: "", from: 3, to: 3, text}, 4), [3]);
  assert.deepEqual(axis_marks({label: "", from: 0.06, to: 0.3, is_logarithmic: true, text}, 5), [0.1, 0.15, 0.2, 0.25, 0.3]); // within a decade
});

test("a study's rows of the same values are one point, named by these", () => {
  const columns = ["/cluster/network/bandwidth_bytes_per_s", "batch"];
  const row = (bandwidth: unknown, strategy: string) =>
    ({values: {[columns[0]]: bandwidth, batch: 8}, strategy, outcome: "done"});
  const points = study_points(columns, [row(1.25e8, "branch"), row(1.25e8, "hybrid"), row("1Gbps", "branch")]);
  assert.deepEqual(points.map(({name, rows}) => [name, rows.length]), [
    ["bandwidth 1\u202fGbit/s, batch 8", 2],
    ["bandwidth 1Gbps, batch 8", 1],
  ]);
  assert.equal(point_name(["point", "batch"], {point: "large batches", batch: 8}), "large batches");
  assert.equal(point_name(columns, {}), "the base");
  assert.equal(point_name(["net"], {net: 1.25e6}, [["/cluster/network/bandwidth_bytes_per_s"]]), "net 10\u202fMbit/s");
});

test("what was measured is grouped by where and how", () => {
  const row = (strategy: string, machines = "", setting = "") => ({strategy, machines, setting});
  const groups = measured_groups([row("branch"), row("branch", "4 hosts", "batch 256"), row("hybrid"), row("spark", "4 hosts", "batch 256")]);
  assert.deepEqual(groups.map(({name, rows}) => [name, rows.map(({strategy}) => strategy)]),
    [["", ["branch", "hybrid"]], ["4 hosts, batch 256", ["branch", "spark"]]]);
  assert.equal(inference_s_per_pixel({strategy: "branch", inference_s: 2, inference_pixels: 1000}), 0.002);
  assert.equal(inference_s_per_pixel({strategy: "branch"}), undefined);
});

test("a study's claims are counted in one sentence", () => {
  const claim = (verdict: string) => ({claim: "c", verdict, evidence: []});
  const study = {
    format: "cadastre-study-result/1", name: "paper", description: "", network_model: "", columns: [],
    rows: [{values: {}, strategy: "branch", outcome: "done"}], break_even: [],
    claims: [claim("holds"), claim("holds in part"), claim("unknown")],
  };
  const report = gather({documents: [{name: "study.json", document: study}], images: {}});
  assert.equal(headline(report, undefined, []), "Study paper: 1 simulation; of 3 claims, 1 held and 1 held in part.");
});
