// The model graph, coloured by stage, with the facts of the layer that is pointed at.

import {curveBasis, line} from "d3-shape";
import type {Layer, Model, Report} from "../documents";
import {bytes, kind_label, percent, plural, seconds} from "../layout/format";
import {type GraphNode, graph_layout} from "../layout/graph_layout";
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
    el("p", {class: "note"}, "Point at a layer, or step to it with Tab, to see its shape, cost and parameters."),
  ];
}

function node_element(node: GraphNode, subtitle: string, color: string): SVGGElement {
  const text_x = -node.width / 2 + 11;
  const fit = (text: string, most: number) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);
  const most = Math.floor((node.width - 14) / 6.1);
  return svg("g",
    {class: node.is_input ? "node input" : "node", transform: `translate(${node.x},${node.y})`,
     tabindex: 0, role: "img", "aria-label": `${node.id}, ${subtitle}`, "data-layer": node.id, style: `--color: var(${color})`},
    svg("rect", {class: "body", x: -node.width / 2, y: -node.height / 2, width: node.width, height: node.height, rx: 4}),
    svg("rect", {class: "edge-bar", x: -node.width / 2, y: -node.height / 2, width: 4, height: node.height, rx: 2}),
    svg("text", {class: "name", x: text_x, y: -3}, fit(node.id, most)),
    " ", // between the two when they are read out
    svg("text", {class: "kind", x: text_x, y: 11}, fit(subtitle, Math.floor(most * 1.12))),
  );
}

export function graph_section(report: Report, model: Model, view: PlanView | undefined): HTMLElement {
  const shapes = shapes_of(model);
  const layers = new Map(model.layers.map((layer) => [layer.id, layer]));
  const narrow = window.matchMedia("(max-width: 640px)").matches;
  const layout = graph_layout(model, view?.stages, narrow ? NARROW_NODE : NODE);
  const path = line<{x: number; y: number}>((point) => point.x, (point) => point.y).curve(curveBasis);

  const panel = el("aside", {class: "inspector", "aria-live": "polite"});
  let pinned: string | undefined;
  const show = (id: string | undefined) => {
    const node = layout.nodes.find((entry) => entry.id === id);
    const layer = id === undefined ? undefined : layers.get(id);
    panel.replaceChildren(...((node
      ? layer_panel(report, view, {id: node.id, stage: node.stage, shape: shapes.get(node.id), ...(layer && {layer})})
      : stages_panel(report, view)).filter(Boolean) as Node[]));
    for (const element of drawing.querySelectorAll(".node"))
      element.classList.toggle("shown", element.getAttribute("data-layer") === id);
  };
  const drawing = svg("svg",
    {class: "graph", width: layout.width, height: layout.height, viewBox: `0 0 ${layout.width} ${layout.height}`,
     role: "group", "aria-label": `layers of ${model.name}`},
    ...layout.edges.map((edge) => svg("path", {class: edge.crosses ? "edge crossing" : "edge", d: path(edge.points) ?? ""})),
    ...layout.nodes.map((node) => {
      const layer = layers.get(node.id);
      const shape = shape_text(shapes.get(node.id));
      const subtitle = layer ? kind_label(layer.kind) : `input ${shape}`;
      const element = node_element(node, subtitle, stage_color(node.stage));
      element.addEventListener("pointerenter", () => show(node.id));
      element.addEventListener("pointerleave", () => show(pinned));
      element.addEventListener("focus", () => show((pinned = node.id)));
      element.addEventListener("blur", () => show((pinned = undefined)));
      return element;
    }),
  );
  show(undefined);
  const crossing = layout.edges.filter(({crosses}) => crosses).length;
  return section("graph", "Model graph",
    `${model.name}: ${plural(model.layers.length, "layer")}` +
      (view?.stages ? ` in ${plural(view.stages.length, "stage")}` : "") +
      (view && view.strategy !== "timeline" ? ` of the ${view.strategy} plan` : "") +
      (crossing > 0 ? "; dashed lines are the tensors that cross between stages." : "."),
    el("div", {class: "graph-and-inspector"}, el("div", {class: "scroll", tabindex: -1}, drawing), panel));
}
