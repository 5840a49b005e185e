// Accuracy against held-out labels.

import type {Metrics, Scene} from "../documents";
import {row_normalized, shading} from "../layout/confusion";
import {count, fixed, percent} from "../layout/format";
import {el, section, swatch, term} from "./dom";
import {class_color} from "./map_view";

export function accuracy_section(metrics: Metrics, scene: Scene | undefined): HTMLElement {
  const parts = row_normalized(metrics.confusion);
  const names = metrics.classes.map(({name}) => name);
  const name_of = (index: number) => el("span", {class: "class-name"}, swatch(class_color(scene, names[index])), el("span", {}, names[index]));
  const total = metrics.classes.reduce((sum, {num_samples}) => sum + num_samples, 0);
  const absent = ({num_samples}: Metrics["classes"][number]) => num_samples === 0;
  const number = (text: string, label: string) => el("td", {class: "number", "data-label": label}, text);

  const table = el("table", {class: "classes"},
    el("thead", {}, el("tr", {}, ...["class", "F1", "precision", "recall", "samples"].map((label, index) =>
      el("th", {scope: "col", class: index > 1 ? "number" : undefined}, label)))),
    el("tbody", {}, ...metrics.classes.map((entry, index) =>
      el("tr", {},
        el("th", {scope: "row"}, name_of(index)),
        el("td", {class: "f1"}, absent(entry) ? "–" : el("div", {class: "bar"},
          el("span", {class: "track"}, el("span", {class: "fill", style: `width: ${100 * (entry.f1 || 0)}%`})), el("span", {class: "value"}, fixed(entry.f1)))),
        number(absent(entry) ? "–" : fixed(entry.precision), "precision"),
        number(absent(entry) ? "–" : fixed(entry.recall), "recall"),
        number(count(entry.num_samples), "samples")))));

  const matrix = el("table", {class: "matrix confusion"},
    el("thead", {}, el("tr", {}, el("th", {class: "corner"}, "labels \\ map"),
      ...names.map((name) => el("th", {scope: "col", class: "turned"}, el("span", {}, name))))),
    el("tbody", {}, ...metrics.confusion.map((row, reference) =>
      el("tr", {}, el("th", {scope: "row"}, name_of(reference)),
        ...row.map((entry, predicted) =>
          el("td", {
            class: `number${reference === predicted ? " agreed" : ""}`,
            style: `--part: ${shading(parts[reference][predicted]).toFixed(3)}`,
            title: `${names[reference]} mapped as ${names[predicted]}: ${count(entry)}, ${percent(parts[reference][predicted])} of its labels`,
          }, entry === 0 ? "" : count(entry)))))));

  return section("accuracy", "Accuracy", `Against ${count(total)} held-out labels.`,
    el("dl", {class: "figures"},
      term("overall accuracy", percent(metrics.overall_accuracy)),
      term("average accuracy", percent(metrics.average_accuracy)),
      term("kappa", fixed(metrics.kappa, 3))),
    el("div", {class: "columns"},
      el("div", {}, el("h3", {}, "By class"), table),
      el("div", {}, el("h3", {}, "Confusion matrix"),
        el("p", {class: "note"}, "Counts; shaded by their part of the row."),
        el("div", {class: "scroll"}, matrix))));
}
