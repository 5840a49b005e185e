// The model graph, coloured by stage, with the facts of the layer that is pointed at.

import {curveBasis, line} from "d3-shape";
import type {Layer, Model, Report} from "../documents";
import {bytes, kind_label, percent, plural, seconds} from "../layout/format";
import {type GraphNode, graph_layout, stage_of_layers} from "../layout/graph_layout";
import {type Module, first_open, folded, module_tree} from "../layout/modules";
import {stage_color} from "../layout/palette";
import {type Shape, shape_text, shapes_of} from "../layout/shapes";
import type {PlanView} from "../layout/strategies";
import {type Child, el, section, stage_chip, svg, term} from "./dom";

const NODE = {width: 124, height: 34};
const NARROW_NODE = {width: 104, height: 34};
const HIDDEN_ATTRIBUTES = new Set(["id", "kind", "inputs", "output_shape"]);

interface LayerFacts {
  layer?: Layer; // absent for a model input
  id: string;
  shape: Shape | undefined;
  stage: number;
}

function attribute_text(layer: Layer): string {
  return Object.entries(layer)
    .filter(([key]) => !HIDDEN_ATTRIBUTES.has(key))
    .map(([key, value]) => `${kind_label(key)} ${String(value)}`)
    .join(", ");
}

function layer_panel(report: Report, view: PlanView | undefined, {layer, id, shape, stage}: LayerFacts): Child[] {
  const cost = report.profile?.layers.find((entry) => entry.layer === id);
  const last = cost?.measurements[cost.measurements.length - 1];
  const hosts = view?.stages?.[stage]?.replicas.map(({host, share}) =>
    share < 1 ? `${host} (${percent(share, 0)} of each micro-batch)` : host);
  return [
    el("h3", {}, id),
    el("dl", {},
      term("kind", layer ? kind_label(layer.kind) : "model input"),
      layer && attribute_text(layer) && term("settings", attribute_text(layer)),
      shape && term("output per sample", shape_text(shape)),
      hosts && term("stage", el("span", {}, stage_chip(stage, stage_color(stage)), ` ${hosts.join(", ")}`)),
      last && term(`forward, ${plural(last.batch_size, "sample")}`, seconds(last.forward_s)),
      last && term(`backward, ${plural(last.batch_size, "sample")}`, seconds(last.backward_s)),
      cost && term("parameters", cost.parameter_bytes > 0 ? bytes(cost.parameter_bytes) : "none"),
      cost && term("output size per sample", bytes(cost.activation_bytes_per_sample)),
    ),
  ];
}

/// Forward and backward of the largest batch that was measured.
function time_of_layer(report: Report): (layer: string) => number {
  const times_s = new Map(report.profile?.layers.map(({layer, measurements}) => {
    const last = measurements[measurements.length - 1];
    return [layer, last ? last.forward_s + last.backward_s : 0];
  }));
  return (layer) => times_s.get(layer) ?? 0;
}

function module_panel(report: Report, {layers, parts}: Module, name: string): Child[] {
  const time_of = time_of_layer(report);
  const parameters = new Map(report.profile?.layers.map(({layer, parameter_bytes}) => [layer, parameter_bytes]));
  const sum = (of: (layer: string) => number) => layers.reduce((total, layer) => total + of(layer), 0);
  return [
    el("h3", {}, name),
    el("dl", {},
      term("module", `${plural(layers.length, "layer")} in ${plural(parts.length, "part")}`),
      sum(time_of) > 0 && term("forward and backward", seconds(sum(time_of))),
      parameters.size > 0 && term("parameters", bytes(sum((layer) => parameters.get(layer) ?? 0)))),
    el("p", {class: "note"}, "Click, or press Enter, to unfold it."),
  ];
}

