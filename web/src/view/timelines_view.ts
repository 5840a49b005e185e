// The timelines of a plan in one picture with one time axis that zooms and moves: for each rank a row
// of each source. Search, selection, the critical path, and use and memory over time below.

import type {Model, SimulationFigures, Timeline, TimelineEvent} from "../documents";
import {type CriticalPath, critical_path} from "../layout/critical_path";
import {bytes, kind_label, percent, plural, seconds} from "../layout/format";
import {occurrences} from "../layout/instructions";
import {type Lane, event_at, lanes_of} from "../layout/lanes";
import {KINDS, kind_color, stage_color} from "../layout/palette";
import {type PlanView, timeline_is_of} from "../layout/strategies";
import {type Viewport, common_axis, x_to_time, zoomed} from "../layout/timeline_layout";
import {type HostRows, type Row, matcher, row_at, rows_layout, visible_hosts} from "../layout/timeline_rows";
import {most_in_bins, resident_points, utilization} from "../layout/utilization";
import {el, section, stage_chip, swatch} from "./dom";
import {event_tooltip, instruction_panel} from "./instruction_panel";
import {saved_by} from "./save";
import {add_gestures} from "./timeline_gestures";
import {AXIS, type Marks, paint_axis, paint_curves, paint_rows} from "./timeline_paint";
import {timeline_savings} from "./timeline_save";
import {hide_tooltip, show_tooltip} from "./tooltip";

const MOST_CHIPS = 3; // of stages, beside a host
const MOST_HEIGHT = 620; // pixels of rows; more are scrolled
const CURVE_HEIGHT = 44;
const BINS = 400;

function legend(timelines: Timeline[]): HTMLElement {
  const seen = new Set<string>();
  for (const {events} of timelines) for (const {kind} of events) seen.add(kind);
  return el("ul", {class: "legend"},
    ...KINDS.filter((kind) => seen.has(kind)).map((kind) => el("li", {}, swatch(`var(${kind_color(kind)})`), kind_label(kind))));
}

function host_label({host, rank, top, height, rows}: HostRows, scroll_top: number): HTMLElement {
  const stages = rank.parts.map(({stage}) => stage);
  const more = stages.length - MOST_CHIPS;
  return el("div", {class: "host-label", style: `top: ${top - scroll_top}px; height: ${height}px`,
    title: `stage${stages.length > 1 ? "s" : ""} ${stages.map((stage) => stage + 1).join(", ")} on ${host}`},
    el("span", {class: "host-name"}, host),
    el("span", {class: "chips"}, ...stages.slice(0, MOST_CHIPS).map((stage) => stage_chip(stage, stage_color(stage))),
      more > 0 && el("span", {class: "more"}, `+${more}`)),
    ...rows.map((row) => el("span", {class: "row-source", style: `top: ${row.top - top}px`}, row.timeline.source)));
}

/// What a critical path is made of, the greatest part first.
function path_text({spent_s}: CriticalPath): string {
  const parts = Object.entries(spent_s).sort((a, b) => b[1] - a[1]);
  const total_s = parts.reduce((sum, [, value]) => sum + value, 0);
  if (total_s <= 0) return "no instructions";
  return parts.filter(([, value]) => value / total_s > 0.005).map(([part, value]) => `${percent(value / total_s, 0)} ${part}`).join(", ");
}

/// One sentence per source: its step, and its critical path once that is known: in `later`, which is
/// called after the first drawing, which must not wait for it.
function source_notes(view: PlanView, path_of: (timeline: Timeline) => CriticalPath, later: (() => void)[]): HTMLElement {
  return el("ul", {class: "source-notes note"}, ...view.timelines.map((timeline) => {
    const path = el("span", {});
    later.push(() => (path.textContent = `; its critical path: ${path_text(path_of(timeline))}`));
    return el("li", {}, el("strong", {}, timeline.source), ` ${seconds(timeline.step_s)} a step${timeline_is_of(timeline, view) ? "" : " (of another plan)"}`, path);
  }));
}

