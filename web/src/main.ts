// Shows the documents that are in the page, or waits for some to be dropped on it.

import {unpacked} from "./inflate";
import {el} from "./view/dom";
import {Viewer} from "./view/viewer";

performance.mark("report-begun"); // see tests/web/viewer_benchmark.ts
// Paper is light, and canvases are painted for it: before anything that listens to this too.
window.addEventListener("beforeprint", () => document.documentElement.classList.add("printing"));
window.addEventListener("afterprint", () => document.documentElement.classList.remove("printing"));
const root = document.getElementById("report") as HTMLElement;
unpacked(document.getElementById("cadastre-data")?.textContent ?? "null").then(
  (embedded) => {
    const viewer = new Viewer(root);
    if (embedded) viewer.add([{name: "this report", embedded}]);
  },
  (error: Error) => root.replaceChildren(el("p", {class: "warnings", role: "alert"}, `The report's data cannot be read: ${error.message}`)));
