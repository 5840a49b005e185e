// The stored fixtures are what the example makes, so that neither is changed without the other.

import assert from "node:assert/strict";
import {readFileSync} from "node:fs";
import path from "node:path";
import {example_documents} from "./example";

const directory = process.argv[2];
for (const [name, document] of Object.entries(example_documents()))
  assert.equal(readFileSync(path.join(directory, name), "utf8"), `${JSON.stringify(document)}\n`,
    `${name} differs: run make_fixtures.mjs again and look at what changed`);