export function timelines_section(plan: PlanView, model: Model | undefined, figures: SimulationFigures | undefined): HTMLElement {
  const {timelines} = plan;
  const axis = common_axis(timelines);
  const layout = rows_layout(timelines);
  const all_rows = layout.hosts.flatMap(({rows}) => rows);
  const rows_of = (timeline: Timeline, lanes: Lane[]) => all_rows.filter((row) => row.timeline === timeline).map((row): [Row, Lane] => [row, lanes[row.rank]]);
  const paths = new Map<Timeline, CriticalPath>();
  const path_of = (timeline: Timeline) => {
    const path = paths.get(timeline) ?? critical_path(timeline);
    paths.set(timeline, path);
    return path;
  };
  const critical_lanes = () => new Map(timelines.flatMap((timeline) => {
    const on_path = new Set(path_of(timeline).events);
    return rows_of(timeline, lanes_of(timeline, (event) => on_path.has(event)));
  }));
  const height = Math.min(layout.height, MOST_HEIGHT);
  let view: Viewport = axis;
  let width = 0;
  const marks: Marks = {found: undefined, critical: undefined, selected: new Map(), pointer_s: undefined};

  const axis_canvas = el("canvas", {class: "axis", "aria-hidden": "true", style: `height: ${AXIS}px`});
  const canvas = el("canvas", {role: "img", style: `height: ${height}px`, "aria-label":
    `Timelines of ${plural(layout.hosts.length, "host")}: ${timelines.map(({source, events, step_s}) => `${source}, ${plural(events.length, "instruction")}, ${seconds(step_s)} a step`).join("; ")}`});
  const gutter = el("div", {class: "gutter", style: `height: ${height}px`});
  const pane = el("div", {class: "pane"}, gutter, canvas);
  const rows = el("div", {class: "rows", style: `height: ${height}px`}, el("div", {style: `height: ${layout.height}px`}, pane));
  const thumb = el("span");
  const overview = el("div", {class: "overview", "aria-hidden": "true"}, thumb);
  const curves = curve_rows(timelines, axis, figures);
  const area = el("div", {class: "timelines", tabindex: 0, role: "group", "aria-label":
    "Timelines. Arrow keys move, plus and minus zoom, 0 shows everything, n and p select the next and previous instruction."},
    el("div", {class: "axis-row"}, el("div"), axis_canvas), rows,
    ...curves.map(({label, canvas: curve}) => el("div", {class: "axis-row curve"}, label, curve)),
    el("div", {class: "axis-row"}, el("div"), overview));
  saved_by(area, () => timeline_savings(timelines, model, () => ({layout, view, width, top: rows.scrollTop, height, marks,
    curves: curves.map(({label, canvas: curve}) => ({name: label.firstElementChild?.textContent ?? "", canvas: curve}))})));
  const panel = el("div", {class: "instruction", "aria-live": "polite"});

  const later: (() => void)[] = [];
  let frame = 0;
  let labelled_top = -1; // what the host labels were last put beside
  const draw = () => {
    frame = 0;
    if (width === 0) return;
    paint_axis(axis_canvas, view, width);
    const top = rows.scrollTop;
    const hosts = visible_hosts(layout, top, height);
    const drawn = paint_rows(canvas, hosts.flatMap((host) => host.rows), top, view, width, height, marks);
    if (top !== labelled_top) gutter.replaceChildren(...hosts.map((host) => host_label(host, top)));
    labelled_top = top;
    for (const {canvas: curve, lines} of curves) paint_curves(curve, lines, axis.end_s, view, width, CURVE_HEIGHT);
    if (area.dataset.boxes === undefined) {
      performance.mark("timelines-drawn"); // see viewer_benchmark.ts
      later.forEach((act) => setTimeout(act, 0));
    }
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
  const row_of = (timeline: Timeline, event: TimelineEvent) => all_rows.find((row) => row.timeline === timeline && row.rank === event.rank) as Row;

  const select = (row: Row | undefined, event: TimelineEvent | undefined) => {
    const found = row && event ? occurrences(timelines, row.timeline, event) : [];
    marks.selected = new Map(found.map((entry) => [row_of(entry.timeline, entry.event), entry.event]));
    panel.replaceChildren(...(found.length > 0 ? instruction_panel(found, model) : []).filter(Boolean) as Node[]);
    if (row && event) {
      const length_s = view.end_s - view.begin_s;
      if (event.end_s < view.begin_s || event.start_s > view.end_s) look_at({begin_s: event.start_s - length_s / 2, end_s: event.start_s + length_s / 2});
      if (row.top < rows.scrollTop || row.top > rows.scrollTop + height - 20) rows.scrollTop = row.top - height / 2;
    }
    redraw();
  };
  /// The instruction after (or before) the selected one: of what was found, else of its rank.
  const step_to = (direction: 1 | -1) => {
    const [current] = [...marks.selected];
    const row = current?.[0] ?? all_rows.find((entry) => (marks.found?.get(entry) ?? entry.lane).events.length > 0);
    if (!row) return;
    const {events} = marks.found?.get(row) ?? row.lane;
    const index = current ? events.indexOf(current[1]) : direction > 0 ? -1 : 0;
    const next = events[index + direction];
    if (next) return select(row, next);
    const later = all_rows.slice(all_rows.indexOf(row)).concat(all_rows.slice(0, all_rows.indexOf(row))).slice(1);
    const other = (direction > 0 ? later : later.reverse()).find((entry) => (marks.found?.get(entry)?.events.length ?? 0) > 0);
    if (other) select(other, (marks.found?.get(other) as Lane).events.at(direction > 0 ? 0 : -1));
  };

  add_gestures(area, canvas, {
    view: () => view, axis, width: () => width, look_at, step_to,
    leave: () => select(undefined, undefined),
    point: (x, y, event) => {
      const row = x === undefined ? undefined : row_at(layout, y + rows.scrollTop);
      marks.pointer_s = x === undefined ? undefined : x_to_time(x, view, width);
      const found = row && x !== undefined ? event_at(row.lane, x, view, width) : undefined;
      if (row && found && event) show_tooltip(event.clientX, event.clientY, ...event_tooltip(found, row.timeline, model));
      else hide_tooltip();
      redraw();
    },
    pick: (x, y) => {
      const row = row_at(layout, y + rows.scrollTop);
      select(row, row && event_at(row.lane, x, view, width));
    },
  });
  rows.addEventListener("scroll", redraw);
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  window.addEventListener("beforeprint", draw);
  window.addEventListener("afterprint", redraw);
  new ResizeObserver(() => {
    width = Math.floor(canvas.clientWidth);
    redraw();
  }).observe(canvas);

  return section("timelines", timelines.length > 1 ? "Timelines" : "Timeline",
    `One step of the ${plan.strategy === "timeline" ? "given" : plan.strategy} plan. Numbers are micro-batches; a dotted line ends the step.` +
      (timelines.some(({ranks}) => ranks.some(({parts}) => parts.length > 1)) ? " Where a host serves several stages, the line below an instruction has its stage's colour." : ""),
    source_notes(plan, path_of, later),
    tools(legend(timelines), {
      zoom: (factor) => look_at(zoomed(view, axis, factor, (view.begin_s + view.end_s) / 2)),
      all: () => look_at(axis), step_to,
      critical: (shown) => {
        marks.critical = shown ? critical_lanes() : undefined;
        redraw();
      },
      search: (query) => {
        const ids = model?.layers.map(({id}) => id) ?? [];
        marks.found = query.trim() === "" ? undefined : new Map(timelines.flatMap((timeline) => {
          const matches = matcher(query, timeline, ids);
          return rows_of(timeline, lanes_of(timeline, matches));
        }));
        redraw();
        return marks.found && [...marks.found.values()].reduce((sum, {events}) => sum + events.length, 0);
      },
    }),
    area,
    el("p", {class: "note"}, "Drag to move; click to select; then turn the wheel to zoom (or Ctrl and wheel); keys ← → + − 0, n and p."),
    panel);
}

interface Tools {
  zoom: (factor: number) => void;
  all: () => void;
  critical: (shown: boolean) => void;
  search: (query: string) => number | undefined; // how many were found
  step_to: (direction: 1 | -1) => void;
}

function tools(left: HTMLElement, {zoom, all, critical, search, step_to}: Tools): HTMLElement {
  const button = (label: string, title: string, act: () => void) => {
    const element = el("button", {type: "button", title, "aria-label": title}, label);
    element.addEventListener("click", act);
    return element;
  };
  const found = el("span", {class: "note", role: "status"});
  const input = el("input", {type: "search", placeholder: "Find: backward m3 s2 host", "aria-label": "Find instructions by kind, host, layer, stage (s2) or micro-batch (m3)"});
  input.addEventListener("input", () => {
    const number = search(input.value);
    found.textContent = number === undefined ? "" : `${plural(number, "instruction")}`;
  });
  input.addEventListener("keydown", ({key, shiftKey}) => key === "Enter" && step_to(shiftKey ? -1 : 1));
  const path = el("input", {type: "checkbox"});
  path.addEventListener("change", () => critical(path.checked));
  return el("div", {class: "tools"}, left,
    el("div", {class: "buttons"}, found, input, el("label", {class: "check"}, path, "critical path"),
      button("−", "Zoom out", () => zoom(1 / 0.7)), button("+", "Zoom in", () => zoom(0.7)), button("all", "Show all", all)));
}

interface CurveRow {
  label: HTMLElement;
  canvas: HTMLCanvasElement;
  lines: {values: number[]; color: string}[];
}

/// The use of the ranks by source, the memory that the simulation counted by host, and that of the
/// measured ranks' processes.
function curve_rows(timelines: Timeline[], axis: Viewport, figures: SimulationFigures | undefined): CurveRow[] {
  const canvas = (label: string) => el("canvas", {role: "img", "aria-label": label, style: `height: ${CURVE_HEIGHT}px`});
  const mean = ({events, ranks, step_s}: Timeline) => utilization({events, ranks, step_s, source: ""}, step_s, 1)[0];
  const uses = timelines.map((timeline) => `${timeline.source} ${percent(mean(timeline), 0)}`).join(", ");
  const rows: CurveRow[] = [{
    label: el("div", {class: "curve-label"}, el("span", {}, "busy ranks"), el("span", {class: "note"}, "0 to 100\u202f%")),
    canvas: canvas(`Part of the ranks that compute, over time; in the mean ${uses}`),
    lines: timelines.map((timeline) => ({values: utilization(timeline, axis.end_s, BINS), color: `--source-${timeline.source}`})),
  }];
  const memories = (figures?.hosts ?? []).filter(({memory}) => (memory?.length ?? 0) > 0);
  const most = Math.max(0, ...memories.map(({peak_memory_bytes}) => peak_memory_bytes));
  if (most > 0)
    rows.push({
      label: el("div", {class: "curve-label"}, el("span", {}, "memory"), el("span", {class: "note"}, `0 to ${bytes(most)}`)),
      canvas: canvas(`Memory of each host over time, simulated; ${memories.slice(0, 20).map(({host, peak_memory_bytes}) => `${host} at most ${bytes(peak_memory_bytes)}`).join(", ")}`),
      lines: memories.slice(0, 64).map(({memory = []}, index) => ({values: most_in_bins(memory, axis.end_s, BINS).map((value) => value / most), color: stage_color(index)})),
    });
  const measured = timelines.find(({source}) => source === "measured");
  const residents = measured ? resident_points(measured) : [];
  const highest = residents.map(({points}) => points.reduce((so_far, [, held]) => Math.max(so_far, held), 0));
  const most_resident = Math.max(0, ...highest);
  if (measured && most_resident > 0)
    rows.push({
      label: el("div", {class: "curve-label"}, el("span", {}, "processes' memory"), el("span", {class: "note"}, `0 to ${bytes(most_resident)}`)),
      canvas: canvas(`Memory of each rank's process over time, measured, programs and libraries included; ${residents.slice(0, 20).map(({rank}, index) => `rank ${rank} at most ${bytes(highest[index])}`).join(", ")}`),
      lines: residents.slice(0, 64).map(({points}, index) => ({values: most_in_bins(points, axis.end_s, BINS).map((value) => value / most_resident), color: stage_color(index)})),
    });
  return rows;
}

