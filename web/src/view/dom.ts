// Making elements. Text from documents is only ever set as text, never parsed as HTML.

import {count} from "../layout/format";

export type Child = Node | string | undefined | null | false;

type Attributes = {[name: string]: string | number | boolean | undefined};

function fill<E extends Element>(element: E, attributes: Attributes, children: Child[]): E {
  for (const [name, value] of Object.entries(attributes))
    if (value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : String(value));
  element.append(...children.filter((child): child is Node | string => child !== undefined && child !== null && child !== false));
  return element;
}

export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  return fill(document.createElement(tag), attributes, children);
}

export function svg<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): SVGElementTagNameMap[K] {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

/// A section of the report with its anchor for the table of contents.
export function section(id: string, title: string, note: Child, ...children: Child[]): HTMLElement {
  return el(
    "section",
    {id, "aria-labelledby": `${id}-title`},
    el("h2", {id: `${id}-title`}, title),
    note ? el("p", {class: "note"}, note) : undefined,
    ...children,
  );
}

/// Draws now, and again whenever the element's width changes.
export function draw_to_width(element: HTMLElement, draw: (width: number) => void): void {
  let drawn = 0;
  const redraw = () => {
    const width = Math.floor(element.clientWidth);
    if (width > 0 && width !== drawn) {
      drawn = width;
      draw(width);
    }
  };
  // Not within the observer's turn: what is drawn may change the page's width by a scroll bar.
  new ResizeObserver(() => requestAnimationFrame(redraw)).observe(element);
  redraw();
}

export function swatch(color: string, style: "solid" | "hatched" = "solid"): HTMLElement {
  return el("span", {class: `swatch ${style}`, style: `--color: ${color}`, "aria-hidden": "true"});
}

/// A number of a stage in its colour.
export function stage_chip(stage: number, color_variable: string): HTMLElement {
  return el("span", {class: "chip", style: `--color: var(${color_variable})`}, `S${stage + 1}`);
}

/// A term and what it is, as a row of a description list.
export function term(name: Child, value: Child): HTMLElement {
  return el("div", {}, el("dt", {}, name), el("dd", {}, value));
}

/// Puts the first `most` of `items` into `parent`; gives a button for the others where there are any.
export function first_of<T>(parent: HTMLElement, items: T[], most: number, draw: (item: T) => HTMLElement, noun: string): HTMLElement | undefined {
  parent.append(...items.slice(0, most).map(draw));
  if (items.length <= most) return undefined;
  const button = el("button", {type: "button", class: "more-of"}, `Show all ${count(items.length)} ${noun}s`);
  button.addEventListener("click", () => {
    parent.append(...items.slice(most).map(draw));
    button.remove();
  });
  return button;
}
