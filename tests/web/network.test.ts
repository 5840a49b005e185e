// What the network's section says: links, bottleneck, flows, and tables as CSV.

import assert from "node:assert/strict";
import {test} from "node:test";
import type {SimulationFigures, Timeline} from "../../web/src/documents";
import {critical_path} from "../../web/src/layout/critical_path";
import {csv_text, plain_text} from "../../web/src/layout/csv";
import {traffic_of_timeline} from "../../web/src/layout/loads";
import {bottleneck_sentences, flows_of, links_of, rate_text, traffic_of_figures} from "../../web/src/layout/network";

const ranks = ["a", "b", "c"].map((host, stage) => ({host, parts: [{stage, replica: 0}]}));
/// a computes for 2 s, sends 100 bytes to b, which get there after 3 s, and 20 to c.
const timeline: Timeline = {source: "simulated", step_s: 6, ranks, events: [
  {rank: 0, kind: "forward", start_s: 0, end_s: 2}, {rank: 0, kind: "send_activation", peer: 1, start_s: 2, end_s: 2, bytes: 100},
  {rank: 0, kind: "send_gradient", peer: 2, start_s: 2, end_s: 2, bytes: 20},
  {rank: 1, kind: "receive_activation", peer: 0, start_s: 0, end_s: 5, bytes: 100}, {rank: 1, kind: "forward", start_s: 5, end_s: 6}]};
const figures: SimulationFigures = {
  links: [{link: "b.down", bandwidth_bytes_per_s: 1.25e8, bytes: 100, utilisation: [0, 0.5, 0]}, {link: "hall.up", bandwidth_bytes_per_s: 1e6, bytes: 120, utilisation: [0, 1, 0.96]}],
  traffic: [{from: "a", to: "b", bytes: 100}, {from: "a", to: "c", bytes: 20}, {from: "x", to: "c", bytes: 9}]};
const zones = [{name: "hall", hosts: ["a"], bandwidth_bytes_per_s: 1e6, latency_s: 0}];

test("links are told by their use, the most used first", () => {
  const [first, second] = links_of(figures);
  assert.equal(first.name, "hall.up");
  assert.ok(Math.abs(first.mean - 1.96 / 3) < 1e-12 && first.most === 1 && Math.abs(first.full - 2 / 3) < 1e-12);
  assert.deepEqual([second.full, second.most], [0, 0.5]);
  assert.deepEqual(links_of(undefined), []);
  assert.deepEqual(links_of({links: [{link: "l", bandwidth_bytes_per_s: 1, bytes: 0, utilisation: []}]})[0].mean, 0);
});

test("traffic that was counted is by hosts that are known", () => {
  const traffic = traffic_of_figures(figures, ["a", "b", "c"]);
  assert.deepEqual([traffic.bytes, traffic.total_bytes, traffic.most_bytes], [[[0, 100, 20], [0, 0, 0], [0, 0, 0]], 120, 100]);
  assert.deepEqual(flows_of(traffic).map(({from, to, bytes}) => `${from} ${to} ${bytes}`), ["a b 100", "a c 20"]);
});

test("the bottleneck is named, with what it carries and what a faster network can bring", () => {
  const [busiest, carries, why] = bottleneck_sentences(links_of(figures), timeline, traffic_of_timeline(timeline), critical_path(timeline), zones);
  assert.equal(busiest, "The busiest link is hall.up (8\u202fMbit/s): in the mean 65\u202f% of its capacity is in use, and all of it for 67\u202f% of the step.");
  assert.equal(carries, "It carries 120\u202fB a step: 83\u202f% activations, 17\u202f% gradients of activations; most goes from a to b (100\u202fB).");
  // 3 of 6 seconds
  assert.equal(why, "50\u202f% of the critical path is spent on the network: a faster one shortens the step by that at most.");
  assert.deepEqual(bottleneck_sentences([], {...timeline, events: []}, traffic_of_timeline({...timeline, events: []}), critical_path({...timeline, events: []}), []), []);
});

test("rates are told in bits", () => {
  assert.deepEqual([1.25e8, 1.25e6, 1.25e10].map(rate_text), ["1\u202fGbit/s", "10\u202fMbit/s", "100\u202fGbit/s"]);
});

test("CSV quotes what needs it, and no text becomes a formula", () => {
  assert.equal(csv_text([["a,b", 'say "x"', -1.5, undefined, Number.NaN, "=1+1", "-2", "-x"]]), '"a,b","say ""x""",-1.5,,,\'=1+1,-2,\'-x\r\n');
  assert.equal(plain_text("1\u202f234\u202f567"), "1234567");
  assert.equal(plain_text(" 12\u202f% \n of it"), "12 % of it");
  assert.equal(plain_text("–"), "");
});
