// The timelines of a plan, one above the other on one time axis that zooms and pans for all.

import {ticks} from "d3-array";
import type {Model, Timeline, TimelineEvent, TimelineRank} from "../documents";
import {bytes, kind_label, seconds, time_unit} from "../layout/format";
import {KINDS, kind_color, stage_color} from "../layout/palette";
import {type PlanView, timeline_is_of} from "../layout/strategies";
import {
  type Viewport,
  common_axis,
  event_at,
  lanes_of,
  panned,
  time_to_x,
  visible_boxes,
  x_to_time,
  zoomed,
} from "../layout/timeline_layout";
import {el, section, stage_chip, swatch} from "./dom";
import {hide_tooltip, show_tooltip} from "./tooltip";

const LANE = 24; // pixels from one lane to the next
const BOX = 18; // pixels of height of a box
const AXIS = 22;
const MOST_CHIPS = 3; // of stages, beside a lane
const RECEIVES = new Set(["receive_activation", "receive_gradient"]);
const SENDS = new Set(["send_activation", "send_gradient", "start_reduction"]); // entered and left at once
const LIGHT_TEXT = new Set(["forward", "optimizer_step", "reduce_gradients"]);

interface Panel {
  timeline: Timeline;
  lanes: TimelineEvent[][];
  canvas: HTMLCanvasElement;
}

/// The colours of the page's current theme, by CSS variable.
function theme_colors(): (variable: string) => string {
  const style = getComputedStyle(document.documentElement);
  const known = new Map<string, string>();
  return (variable) => {
    const color = known.get(variable) ?? style.getPropertyValue(variable).trim();
    known.set(variable, color);
    return color;
  };
}

