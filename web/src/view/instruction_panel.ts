// What is known of one instruction in all timelines.

import type {Model, Timeline, TimelineEvent} from "../documents";
import {bytes, kind_label, seconds} from "../layout/format";
import {type Occurrence, PARTS} from "../layout/instructions";
import {SENDS} from "./timeline_paint";
import {type Child, el} from "./dom";

/// Where and of what the instruction is, in words.
export function event_facts({kind, rank, micro_batch = -1, layer = -1, peer = -1, stage, bytes: moved = 0}: TimelineEvent, timeline: Timeline, model: Model | undefined): string {
  const on = timeline.ranks[rank];
  return [
    `stage ${(stage !== undefined && stage >= 0 ? stage : on?.parts[0]?.stage ?? 0) + 1} on ${on?.host}`,
    micro_batch >= 0 && `micro-batch ${micro_batch}`,
    layer >= 0 && `layer ${model?.layers[layer]?.id ?? layer}`,
    peer >= 0 && peer !== rank && `${SENDS.has(kind) ? "to" : "from"} ${timeline.ranks[peer]?.host ?? `rank ${peer}`}`,
    peer === rank && "between two stages of the host",
    moved > 0 && bytes(moved),
  ].filter(Boolean).join(", ");
}

export function event_tooltip(event: TimelineEvent, timeline: Timeline, model: Model | undefined): HTMLElement[] {
  const took = SENDS.has(event.kind) ? "" : `${seconds(event.end_s - event.start_s)}, `;
  return [
    el("strong", {}, kind_label(event.kind)),
    el("div", {}, `${took}from ${seconds(event.start_s)}`),
    el("div", {}, event_facts(event, timeline, model)),
    el("div", {class: "note"}, timeline.source),
  ];
}

function signed(value_s: number): string {
  return value_s === 0 ? "0" : `${value_s > 0 ? "+" : "−"}${seconds(Math.abs(value_s))}`;
}

/// The instruction's times by source, and what the differences of its end to the truest source
/// are made of: its rank did nothing but these four up to there, so they sum to the difference.
export function instruction_panel(found: Occurrence[], model: Model | undefined): Child[] {
  const [first] = found;
  const truth = found[found.length - 1];
  const head = ["", "begins", "takes", "ends", ...(found.length > 1 ? ["ends off by", ...PARTS] : [])];
  const row = ({timeline, event, spent_s}: Occurrence) => {
    const differences = timeline === truth.timeline ? [event.end_s - truth.event.end_s].map(() => "") : [
      signed(event.end_s - truth.event.end_s), ...PARTS.map((part) => signed(spent_s[part] - truth.spent_s[part]))];
    return el("tr", {}, el("th", {scope: "row"}, timeline.source),
      ...[seconds(event.start_s), seconds(event.end_s - event.start_s), seconds(event.end_s), ...(found.length > 1 ? differences : [])].map((text) => el("td", {class: "number"}, text)));
  };
  return [
    el("h3", {}, kind_label(first.event.kind), el("span", {class: "note"}, event_facts(first.event, first.timeline, model))),
    el("div", {class: "scroll", tabindex: 0, role: "group", "aria-label": "The instruction in each timeline"}, el("table", {class: "plain"},
      el("thead", {}, el("tr", {}, ...head.map((text) => text ? el("th", {scope: "col", class: "number"}, text) : el("td", {})))),
      el("tbody", {}, ...found.map(row)))),
    found.length > 1 && el("p", {class: "note"},
      `Off by: against ${truth.timeline.source}; compute, transfer, reduction and waiting are what the rank did until then, and sum to it.`),
  ];
}
