// The map beside the labels.

import type {Embedded, Scene} from "../documents";
import {el, section, swatch} from "./dom";

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

export function map_section(images: Embedded["images"], scene: Scene | undefined): HTMLElement {
  return section("map", images.map ? "Map" : "Labels", scene?.description ?? scene?.name,
    el("div", {class: "figures-row"},
      images.map && figure(images.map, "map"),
      images.labels && figure(images.labels, "labels")),
    scene && el("ul", {class: "legend"}, ...scene.classes.map(({name}) =>
      el("li", {}, swatch(class_color(scene, name)), name))));
}