/// What each stage is, when no layer is pointed at.
function stages_panel(report: Report, view: PlanView | undefined): Child[] {
  const cost_of = new Map(report.profile?.layers.map((entry) => [entry.layer, entry]));
  const total_s = [...cost_of.values()].reduce((sum, {measurements}) => {
    const last = measurements[measurements.length - 1];
    return sum + (last ? last.forward_s + last.backward_s : 0);
  }, 0);
  const cards = (view?.stages ?? []).map(({layers, replicas, recompute}, stage) => {
    const costs = layers.map((layer) => cost_of.get(layer)).filter((cost) => cost !== undefined);
    const compute_s = costs.reduce((sum, {measurements}) => {
      const last = measurements[measurements.length - 1];
      return sum + (last ? last.forward_s + last.backward_s : 0);
    }, 0);
    const parameters = costs.reduce((sum, {parameter_bytes}) => sum + parameter_bytes, 0);
    const facts = [plural(layers.length, "layer"),
      total_s > 0 && `${percent(compute_s / total_s, 0)} of the compute`,
      costs.length > 0 && `${bytes(parameters)} of parameters`,
      recompute && "computes its activations again for backward"].filter(Boolean);
    const hosts = replicas.map(({host, share}) => share < 1 ? `${host} ${percent(share, 0)}` : host);
    return el("li", {}, stage_chip(stage, stage_color(stage)),
      el("div", {}, el("strong", {}, hosts.join(" + ")), el("span", {class: "note"}, facts.join(", "))));
  });
  return [
    el("h3", {}, cards.length ? "Stages" : "Layers"),
    el("ul", {class: "stages"}, ...cards),
    el("p", {class: "note"}, "Point at a layer, or step to it with Tab, to see its shape, cost and parameters. The bar below a name is its part of the longest time."),
  ];
}

interface NodeLook {
  name: string;
  subtitle: string;
  color: string;
  part: number; // of the longest time of a node
  is_module: boolean;
}

function node_element(node: GraphNode, {name, subtitle, color, part, is_module}: NodeLook): SVGGElement {
  const left = -node.width / 2;
  const fit = (text: string, most: number) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);
  const most = Math.floor((node.width - 14) / 6.6);
  return svg("g",
    {class: node.is_input ? "node input" : is_module ? "node module" : "node", transform: `translate(${node.x},${node.y})`,
     tabindex: 0, role: is_module ? "button" : "img", "aria-label": `${name} ${subtitle}${is_module ? ", folded: press Enter to unfold" : ""}`, "data-layer": node.id, style: `--color: var(${color})`},
    svg("rect", {class: "body", x: left, y: -node.height / 2, width: node.width, height: node.height, rx: is_module ? 9 : 4}),
    svg("rect", {class: "edge-bar", x: left, y: -node.height / 2, width: 4, height: node.height, rx: 2}),
    part > 0 && svg("rect", {class: "time-bar", x: left + 4, y: node.height / 2 - 4, width: Math.max(1, (node.width - 6) * part), height: 3}),
    svg("text", {class: "name", x: left + 11, y: -4}, fit(name, most)),
    svg("text", {class: "kind", x: left + 11, y: 9}, fit(subtitle, Math.floor(most * 1.12))),
  );
}

