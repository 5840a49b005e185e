// Writes the example's documents and images into a directory: `make_fixtures.mjs DIR`. The files in
// fixtures/ were made by it.

import {mkdirSync, writeFileSync} from "node:fs";
import path from "node:path";
import {EXAMPLE_CLASSES, example_documents} from "./example";
import {random_numbers} from "./example_replay";
import {png} from "./png";

const SIZE = 96;

/// Class index (from 1) of the made-up place at a pixel.
function land(x: number, y: number): number {
  const river = Math.abs(y - 58 - 9 * Math.sin(x / 13)) < 4;
  if (river) return 5;
  if (x % 32 < 3 || y % 29 < 2) return 3;
  const parcel = (Math.floor(x / 32) * 7 + Math.floor(y / 29) * 3) % 5;
  if (parcel === 1 && x % 11 > 4 && y % 9 > 3) return 4;
  if (parcel === 2) return 6;
  if (parcel === 3 || (x * y) % 17 === 3) return 2;
  return 1;
}

const directory = process.argv[2];
for (const [name, document] of Object.entries(example_documents())) {
  const file = path.join(directory, name);
  mkdirSync(path.dirname(file), {recursive: true});
  writeFileSync(file, `${JSON.stringify(document)}\n`);
}
const colors = ["#000000", ...EXAMPLE_CLASSES.map(({color}) => color)];
const random = random_numbers(5);
writeFileSync(path.join(directory, "map.png"), png(SIZE, SIZE, colors, (x, y) => (random() < 0.06 ? 1 + Math.floor(6 * random()) : land(x, y))));
writeFileSync(path.join(directory, "labels.png"), png(SIZE, SIZE, colors, (x, y) => ((x * 7 + y * 3) % 97 < 70 ? land(x, y) : 0)));
writeFileSync(path.join(directory, "map-rgb.png"), png(SIZE, SIZE, ["#000000", "#8ca86b", "#4d6b46", "#8f8c86", "#a8917c", "#5f7d8f", "#b9a582"], land));
