// A model of thousands of layers, folded by module: "layer3.0.conv1" is in layer3.0, and that in
// layer3. What has too many parts of its own is folded by runs of consecutive ones.

import type {Layer, Model, Stage} from "../documents";
import {stage_of_layers} from "./graph_layout";

/// A layer, or what holds several.
export interface Module {
  id: string;
  name: string; // its path, or the first and last of a run
  layers: string[]; // all that are in it, in the model's order
  parts: Module[]; // none of a layer
}

const MOST_PARTS = 40; // of one module, before they are put into runs
const MOST_SHOWN = 70; // nodes at first

function runs_of(id: string, parts: Module[]): Module[] {
  if (parts.length <= MOST_PARTS) return parts;
  const length = Math.max(2, Math.ceil(parts.length / MOST_PARTS));
  const runs: Module[] = [];
  for (let begin = 0; begin < parts.length; begin += length) {
    const run = parts.slice(begin, begin + length);
    const name = `${run[0].name} … ${run[run.length - 1].name}`;
    runs.push(run.length === 1 ? run[0] : {id: `${id}/${begin}`, name, layers: run.flatMap(({layers}) => layers), parts: runs_of(`${id}/${begin}`, run)});
  }
  return runs;
}

/// The tree of modules; a module of one part is that part.
export function module_tree(model: Model): Module {
  interface Growing { id: string; layers: string[]; inner: Map<string, Growing> }
  const root: Growing = {id: "", layers: [], inner: new Map()};
  for (const {id} of model.layers) {
    let at = root;
    at.layers.push(id);
    id.split(".").forEach((name, depth, path) => {
      // A layer may have the name of another's module: it is kept apart.
      const key = depth === path.length - 1 ? `=${name}` : name;
      const next = at.inner.get(key) ?? {id: path.slice(0, depth + 1).join("."), layers: [], inner: new Map<string, Growing>()};
      at.inner.set(key, next);
      next.layers.push(id);
      at = next;
    });
  }
  const grown = ({id, layers, inner}: Growing): Module => {
    const parts = [...inner.values()].map(grown);
    if (parts.length === 1 && id !== "") return parts[0];
    return {id: parts.length > 0 ? `${id}.*` : id, name: id || model.name, layers, parts: runs_of(`${id}.*`, parts)};
  };
  return grown(root);
}

/// The modules that are open at first: the greatest, for as long as not too many nodes are shown.
export function first_open(root: Module, most = MOST_SHOWN): Set<string> {
  const open = new Set([root.id]);
  const shown = [...root.parts];
  for (;;) {
    const candidates = shown.filter(({parts}) => parts.length > 0 && shown.length - 1 + parts.length <= most);
    if (candidates.length === 0) return open;
    const greatest = candidates.reduce((best, module) => (module.layers.length > best.layers.length ? module : best));
    open.add(greatest.id);
    shown.splice(shown.indexOf(greatest), 1, ...greatest.parts);
  }
}

export interface Folded {
  model: Model; // a layer for each node that is shown
  stages: Stage[];
  modules: Map<string, Module>; // the nodes that are modules, by id
}

/// `model` with every module that is not in `open` as one layer of kind "module". A module whose
/// layers are in several stages is in none.
export function folded(model: Model, stages: Stage[] | undefined, root: Module, open: Set<string>): Folded {
  const node_of = new Map<string, string>(model.inputs.map(({name}) => [name, name]));
  const modules = new Map<string, Module>();
  const order: Module[] = [];
  const visit = (module: Module) => {
    if (open.has(module.id) && module.parts.length > 0) return module.parts.forEach(visit);
    order.push(module);
    if (module.parts.length > 0) modules.set(module.id, module);
    for (const layer of module.layers) node_of.set(layer, module.id);
  };
  visit(root);
  const layer_of = new Map(model.layers.map((layer) => [layer.id, layer]));
  const stage_of = stage_of_layers(stages);
  const folded_stages = (stages ?? []).map((stage): Stage => ({...stage, layers: []}));
  const layers = order.map(({id, layers: inner, parts}): Layer => {
    const inputs = new Set(inner.flatMap((layer) => layer_of.get(layer)?.inputs ?? []).map((input) => node_of.get(input) ?? "").filter((input) => input !== "" && input !== id));
    const found = new Set(inner.map((layer) => stage_of.get(layer) ?? -1));
    const [stage] = found;
    if (found.size === 1 && stage >= 0) folded_stages[stage].layers.push(id);
    return parts.length === 0 ? {...(layer_of.get(id) as Layer), inputs: [...inputs]} : {id, kind: "module", inputs: [...inputs]};
  });
  return {model: {...model, layers, output: node_of.get(model.output) ?? model.output}, stages: folded_stages, modules};
}
