// The arithmetic of the timelines: what is drawn where, what belongs together, what a step waits for.

import assert from "node:assert/strict";
import {test} from "node:test";
import type {Timeline, TimelineEvent, TimelineRank} from "../../web/src/documents";
import {gather} from "../../web/src/documents";
import {difference, paired_hosts, paired_kinds, paired_timelines} from "../../web/src/layout/compare_timelines";
import {critical_path} from "../../web/src/layout/critical_path";
import {PARTS, occurrences} from "../../web/src/layout/instructions";
import {event_at, lane_of, lanes_of, visible_boxes} from "../../web/src/layout/lanes";
import {sends_of_receives} from "../../web/src/layout/loads";
import {type KindLook, LanePixels, mixed, pixel_of} from "../../web/src/layout/pixels";
import {matcher, row_at, rows_layout, visible_hosts} from "../../web/src/layout/timeline_rows";
import {most_in_bins, resident_points, utilization} from "../../web/src/layout/utilization";
import {unpacked_events} from "../../web/src/packed_events";
import {example_documents} from "./example";

const rank = (host: string, ...stages: number[]): TimelineRank =>
  ({host, parts: stages.map((stage) => ({stage, replica: 0}))});
const event = (start_s: number, end_s: number, kind = "forward", of_rank = 0): TimelineEvent => ({rank: of_rank, kind, start_s, end_s});
const close = (found: number, expected: number) =>
  assert.ok(Math.abs(found - expected) <= 1e-12 + 1e-9 * Math.abs(expected), `expected ${expected}, found ${found}`);

test("only boxes that are seen are drawn, cut at the edges", () => {
  const lane = lane_of([event(0, 1), event(1, 3), event(3, 9), event(9, 10)]);
  const boxes = visible_boxes(lane, {begin_s: 2, end_s: 4}, 100);
  assert.deepEqual(boxes.map(({event: {start_s}, x, width}) => [start_s, x, width]), [[1, -1, 51], [3, 50, 51]]);
});

test("the number of boxes is bounded by pixels, and each has the colour of what most of its time is", () => {
  // In each pixel of 200 instructions, 100 forwards of 1 s and 100 backwards of 2 s.
  const events = Array.from({length: 100_000}, (_, i) => event(1.5 * i + (i % 2 ? -0.5 : 0), 1.5 * (i + 1) + (i % 2 ? 0 : -0.5), i % 2 ? "backward" : "forward"));
  const boxes = visible_boxes(lane_of(events), {begin_s: 0, end_s: 150_000}, 500);
  assert.equal(boxes.length, 500);
  assert.ok(boxes.every(({kind}) => kind === "backward"));
  assert.equal(boxes.reduce((sum, {count}) => sum + count, 0), 100_000);
  assert.equal(visible_boxes(lane_of(events), {begin_s: 300, end_s: 303}, 500).length, 4); // two of each touch the view's edges
});

test("an instruction that is long enough is never merged into its narrow neighbours", () => {
  const lane = lane_of([event(0, 0.1), event(0.1, 0.2, "backward"), event(0.2, 5, "recompute"), event(5, 5, "send_activation")]);
  const boxes = visible_boxes(lane, {begin_s: 0, end_s: 10}, 10);
  assert.deepEqual(boxes.map(({kind, count}) => [kind, count]), [["forward", 2], ["recompute", 1], ["send_activation", 1]]);
});

test("the pointer finds an instruction that takes no time between two that do", () => {
  const lane = lane_of([event(0, 1), event(1, 1, "send_activation"), event(1, 2, "backward")]);
  const view = {begin_s: 0, end_s: 2};
  assert.equal(event_at(lane, 100, view, 200)?.kind, "send_activation");
  assert.equal(event_at(lane, 50, view, 200)?.kind, "forward");
  assert.equal(event_at(lane, 150, view, 200)?.kind, "backward");
  assert.equal(event_at(lane_of([event(0, 1)]), 150, view, 200), undefined);
});