/// A context of a canvas that is `width` × `height` CSS pixels, cleared, at the screen's resolution.
function context_of(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D {
  const scale = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const context = canvas.getContext("2d") as CanvasRenderingContext2D;
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.font = `11px ${getComputedStyle(document.body).fontFamily}`;
  context.textBaseline = "middle";
  return context;
}

function axis_ticks(view: Viewport, width: number): number[] {
  return ticks(view.begin_s, view.end_s, Math.max(2, Math.floor(width / 90)));
}

function draw_axis(canvas: HTMLCanvasElement, view: Viewport, width: number): void {
  const color = theme_colors();
  const context = context_of(canvas, width, AXIS);
  const unit = time_unit(view.end_s);
  context.fillStyle = color("--muted");
  const marks = axis_ticks(view, width);
  const step = marks.length > 1 ? (marks[1] - marks[0]) / unit.size : 1;
  const decimals = Math.max(0, Math.min(12, -Math.floor(Math.log10(step) + 1e-9)));
  for (const time_s of marks) {
    const x = time_to_x(time_s, view, width);
    const text = `${(time_s / unit.size).toFixed(decimals)} ${unit.name}`;
    const half = context.measureText(text).width / 2;
    context.fillText(text, Math.min(width - 2 * half, Math.max(0, x - half)), AXIS / 2);
  }
}

function draw_panel({timeline, lanes, canvas}: Panel, view: Viewport, width: number, pointer_s: number | undefined): number {
  const color = theme_colors();
  const height = lanes.length * LANE;
  const context = context_of(canvas, width, height);
  context.fillStyle = color("--grid");
  for (const time_s of axis_ticks(view, width)) context.fillRect(Math.round(time_to_x(time_s, view, width)), 0, 1, height);
  let drawn = 0;
  lanes.forEach((lane, index) => {
    const top = index * LANE + (LANE - BOX) / 2;
    context.fillStyle = color("--lane");
    context.fillRect(0, top, width, BOX);
    for (const box of visible_boxes(lane, view, width)) {
      const {kind, stage = -1, micro_batch = -1} = box.event;
      if (box.event.peer === box.event.rank) continue; // between two stages of the rank: no network
      const gap = box.width > 4 ? 0.75 : 0;
      ++drawn;
      if (RECEIVES.has(kind)) { // waiting is not work: a thin line, not a box
        context.fillStyle = color(kind_color(kind));
        context.fillRect(box.x, top + BOX / 2 - 2, Math.max(0.75, box.width - gap), 4);
        continue;
      }
      context.fillStyle = color(kind_color(kind));
      if (SENDS.has(kind)) context.fillRect(box.x - 0.5, top - 2, 2, BOX + 4);
      else context.fillRect(box.x, top, box.width - gap, BOX);
      if (timeline.ranks[index].parts.length > 1 && !SENDS.has(kind) && box.width > 2) {
        context.fillStyle = color(stage_color(stage));
        context.fillRect(box.x, top + BOX, box.width - gap, 2);
      }
      const text = micro_batch >= 0 ? String(micro_batch) : "";
      if (text && !SENDS.has(kind) && box.width > context.measureText(text).width + 5) {
        context.fillStyle = color(LIGHT_TEXT.has(kind) ? "--on-dark" : "--on-light");
        context.fillText(text, box.x + (box.width - gap - context.measureText(text).width) / 2, top + BOX / 2 + 0.5);
      }
    }
  });
  const end_x = time_to_x(timeline.step_s, view, width);
  context.fillStyle = color("--text");
  for (let y = 0; y < height; y += 6) context.fillRect(Math.round(end_x) - 1, y, 1, 3);
  if (pointer_s !== undefined) {
    context.fillStyle = color("--accent");
    context.fillRect(Math.round(time_to_x(pointer_s, view, width)), 0, 1, height);
  }
  return drawn;
}

function event_text(event: TimelineEvent, timeline: Timeline, model: Model | undefined): HTMLElement[] {
  const {micro_batch = -1, layer = -1, peer = -1} = event;
  const rank = timeline.ranks[event.rank];
  const facts = [
    micro_batch >= 0 && `micro-batch ${micro_batch}`,
    layer >= 0 && `layer ${model?.layers[layer]?.id ?? layer}`,
    peer >= 0 && peer !== event.rank && `${SENDS.has(event.kind) ? "to" : "from"} ${timeline.ranks[peer]?.host ?? `rank ${peer}`}`,
    peer === event.rank && "between two stages of the host",
    (event.bytes ?? 0) > 0 && bytes(event.bytes as number),
  ].filter(Boolean);
  const took = SENDS.has(event.kind) ? "" : `${seconds(event.end_s - event.start_s)}, `;
  return [
    el("strong", {}, kind_label(event.kind)),
    el("div", {}, `${took}from ${seconds(event.start_s)}`),
    facts.length > 0 ? el("div", {}, facts.join(", ")) : el("div"),
    el("div", {class: "note"}, `stage ${(event.stage ?? rank.parts[0]?.stage ?? 0) + 1} on ${rank.host}, ${timeline.source}`),
  ];
}

function legend(timelines: Timeline[]): HTMLElement {
  const seen = new Set(timelines.flatMap(({events}) => events.map(({kind}) => kind)));
  return el("ul", {class: "legend"},
    ...KINDS.filter((kind) => seen.has(kind)).map((kind) =>
      el("li", {}, swatch(`var(${kind_color(kind)})`), kind_label(kind))));
}

export function timelines_section(plan: PlanView, model: Model | undefined): HTMLElement {
  const timelines = plan.timelines;
  const axis = common_axis(timelines);
  let view = axis;
  let pointer_s: number | undefined;
  let width = 0;

  const axis_canvas = el("canvas", {class: "axis", "aria-hidden": "true", style: `height: ${AXIS}px`});
  const thumb = el("span");
  const overview = el("div", {class: "overview", "aria-hidden": "true"}, thumb);
  const panels: Panel[] = timelines.map((timeline) => ({
    timeline,
    lanes: lanes_of(timeline),
    canvas: el("canvas", {role: "img", style: `height: ${timeline.ranks.length * LANE}px`,
      "aria-label": `${timeline.source} timeline: ${timeline.ranks.length} ranks, ${timeline.events.length} instructions, ${seconds(timeline.step_s)} a step`}),
  }));
  const area = el("div", {class: "timelines", tabindex: 0, role: "group",
    "aria-label": "Timelines. Arrow keys move, plus and minus zoom, 0 shows everything."});

  let frame = 0;
  const draw = () => {
    frame = 0;
    if (width === 0) return;
    draw_axis(axis_canvas, view, width);
    const drawn = panels.reduce((sum, panel) => sum + draw_panel(panel, view, width, pointer_s), 0);
    area.dataset.boxes = String(drawn);
    area.dataset.view = `${view.begin_s} ${view.end_s}`;
    const axis_s = axis.end_s - axis.begin_s;
    thumb.style.left = `${(100 * (view.begin_s - axis.begin_s)) / axis_s}%`;
    thumb.style.width = `${(100 * (view.end_s - view.begin_s)) / axis_s}%`;
  };
  const redraw = () => void (frame ||= requestAnimationFrame(draw));
  const look_at = (next: Viewport) => {
    view = next;
    redraw();
  };
  const zoom_middle = (factor: number) => look_at(zoomed(view, axis, factor, (view.begin_s + view.end_s) / 2));

  const lane_label = ({host, parts}: TimelineRank) => {
    const stages = parts.map(({stage}) => stage);
    const more = stages.length - MOST_CHIPS;
    return el("div", {class: "lane-label", title: `stage${stages.length > 1 ? "s" : ""} ${stages.map((stage) => stage + 1).join(", ")} on ${host}`},
      ...stages.slice(0, MOST_CHIPS).map((stage) => stage_chip(stage, stage_color(stage))),
      more > 0 && el("span", {class: "more"}, `+${more}`),
      el("span", {}, host));
  };
  const shared = timelines.some(({ranks}) => ranks.some(({parts}) => parts.length > 1));
  area.append(
    el("div", {class: "gutter"}), axis_canvas,
    ...panels.flatMap(({timeline, canvas}) => [
      el("h3", {}, timeline.source, el("span", {class: "note"}, `${seconds(timeline.step_s)} a step${timeline_is_of(timeline, plan) ? "" : ", of another plan"}`)),
      el("div", {class: "gutter"}, ...timeline.ranks.map(lane_label)),
      canvas,
    ]),
    el("div", {class: "gutter"}), overview,
  );

  const x_of = (event: MouseEvent) => event.clientX - axis_canvas.getBoundingClientRect().left;
  let drag: {x: number; view: Viewport} | undefined;
  area.addEventListener("pointerdown", (event) => {
    if (!(event.target instanceof HTMLCanvasElement) || event.button !== 0) return;
    drag = {x: event.clientX, view};
    area.setPointerCapture(event.pointerId);
    area.focus({preventScroll: true});
  });
  const end_drag = () => {
    drag = undefined;
    area.classList.remove("dragging");
  };
  area.addEventListener("pointerup", end_drag);
  area.addEventListener("pointercancel", end_drag);
  area.addEventListener("pointermove", (event) => {
    if (drag && Math.abs(event.clientX - drag.x) > 2) {
      area.classList.add("dragging");
      hide_tooltip();
      return look_at(panned(drag.view, axis, (drag.x - event.clientX) / width));
    }
    const x = x_of(event);
    pointer_s = x >= 0 && x <= width ? x_to_time(x, view, width) : undefined;
    redraw();
    const panel = panels.find(({canvas}) => canvas === document.elementFromPoint(event.clientX, event.clientY));
    const lane = panel && panel.lanes[Math.floor((event.clientY - panel.canvas.getBoundingClientRect().top) / LANE)];
    const found = lane && event_at(lane, x, view, width);
    if (panel && found) show_tooltip(event.clientX, event.clientY, ...event_text(found, panel.timeline, model));
    else hide_tooltip();
  });
  area.addEventListener("pointerleave", () => {
    pointer_s = undefined;
    hide_tooltip();
    redraw();
  });
  // A page is scrolled by the same wheel: it zooms only where that was asked for, by a click into
  // the timelines, or by Ctrl (which is also what pinching a touchpad sends).
  area.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && document.activeElement !== area) return;
    event.preventDefault();
    const pixels = event.deltaMode === 1 ? 16 : 1;
    if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) look_at(panned(view, axis, (event.deltaX * pixels) / width));
    else look_at(zoomed(view, axis, Math.exp(event.deltaY * pixels * 0.002), x_to_time(x_of(event), view, width)));
  }, {passive: false});
  const keys: {[key: string]: () => void} = {
    ArrowLeft: () => look_at(panned(view, axis, -0.2)),
    ArrowRight: () => look_at(panned(view, axis, 0.2)),
    "+": () => zoom_middle(0.7),
    "=": () => zoom_middle(0.7),
    "-": () => zoom_middle(1 / 0.7),
    "0": () => look_at(axis),
    Home: () => look_at(axis),
    Escape: () => area.blur(),
  };
  area.addEventListener("keydown", (event) => {
    const act = event.ctrlKey || event.metaKey || event.altKey ? undefined : keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
  area.addEventListener("dblclick", () => look_at(axis));
  // `scheme` is kept by the listener for as long as the page lives.
  const scheme = window.matchMedia("(prefers-color-scheme: dark)");
  scheme.addEventListener("change", redraw);
  new ResizeObserver(() => {
    width = Math.floor(axis_canvas.clientWidth);
    redraw();
  }).observe(axis_canvas);

  const button = (label: string, title: string, act: () => void) => {
    const element = el("button", {type: "button", title, "aria-label": title}, label);
    element.addEventListener("click", act);
    return element;
  };
  return section("timelines", timelines.length > 1 ? "Timelines" : "Timeline",
    `One step of the ${plan.strategy === "timeline" ? "given" : plan.strategy} plan, a lane per rank` +
      (timelines.length > 1 ? ", all on one time axis" : "") +
      ". Numbers are micro-batches; a dotted line ends the step." +
      (shared ? " Where a host serves several stages, the line below an instruction has its stage's colour." : ""),
    el("div", {class: "tools"}, legend(timelines),
      el("div", {class: "buttons"},
        button("−", "Zoom out", () => zoom_middle(1 / 0.7)),
        button("+", "Zoom in", () => zoom_middle(0.7)),
        button("all", "Show all", () => look_at(axis)))),
    area,
    el("p", {class: "note"}, "Drag to move; click, then turn the wheel to zoom (or Ctrl and wheel); keys ← → + − 0."));
}