export function graph_section(report: Report, model: Model, view: PlanView | undefined): HTMLElement {
  const shapes = shapes_of(model);
  const layers = new Map(model.layers.map((layer) => [layer.id, layer]));
  const narrow = window.matchMedia("(max-width: 640px)").matches;
  const path = line<{x: number; y: number}>((point) => point.x, (point) => point.y).curve(curveBasis);
  const time_of = time_of_layer(report);
  const bytes_of = new Map(report.profile?.layers.map(({layer, activation_bytes_per_sample}) => [layer, activation_bytes_per_sample]));
  const most_bytes = Math.max(0, ...bytes_of.values());
  const root = module_tree(model);
  const open_at_first = first_open(root);
  let open = open_at_first;

  const panel = el("aside", {class: "inspector", "aria-label": "What is pointed at", "aria-live": "polite"});
  const scroll = el("div", {class: "scroll", tabindex: -1});
  const fold = el("button", {type: "button"}, "Fold again");
  fold.addEventListener("click", () => draw(open_at_first));

  const draw = (now_open: Set<string>, focus?: string) => {
    open = now_open;
    const {model: shown, stages, modules} = folded(model, view?.stages, root, open);
    const layout = graph_layout(shown, view?.stages && stages, narrow ? NARROW_NODE : NODE);
    const nodes = new Map(layout.nodes.map((node) => [node.id, node]));
    const time_s = (id: string) => (modules.get(id)?.layers ?? [id]).reduce((sum, layer) => sum + time_of(layer), 0);
    const longest_s = Math.max(0, ...shown.layers.map(({id}) => time_s(id)));
    let pinned: string | undefined;
    const show = (id: string | undefined) => {
      const node = id === undefined ? undefined : nodes.get(id);
      const layer = id === undefined ? undefined : layers.get(id);
      const module = id === undefined ? undefined : modules.get(id);
      const content = module ? module_panel(report, module, module.name)
        : node ? layer_panel(report, view, {id: node.id, stage: node.stage, shape: shapes.get(node.id), ...(layer && {layer})})
        : stages_panel(report, view);
      panel.replaceChildren(...(content.filter(Boolean) as Node[]));
      for (const element of scroll.querySelectorAll(".node"))
        element.classList.toggle("shown", element.getAttribute("data-layer") === id);
    };
    const edge_width = (from: string) => {
      const moved = Math.max(0, ...(modules.get(from)?.layers.slice(-1) ?? [from]).map((layer) => bytes_of.get(layer) ?? 0));
      return most_bytes > 0 && moved > 0 ? 1 + 3.5 * Math.sqrt(moved / most_bytes) : 1.1;
    };
    const element_of = (node: GraphNode) => {
      const layer = layers.get(node.id);
      const module = modules.get(node.id);
      const subtitle = module ? plural(module.layers.length, "layer") : layer ? kind_label(layer.kind) : `input ${shape_text(shapes.get(node.id))}`;
      const element = node_element(node, {name: module?.name ?? node.id, subtitle, color: stage_color(node.stage), is_module: module !== undefined,
        part: longest_s > 0 ? time_s(node.id) / longest_s : 0});
      element.addEventListener("pointerenter", () => show(node.id));
      element.addEventListener("pointerleave", () => show(pinned));
      element.addEventListener("focus", () => show((pinned = node.id)));
      element.addEventListener("blur", () => show((pinned = undefined)));
      if (module) {
        const unfold = () => draw(new Set([...open, module.id]), module.parts[0].id);
        element.addEventListener("click", unfold);
        element.addEventListener("keydown", ({key}) => key === "Enter" && unfold());
      }
      return element;
    };
    scroll.replaceChildren(svg("svg",
      {class: "graph", width: layout.width, height: layout.height, viewBox: `0 0 ${layout.width} ${layout.height}`, role: "group", "aria-label": `layers of ${model.name}`},
      ...layout.edges.map((edge) => svg("path", {class: edge.crosses ? "edge crossing" : "edge", style: `stroke-width: ${edge_width(edge.from).toFixed(1)}px`, d: path(edge.points) ?? ""})),
      ...layout.nodes.map(element_of)));
    fold.hidden = open === open_at_first;
    performance.mark("graph-drawn"); // see viewer_benchmark.ts
    show(undefined);
    if (focus) scroll.querySelector<SVGElement>(`[data-layer="${CSS.escape(focus)}"]`)?.focus();
  };
  draw(open);

  const stage_of = stage_of_layers(view?.stages);
  const crossing = model.layers.reduce((sum, {id, inputs}) => sum + inputs.filter((input) => layers.has(input) && stage_of.get(input) !== stage_of.get(id)).length, 0);
  return section("graph", "Model graph",
    `${model.name}: ${plural(model.layers.length, "layer")}` +
      (view?.stages ? ` in ${plural(view.stages.length, "stage")}` : "") +
      (view && view.strategy !== "timeline" ? ` of the ${view.strategy} plan` : "") +
      (most_bytes > 0 ? "; edges are as wide as their tensors are large" : "") +
      (crossing > 0 ? "; dashed lines are the tensors that cross between stages." : "."),
    el("p", {class: "graph-tools"}, fold),
    el("div", {class: "graph-and-inspector"}, scroll, panel));
}
