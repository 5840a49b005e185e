// What a comparison of predictions with runs tells: errors of kinds, noise, bands, the heading.

import assert from "node:assert/strict";
import {test} from "node:test";
import {gather} from "../../web/src/documents";
import {band_corners, has_figures, is_disturbed, judging_summary, kind_errors, noise_of, plan_name, point_name, quantile, step_error} from "../../web/src/layout/fidelity";
import {headline} from "../../web/src/layout/headline";
import {example_fidelity} from "./example_fidelity";

const near = (found: number, expected: number) => assert.ok(Math.abs(found - expected) < 1e-9, `${found} is not ${expected}`);

test("points without figures are told apart, and plans by their names", () => {
  const fidelity = example_fidelity();
  assert.deepEqual(fidelity.points.map(has_figures), [true, true, false, true, true]);
  assert.equal(plan_name({strategy: "pipeline", micro_batches: 4}), "pipeline, 4 micro-batches");
  assert.equal(point_name(fidelity, fidelity.points[4]), "vgg on four, batch 32, parameter-averaging, averaged every 4 steps");
});

test("errors have the sign of what is predicted too much", () => {
  const [single, pipeline] = example_fidelity().points.filter(has_figures);
  near(step_error(single, "simulated"), 0.05);
  near(step_error(single, "predicted"), -0.125);
  near(step_error(pipeline, "simulated"), -1 / 6);
});

test("noise is between runs that agree; too few of these are a disturbed point", () => {
  const fidelity = example_fidelity();
  near(noise_of(fidelity.points[0], fidelity) ?? Number.NaN, 0.02);
  near(noise_of(fidelity.points[3], fidelity) ?? Number.NaN, 1 / 7); // the median of 0.7 s, and 0.8 s
  assert.deepEqual(fidelity.points.map((point) => is_disturbed(point, fidelity)), [false, false, true, true, false]);
});

test("what calibration has not seen judges, where there is such", () => {
  const fidelity = example_fidelity();
  assert.equal(judging_summary(fidelity)?.part, "held out");
  fidelity.summaries[2].num_without_figures = 2;
  assert.equal(judging_summary(fidelity)?.part, "all");
  assert.equal(judging_summary({...fidelity, summaries: []}), undefined);
});

test("quantiles are linear between the values", () => {
  near(quantile([3, 1], 0.25), 1.5);
  assert.equal(quantile([2], 0.95), 2);
  assert.ok(Number.isNaN(quantile([], 0.5)));
});

test("every kind of instruction has its error, of its own time and of the hosts'", () => {
  const [forward, reduction, ...others] = kind_errors(example_fidelity());
  assert.equal(others.length, 0);
  assert.deepEqual([forward.name, forward.num_points, reduction.name], ["forward", 4, "reduce gradients"]);
  near(forward.share, 0.5); // as long as the step, of two hosts
  near(forward.median.simulated, -0.1);
  near(forward.of_step.predicted, 0.05);
  near(reduction.median.simulated, 0);
  near(reduction.median.predicted, -0.5);
  near(reduction.of_step.predicted, 0.125);
});

test("a kind that a timeline does not show counts in no error of it", () => {
  const fidelity = example_fidelity();
  fidelity.points[0].measured?.kinds.pop();
  assert.deepEqual(kind_errors(fidelity).map(({num_points}) => num_points), [4, 3]);
  assert.deepEqual(kind_errors({...fidelity, points: []}), []);
});

test("a band lies within the plot, on both sides of the diagonal", () => {
  const corners = band_corners(1, 100, 0.1);
  for (const [x, y] of corners) {
    assert.ok(x >= 1 && x <= 100 && y >= 1 && y <= 100);
    assert.ok(y / x > 0.9 - 1e-9 && y / x < 1.1 + 1e-9);
  }
  near(corners[2][1], 90);
  near(corners[5][1], 1.1);
});

test("the heading tells the errors of what judges", () => {
  const report = gather({documents: [{name: "fidelity.json", document: example_fidelity()}], images: {}});
  assert.equal(headline(report, undefined, []), "Suite made-up: 4 of 5 points; the simulated step is off by 2.5\u202f% in the median, the cost model's by 5.0\u202f%, on what was held out.");
  const begun = example_fidelity();
  begun.points.splice(2, 1);
  begun.summaries = begun.summaries.map((summary) => ({...summary, num_points: 3, num_without_figures: 1}));
  assert.match(headline(gather({documents: [{name: "fidelity.json", document: begun}], images: {}}), undefined, []), /^Suite made-up: 4 points;.*, on 2 of 3 points held out\.$/);
});