test("lanes are sorted, and events of unknown ranks are left out", () => {
  const timeline: Timeline = {source: "measured", step_s: 1, ranks: [rank("a", 0)], events: [event(2, 3), event(0, 1), event(0, 1, "forward", 7)]};
  assert.deepEqual(lanes_of(timeline).map(({events}) => events.map(({start_s}) => start_s)), [[0, 2]]);
});

test("the rows of a host lie on each other, whatever order its ranks have in a source", () => {
  const one = {source: "predicted", step_s: 1, ranks: [rank("a", 0), rank("b", 1)], events: []};
  const other = {source: "measured", step_s: 1, ranks: [rank("b", 1), rank("a", 0), rank("c", 2)], events: []};
  const layout = rows_layout([one, other]);
  assert.deepEqual(layout.hosts.map(({host, rows}) => [host, rows.map(({timeline, rank: index}) => `${timeline.source} ${index}`)]), [
    ["a", ["predicted 0", "measured 1"]], ["b", ["predicted 1", "measured 0"]], ["c", ["measured 2"]]]);
  assert.equal(row_at(layout, layout.hosts[1].top + 1)?.timeline.source, "predicted");
  assert.equal(row_at(layout, layout.height + 50), undefined);
  assert.deepEqual(visible_hosts(layout, layout.hosts[2].top + 1, 5).map(({host}) => host), ["c"]);
});

test("a thousand hosts are laid out, and a screen sees few of them", () => {
  const ranks = Array.from({length: 1000}, (_, i) => rank(`host-${i}`, i));
  const layout = rows_layout([{source: "simulated", step_s: 1, ranks, events: []}]);
  assert.equal(layout.hosts.length, 1000);
  assert.ok(visible_hosts(layout, 5000, 600).length < 25);
});

test("a lane's pixels are its boxes: waiting is thin, what takes no time sticks out, edges are blended", () => {
  const [red, blue, green] = ["#ff0000", "#0000ff", "#00ff00"].map(pixel_of);
  const look = (kind: string): KindLook =>
    kind === "forward" ? {color: red, shape: "box"} : kind === "send_activation" ? {color: blue, shape: "tall"} : {color: green, shape: "thin"};
  const lane = lane_of([event(0, 2.5), event(4, 4, "send_activation"), event(6, 8, "receive_activation"), {...event(9, 9, "send_activation"), peer: 0}]);
  const grey = pixel_of("#808080");
  const painted = new LanePixels(new Uint32Array(10), grey);
  assert.equal(painted.paint(lane, {begin_s: 0, end_s: 10}, look, 1, []), 3); // the last goes to its own rank
  assert.deepEqual([...painted.box], [red, red, mixed(grey, red, 0.5), grey, blue, blue, grey, grey, grey, grey]);
  assert.deepEqual([...painted.thin].slice(4), [blue, blue, green, green, grey, grey]);
  assert.deepEqual([...painted.tall], [0, 0, 0, 0, blue, blue, 0, 0, 0, 0]);
});

test("a receive's send is found by what the tensor is, in order where that is the same", () => {
  const sends = [{...event(0, 0, "send_activation"), peer: 1, layer: 4}, {...event(1, 1, "send_activation"), peer: 1, layer: 4}, {...event(1, 1, "send_gradient"), peer: 1, layer: 4}];
  const receive = {...event(0, 2, "receive_activation", 1), peer: 0, layer: 4};
  const events = [...sends, receive, {...receive, start_s: 2, end_s: 3}, {...receive, start_s: 3, end_s: 4}, {...receive, layer: 5}, {...receive, kind: "receive_gradient"}];
  const found = sends_of_receives({source: "x", step_s: 4, ranks: [rank("a", 0), rank("b", 1)], events});
  assert.deepEqual([...found], [-1, -1, -1, 0, 1, -1, -1, 2]);
});

