// Reads the documents that are in the page and draws the report of them.

import {type Embedded, gather} from "./documents";
import {el} from "./view/dom";
import {draw_report} from "./view/page";

performance.mark("report-begun"); // see tests/web/viewer_benchmark.ts
const root = document.getElementById("report") as HTMLElement;
const embedded = JSON.parse(document.getElementById("cadastre-data")?.textContent ?? "null") as Embedded | null;
if (embedded) draw_report(root, gather(embedded));
else root.append(el("p", {}, "This page holds no data."));
