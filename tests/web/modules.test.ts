// Folding a model by module.

import assert from "node:assert/strict";
import {test} from "node:test";
import type {Model} from "../../web/src/documents";
import {graph_layout} from "../../web/src/layout/graph_layout";
import {first_open, folded, module_tree} from "../../web/src/layout/modules";

/// A chain of layers of these ids.
function chain(ids: string[]): Model {
  return {name: "m", inputs: [{name: "x", shape: [1]}], output: ids[ids.length - 1],
    layers: ids.map((id, index) => ({id, kind: "relu", inputs: [index > 0 ? ids[index - 1] : "x"]}))};
}

test("a small model is not folded", () => {
  const model = chain(["a.conv", "a.relu", "b"]);
  const root = module_tree(model);
  assert.deepEqual(folded(model, undefined, root, first_open(root)).model, model);
});

test("a closed module is one node, with the edges of its layers", () => {
  const model = chain(["stem", "a.0.conv", "a.0.relu", "a.1.conv", "head"]);
  const stages = [{layers: ["stem", "a.0.conv", "a.0.relu"], replicas: []}, {layers: ["a.1.conv", "head"], replicas: []}];
  const root = module_tree(model);
  const shown = (open: string[]) => folded(model, stages, root, new Set(open));
  const closed = shown([root.id]);
  assert.deepEqual(closed.model.layers.map(({id, inputs}) => [id, inputs]), [["stem", ["x"]], ["a.*", ["stem"]], ["head", ["a.*"]]]);
  assert.deepEqual(closed.stages.map(({layers}) => layers), [["stem"], ["head"]]); // the module is in both stages, hence in none
  assert.deepEqual(closed.modules.get("a.*")?.layers, ["a.0.conv", "a.0.relu", "a.1.conv"]);
  const opened = shown([root.id, "a.*"]);
  assert.deepEqual(opened.model.layers.map(({id}) => id), ["stem", "a.0.*", "a.1.conv", "head"]); // a.1 is its one layer
  assert.deepEqual(opened.stages[0].layers, ["stem", "a.0.*"]);
});

test("a layer with the name of a module of others is kept apart", () => {
  const model = chain(["a", "a.conv", "a.relu"]);
  const root = module_tree(model);
  assert.deepEqual(folded(model, undefined, root, new Set([root.id])).model.layers.map(({id}) => id), ["a", "a.*"]);
});

for (const [name, ids] of [
  ["by module", Array.from({length: 5000}, (_, i) => `block${Math.floor(i / 250)}.${Math.floor(i / 10) % 25}.op${i % 10}`)],
  ["without any module", Array.from({length: 5000}, (_, i) => `op${i}`)],
] as const)
  test(`5,000 layers ${name} fold to few nodes, and every one can be unfolded`, () => {
    const model = chain([...ids]);
    const root = module_tree(model);
    const {model: shown, modules} = folded(model, undefined, root, first_open(root));
    assert.ok(shown.layers.length >= 5 && shown.layers.length <= 70, `${shown.layers.length} nodes`);
    assert.equal(new Set(shown.layers.flatMap(({id}) => modules.get(id)?.layers ?? [id])).size, 5000);
    assert.equal(graph_layout(shown, undefined, {width: 100, height: 30}).nodes.length, shown.layers.length + 1);
    let widest = root;
    const visit = (module: typeof root) => {
      if (module.parts.length > widest.parts.length) widest = module;
      module.parts.forEach(visit);
    };
    visit(root);
    assert.ok(widest.parts.length <= 40, `${widest.parts.length} parts of ${widest.name}`);
    const everything = new Set<string>();
    const open_all = (module: typeof root) => {
      everything.add(module.id);
      module.parts.forEach(open_all);
    };
    open_all(root);
    assert.deepEqual(folded(model, undefined, root, everything).model.layers.map(({id}) => id), [...ids]);
  });