test("events in columns are the events that they were", () => {
  const base64 = (...values: number[]) => Buffer.from(new Float64Array(values).buffer).toString("base64");
  const packed = {num_events: 2, kinds: ["forward", "send_activation"], kind: [1, 0], rank: [0, 3], stage: 2, micro_batch: -1, layer: [7, 8], peer: [3, -1],
    bytes: 0, resident_bytes: [5, 6], start_s: base64(0.1, 1 / 3), end_s: base64(0.1, 2)};
  assert.deepEqual(unpacked_events(packed), [
    {rank: 0, kind: "send_activation", stage: 2, micro_batch: -1, layer: 7, peer: 3, start_s: 0.1, end_s: 0.1, bytes: 0, resident_bytes: 5},
    {rank: 3, kind: "forward", stage: 2, micro_batch: -1, layer: 8, peer: -1, start_s: 1 / 3, end_s: 2, bytes: 0, resident_bytes: 6}]);
  const plain = [event(0, 1)];
  assert.equal(unpacked_events(plain), plain);
});

test("what processes hold is known from the end of one instruction to that of the next", () => {
  const ranks = [rank("a", 0), rank("b", 1), rank("c", 2)];
  const events = [{...event(0, 2), resident_bytes: 10}, {...event(0, 1, "backward"), resident_bytes: 7}, {...event(0, 3, "forward", 2), resident_bytes: 4}, event(0, 4, "forward", 1)];
  assert.deepEqual(resident_points({ranks, events}), [
    {rank: 0, points: [[0, 7], [1, 7], [2, 10]]},
    {rank: 2, points: [[0, 4], [3, 4]]}]);
});

test("a search takes every word", () => {
  const timeline = {source: "measured", step_s: 1, ranks: [rank("atlas", 1)], events: []};
  const taken = (query: string) => matcher(query, timeline, ["conv1"])({...event(0, 1, "send_gradient"), micro_batch: 3, layer: 0});
  for (const query of ["", "gradient", "send gradient", "ATLAS m3", "s2 conv1", "measured"]) assert.equal(taken(query), true, query);
  for (const query of ["m4", "s1", "atlas backward"]) assert.equal(taken(query), false, query);
});

test("an instruction is found in every timeline of its program, and its lateness is explained", () => {
  const ranks = [rank("a", 0), rank("b", 1)];
  // The receive of b waits until a sends, then for the network.
  const timeline = (source: string, forward_s: number, network_s: number): Timeline => ({source, step_s: 10, ranks, events: [
    {...event(0, forward_s), micro_batch: 0}, {...event(forward_s, forward_s, "send_activation"), peer: 1, micro_batch: 0},
    {...event(0, forward_s + network_s, "receive_activation", 1), peer: 0, micro_batch: 0},
    {...event(forward_s + network_s, forward_s + network_s + 1, "forward", 1), micro_batch: 0}]});
  const all = [timeline("predicted", 2, 1), timeline("measured", 3, 1.5)];
  const found = occurrences(all, all[0], all[0].events[3]);
  assert.deepEqual(found.map(({event: {start_s}}) => start_s), [3, 4.5]);
  assert.deepEqual(found.map(({spent_s}) => PARTS.map((part) => spent_s[part])), [[1, 1, 0, 2], [1, 1.5, 0, 3]]);
  // Its ends, 4 and 5.5, differ by what the parts differ by.
  const [predicted, measured] = found;
  close(PARTS.reduce((sum, part) => sum + measured.spent_s[part] - predicted.spent_s[part], 0), 1.5);
});

test("of instructions of one name, the second is the second everywhere", () => {
  const timeline = (source: string, shift_s: number): Timeline =>
    ({source, step_s: 9, ranks: [rank("a", 0)], events: [event(4 + shift_s, 5 + shift_s), event(shift_s, 1 + shift_s)]});
  const all = [timeline("predicted", 0), timeline("measured", 1)];
  assert.equal(occurrences(all, all[0], all[0].events[0])[1].event.start_s, 5);
  assert.equal(occurrences([all[0], {...all[1], events: []}], all[0], all[0].events[0]).length, 1);
});

