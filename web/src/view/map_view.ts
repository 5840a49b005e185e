// The map beside the labels.

import type {MapAreas, Report, Scene} from "../documents";
import {percent, significant} from "../layout/format";
import {el, section, swatch} from "./dom";
import {choice} from "./pareto_view";
import {saved_by} from "./save";

/// The colour of a class; only "#rrggbb" is taken from the document.
export function class_color(scene: Scene | undefined, name: string): string {
  const color = scene?.classes.find((entry) => entry.name === name)?.color ?? "";
  return /^#[0-9a-fA-F]{6}$/.test(color) ? color : "var(--muted)";
}

function figure(source: string, caption: string): HTMLElement {
  const image = el("img", {src: source, alt: caption});
  image.addEventListener("load", () => {
    // Enlarged pixels stay pixels: each is a class, and a mixture of two would be a third.
    if (image.clientWidth > image.naturalWidth) image.classList.add("enlarged");
  });
  return el("figure", {}, image, el("figcaption", {}, caption));
}

/// The map in front of what it is compared with, up to where the divider is drawn, and seen through
/// as far as is wished.
function swipe(map: string, behind: {name: string; source: string}[]): HTMLElement {
  const back = el("img", {src: behind[0].source, alt: `${behind[0].name}, behind the map`});
  const over = el("img", {src: map, alt: "map, in front"});
  const divider = el("span", {class: "divider", "aria-hidden": "true"});
  const stack = el("div", {class: "stack"}, back, over, divider);
  const slider = (label: string, value: number, act: (part: number) => void) => {
    const input = el("input", {type: "range", min: 0, max: 100, value, "aria-label": label});
    input.addEventListener("input", () => act(Number(input.value)));
    act(value);
    return {input, row: el("label", {class: "slider"}, el("span", {}, label), input)};
  };
  const edge = slider("map up to", 50, (part) => {
    over.style.clipPath = `inset(0 ${100 - part}% 0 0)`;
    divider.style.left = `${part}%`;
  });
  const opacity = slider("opacity of the map", 100, (part) => (over.style.opacity = String(part / 100)));
  stack.addEventListener("pointermove", (event) => {
    if (event.buttons !== 1) return;
    const {left, width} = stack.getBoundingClientRect();
    edge.input.value = String(Math.round(Math.min(100, Math.max(0, (100 * (event.clientX - left)) / width))));
    edge.input.dispatchEvent(new Event("input"));
  });
  stack.addEventListener("dragstart", (event) => event.preventDefault());
  return saved_by(el("figure", {class: "swipe"},
    el("figcaption", {}, "Drag over the picture, or move the first slider, to compare."),
    stack,
    edge.row, opacity.row,
    behind.length > 1 && choice("behind the map", behind.map(({name}) => name), (index) => {
      back.src = behind[index].source;
      back.alt = `${behind[index].name}, behind the map`;
    })), () => []);
}

/// The area of each class, as mapped and as the errors on held-out labels correct it.
function areas_table({classes, area_unit}: MapAreas, scene: Scene | undefined): HTMLElement {
  const known = classes.filter(({mapped_area, num_pixels}) => Number.isFinite(mapped_area) || Number.isFinite(num_pixels));
  const area = (value: number | undefined) => (typeof value === "number" && Number.isFinite(value) ? significant(value) : "–");
  const mapped = (entry: MapAreas["classes"][number]) => entry.mapped_area ?? entry.num_pixels;
  const most = Math.max(1e-12, ...known.map((entry) => Math.max(mapped(entry), (entry.estimated_area ?? 0) + (entry.estimated_area_half_width ?? 0))));
  const total = known.reduce((sum, entry) => sum + mapped(entry), 0);
  const is_estimated = known.some(({estimated_area}) => estimated_area !== undefined);
  return el("div", {},
    el("h3", {class: "point"}, "Area by class", el("span", {class: "note"}, `${area_unit}s` + (is_estimated ? "; the line is the area that the errors on held-out labels make of it, with its 95\u202f% interval (Olofsson et al. 2014)" : ""))),
    el("table", {class: "classes areas", "aria-label": `area by class, ${area_unit}s`},
      el("thead", {}, el("tr", {}, ...["class", "", "mapped", "of the map", ...(is_estimated ? ["corrected"] : [])].map((name, index) =>
        name === "" ? el("td", {}) : el("th", {scope: "col", class: index > 1 ? "number" : undefined}, name)))),
      el("tbody", {}, ...known.map((entry) => {
        const {name, estimated_area, estimated_area_half_width: half = 0} = entry;
        return el("tr", {}, el("th", {scope: "row"}, el("span", {class: "class-name"}, swatch(class_color(scene, name)), el("span", {}, name))),
          el("td", {class: "area"}, el("div", {class: "area-bar", style: `--color: ${class_color(scene, name)}`},
            el("span", {class: "area-fill", style: `width: ${(100 * mapped(entry)) / most}%`}),
            estimated_area !== undefined && el("span", {class: "interval", style: `left: ${(100 * Math.max(0, estimated_area - half)) / most}%; width: ${(200 * half) / most}%`}))),
          el("td", {class: "number", "data-csv": mapped(entry)}, area(mapped(entry))),
          el("td", {class: "number"}, percent(mapped(entry) / total)),
          is_estimated && el("td", {class: "number"}, estimated_area === undefined ? "–" : `${area(estimated_area)} ± ${significant(half, 2)}`));
      }))));
}

export function map_section({images, scene, areas}: Report): HTMLElement {
  const {map, labels, rgb} = images;
  const behind = [...(labels ? [{name: "labels", source: labels}] : []), ...(rgb ? [{name: "picture", source: rgb}] : [])];
  return section("map", map ? "Map" : labels ? "Labels" : rgb ? "Picture" : "Areas", scene?.description ?? scene?.name,
    el("div", {class: "figures-row"},
      map && figure(map, "map"),
      labels && figure(labels, "labels"),
      rgb && figure(rgb, "picture")),
    scene && (map ?? labels) && el("ul", {class: "legend"}, ...scene.classes.map(({name}) =>
      el("li", {}, swatch(class_color(scene, name)), name))),
    map && behind.length > 0 && el("h3", {class: "point"}, "Map against what it is of"),
    map && behind.length > 0 && swipe(map, behind),
    areas && Array.isArray(areas.classes) && areas_table(areas, scene));
}
