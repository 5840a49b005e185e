// Bundles the viewer. CMake calls it; by hand: `npm run build`.
//
//   node build.mjs template OUT.html OUT.cpp OUT.d VIEWER.html
//                                                    the page, the page as C++ bytes, a depfile, the page
//                                                    without data, on which documents can be dropped
//   node build.mjs tests OUT_DIR TEST.ts…            tests as files that Node.js runs

import {createHash} from "node:crypto";
import {mkdir, readFile, writeFile} from "node:fs/promises";
import path from "node:path";
import {fileURLToPath} from "node:url";
import * as esbuild from "esbuild";

const web = path.dirname(fileURLToPath(import.meta.url));

/// Where a report's data goes; the same text is in planner/report.cpp.
const DATA_MARKER = "@CADASTRE_REPORT_DATA@";

/// The page with `content` at `marker`, which must be there exactly once.
function fill(page, marker, content) {
  const parts = page.split(marker);
  if (parts.length !== 2)
    throw new Error(`expected ${marker} once in the page, found it ${parts.length - 1} times`);
  return parts.join(content);
}

async function bundle(file) {
  const result = await esbuild.build({
    entryPoints: [path.join(web, "src", file)],
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    format: "iife",
    target: "es2021",
    charset: "utf8",
    legalComments: "none",
    absWorkingDir: web,
  });
  const inputs = Object.keys(result.metafile.inputs).map((input) => path.resolve(web, input));
  return {text: result.outputFiles[0].text.trim(), inputs};
}

/// `bytes` as a C++ array: a string literal of this length is more than compilers must take.
function cpp_source(bytes) {
  const lines = [];
  for (let begin = 0; begin < bytes.length; begin += 32)
    lines.push([...bytes.subarray(begin, begin + 32)].join(","));
  return `// Generated from web/ by build.mjs.
#include "planner/report_template.h"

namespace cadastre {

namespace {

constexpr unsigned char kPage[] = {
${lines.join(",\n")}};

}  // namespace

std::string_view report_template() {
  return {reinterpret_cast<const char*>(kPage), sizeof(kPage)};
}

}  // namespace cadastre
`;
}

async function build_template(html_file, cpp_file, dep_file, viewer_file) {
  const page_file = path.join(web, "src", "page.html");
  const script = await bundle("main.ts");
  const style = await bundle("style.css");
  let page = await readFile(page_file, "utf8");
  // The one script that the page's security policy lets run, known by its hash.
  page = fill(page, "@SCRIPT_HASH@", `sha256-${createHash("sha256").update(script.text, "utf8").digest("base64")}`);
  page = fill(page, "@STYLE@", style.text);
  page = fill(page, "@SCRIPT@", script.text);
  const viewer = fill(page, DATA_MARKER, "null");
  for (const file of [html_file, cpp_file, dep_file, viewer_file]) await mkdir(path.dirname(file), {recursive: true});
  await writeFile(html_file, page);
  await writeFile(viewer_file, viewer);
  await writeFile(cpp_file, cpp_source(Buffer.from(page, "utf8")));
  const inputs = [page_file, ...script.inputs, ...style.inputs];
  const escaped = (file) => file.replaceAll(" ", "\\ ");
  await writeFile(dep_file, `${escaped(cpp_file)}: ${inputs.map(escaped).join(" ")}\n`);
}

async function build_tests(out_dir, files) {
  await esbuild.build({
    entryPoints: files,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node18",
    outdir: out_dir,
    outExtension: {".js": ".mjs"},
    sourcemap: "inline",
    nodePaths: [path.join(web, "node_modules")],
    external: ["playwright-core"], // is found in web/ when a test runs
  });
}

const [command, ...rest] = process.argv.slice(2);
if (command === "template" && rest.length === 4) {
  await build_template(...rest.map((file) => path.resolve(file)));
} else if (command === "tests" && rest.length > 1) {
  await build_tests(rest[0], rest.slice(1));
} else {
  console.error("usage: build.mjs template OUT.html OUT.cpp OUT.d VIEWER.html | build.mjs tests OUT_DIR TEST.ts…");
  process.exit(2);
}