test("the critical path goes from the last instruction through what it waited for", () => {
  const ranks = [rank("a", 0), rank("b", 1)];
  const path = critical_path({source: "simulated", step_s: 8, ranks, events: [
    event(0, 3), {...event(3, 3, "send_activation"), peer: 1},
    event(0, 1, "load_micro_batch", 1), {...event(1, 5, "receive_activation", 1), peer: 0}, event(5, 8, "forward", 1), event(3, 4, "optimizer_step")]});
  assert.deepEqual(path.events.map(({kind, rank: of_rank}) => `${kind} ${of_rank}`), ["forward 1", "receive_activation 1", "send_activation 0", "forward 0"]);
  assert.deepEqual(path.spent_s, {compute: 6, transfer: 2, reduction: 0, waiting: 0});
  assert.deepEqual([...path.compute_s_by_host], [["b", 3], ["a", 3]]);
});

test("a reduction's path goes on at the rank that came to it last", () => {
  const ranks = [{host: "a", parts: [{stage: 0, replica: 0}]}, {host: "b", parts: [{stage: 0, replica: 1}]}];
  const path = critical_path({source: "simulated", step_s: 8, ranks, events: [
    event(0, 2), {...event(2, 7, "reduce_gradients"), stage: 0}, event(7, 8, "optimizer_step"),
    event(0, 5, "backward", 1), {...event(5, 7, "reduce_gradients", 1), stage: 0}]});
  assert.deepEqual(path.events.map(({kind}) => kind), ["optimizer_step", "reduce_gradients", "backward"]);
  assert.deepEqual(path.spent_s, {compute: 6, transfer: 0, reduction: 2, waiting: 0});
});

test("the critical path of every timeline of the example is as long as its step", () => {
  for (const [name, document] of Object.entries(example_documents())) {
    const timelines = name === "simulation.json" ? (document as {plans: {timeline: Timeline}[]}).plans.map(({timeline}) => timeline) : "events" in document ? [document as Timeline] : [];
    for (const timeline of timelines) {
      const {spent_s} = critical_path(timeline);
      const end_s = Math.max(...timeline.events.map((entry) => entry.end_s));
      close(PARTS.reduce((sum, part) => sum + spent_s[part], 0), end_s);
    }
  }
  assert.deepEqual(critical_path({source: "x", step_s: 0, ranks: [], events: []}).events, []);
});

test("utilization is the part of the ranks that compute, bin by bin", () => {
  const timeline = {source: "x", step_s: 4, ranks: [rank("a", 0), rank("b", 1)], events: [event(0, 2), event(0.5, 1, "backward", 1), event(1, 4, "receive_activation", 1)]};
  assert.deepEqual(utilization(timeline, 4, 4), [0.75, 0.5, 0, 0]);
  assert.deepEqual(utilization({...timeline, ranks: []}, 4, 2), [0, 0]);
  assert.deepEqual(utilization(timeline, 0, 2), [0, 0]);
});

test("memory in a bin is the most that was held in it", () => {
  assert.deepEqual(most_in_bins([[0, 1], [1.5, 7], [1.75, 3]], 4, 4), [1, 7, 3, 3]);
});

test("steps of several reports are paired by host and by kind, against the first", () => {
  const measured = (step_s: number, host: string) => gather({images: {}, documents: [{name: "t", document: {format: "cadastre-timeline/1", ...{source: "measured", step_s, ranks: [rank("a", 0), rank(host, 1)],
    events: [event(0, step_s / 2), event(0, step_s / 4, "backward", 1)]}}}]});
  const timelines = paired_timelines([measured(4, "b"), measured(8, "c")]) as Timeline[];
  assert.deepEqual(paired_hosts(timelines, "compute_s"), [{name: "a", values: [2, 4]}, {name: "b", values: [1, undefined]}, {name: "c", values: [undefined, 2]}]);
  assert.deepEqual(paired_kinds(timelines), [{name: "forward", values: [2, 4]}, {name: "backward", values: [1, 2]}]);
  assert.deepEqual([difference([2, 4], 0), difference([2, 4], 1), difference([0, 4], 1), difference([2, undefined], 1)], [undefined, 1, undefined, undefined]);
  assert.equal(paired_timelines([measured(4, "b"), gather({images: {}, documents: []})]), undefined);
});
