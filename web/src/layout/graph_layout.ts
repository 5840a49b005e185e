// Where the layers of a model and the tensors between them are drawn.

import dagre from "@dagrejs/dagre";
import type {Model, Stage} from "../documents";

export interface GraphNode {
  id: string; // layer id or input name
  is_input: boolean;
  stage: number; // -1 when no stage is known
  x: number; // of the centre
  y: number;
  width: number;
  height: number;
}

export interface GraphEdge {
  from: string;
  to: string;
  crosses: boolean; // from one stage to another
  points: {x: number; y: number}[];
}

export interface GraphLayout {
  width: number;
  height: number;
  nodes: GraphNode[];
  edges: GraphEdge[];
}

/// The stage of each layer id.
export function stage_of_layers(stages: Stage[] | undefined): Map<string, number> {
  return new Map(
    (stages ?? []).flatMap(({layers}, index) => layers.map((layer): [string, number] => [layer, index])),
  );
}

export interface NodeSize {
  width: number;
  height: number;
}

/// Layers from top to bottom (Sugiyama's method, by dagre). An input takes the stage of the first
/// layer that reads it: that is where it is loaded.
export function graph_layout(model: Model, stages: Stage[] | undefined, size: NodeSize): GraphLayout {
  const stage_of = stage_of_layers(stages);
  const input_names = new Set(model.inputs.map(({name}) => name));
  for (const layer of model.layers)
    for (const input of layer.inputs)
      if (input_names.has(input) && !stage_of.has(input) && stage_of.has(layer.id))
        stage_of.set(input, stage_of.get(layer.id) as number);

  const graph = new dagre.graphlib.Graph({multigraph: true});
  graph.setGraph({rankdir: "TB", nodesep: 14, ranksep: 18, marginx: 2, marginy: 2});
  graph.setDefaultEdgeLabel(() => ({}));
  const ids = [...input_names, ...model.layers.map(({id}) => id)];
  for (const id of ids) graph.setNode(id, {...size});
  for (const layer of model.layers)
    layer.inputs.forEach((input, index) => {
      if (graph.hasNode(input)) graph.setEdge(input, layer.id, {}, String(index));
    });
  dagre.layout(graph);

  const {width = 0, height = 0} = graph.graph();
  return {
    width: Math.max(0, width),
    height: Math.max(0, height),
    nodes: ids.map((id) => {
      const {x, y} = graph.node(id);
      return {id, is_input: input_names.has(id), stage: stage_of.get(id) ?? -1, x, y, ...size};
    }),
    edges: graph.edges().map((edge) => ({
      from: edge.v,
      to: edge.w,
      crosses: (stage_of.get(edge.v) ?? -1) !== (stage_of.get(edge.w) ?? -1),
      points: graph.edge(edge).points,
    })),
  };
}
