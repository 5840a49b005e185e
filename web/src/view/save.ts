// What a section shows, as files: pictures as SVG or PNG, tables as CSV.

import {csv_text, plain_text} from "../layout/csv";
import {el} from "./dom";

export interface Saving {
  name: string; // of what is saved, in words
  kind: "svg" | "png" | "csv";
  make: () => Blob | Promise<Blob>;
}

/// What elements are saved as that are neither a table nor an SVG.
const own_savings = new WeakMap<Element, () => Saving[]>();

/// Has `element` saved by `savings`, in place of what it would be by itself.
export function saved_by<E extends Element>(element: E, savings: () => Saving[]): E {
  element.setAttribute("data-saved", "");
  own_savings.set(element, savings);
  return element;
}

export function csv_saving(name: string, rows: () => (string | number | undefined)[][]): Saving {
  return {name, kind: "csv", make: () => new Blob([csv_text(rows())], {type: "text/csv"})};
}

const INHERITED = ["fill", "fill-opacity", "stroke", "stroke-width", "stroke-dasharray", "stroke-linejoin", "font-family", "font-size", "font-weight", "text-anchor", "visibility"];

/// A picture by itself: its styles, which come from the page, are in it.
function svg_text(drawn: SVGSVGElement): string {
  const copy = drawn.cloneNode(true) as SVGSVGElement;
  const originals = [drawn, ...drawn.querySelectorAll("*")];
  [copy, ...copy.querySelectorAll("*")].forEach((element, index) => {
    const style = getComputedStyle(originals[index]);
    const above = index > 0 ? getComputedStyle(originals[index].parentElement as Element) : undefined;
    const own = INHERITED.filter((name) => style.getPropertyValue(name) !== above?.getPropertyValue(name)).map((name) => `${name}: ${style.getPropertyValue(name)}`);
    if (style.opacity !== "1") own.push(`opacity: ${style.opacity}`);
    for (const name of ["class", "tabindex", "style"]) element.removeAttribute(name);
    if (own.length > 0) element.setAttribute("style", own.join("; "));
  });
  const {width, height} = drawn.getBoundingClientRect();
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  if (!copy.hasAttribute("viewBox")) copy.setAttribute("viewBox", `0 0 ${width} ${height}`);
  const back = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  for (const name of ["width", "height"]) back.setAttribute(name, "100%");
  back.setAttribute("fill", getComputedStyle(document.body).backgroundColor);
  copy.prepend(back);
  return new XMLSerializer().serializeToString(copy);
}

function blob_of(canvas: HTMLCanvasElement): Promise<Blob> {
  return new Promise((resolve, reject) => canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("the picture is too large for this browser"))), "image/png"));
}

/// A canvas of `width` × `height` CSS pixels at twice their number, as pictures are printed too.
export async function png_of(width: number, height: number, paint: (context: CanvasRenderingContext2D) => void | Promise<void>): Promise<Blob> {
  const canvas = el("canvas", {width: Math.round(2 * width), height: Math.round(2 * height)});
  const context = canvas.getContext("2d") as CanvasRenderingContext2D;
  context.scale(2, 2);
  context.fillStyle = getComputedStyle(document.body).backgroundColor;
  context.fillRect(0, 0, width, height);
  await paint(context);
  return blob_of(canvas);
}

async function svg_as_png(drawn: SVGSVGElement): Promise<Blob> {
  const {width, height} = drawn.getBoundingClientRect();
  const url = URL.createObjectURL(new Blob([svg_text(drawn)], {type: "image/svg+xml"}));
  try {
    const image = el("img", {src: url});
    await image.decode();
    return await png_of(width, height, (context) => context.drawImage(image, 0, 0, width, height));
  } finally {
    URL.revokeObjectURL(url);
  }
}

/// A table as it is shown; a cell that says `data-csv` is that.
function table_rows(table: HTMLTableElement): string[][] {
  return [...table.rows].filter((row) => row.closest("table") === table).map((row) => [...row.cells].map((cell) =>
    cell.dataset.csv ?? plain_text([...cell.childNodes].map((part) => (part as HTMLElement).textContent ?? "").join(" "))));
}

/// What is above `element`: the heading that it belongs to, of its section or within.
function heading_of(element: Element, section: HTMLElement): string {
  const headings = [...section.querySelectorAll("h2, h3")].filter((heading) => heading.compareDocumentPosition(element) & Node.DOCUMENT_POSITION_FOLLOWING);
  const nearest = headings[headings.length - 1]?.firstChild?.textContent ?? "";
  return element.getAttribute("aria-label")?.split(/[:,;]|\. /)[0] ?? nearest;
}

function savings_in(section: HTMLElement): Saving[] {
  return [...section.querySelectorAll<HTMLElement | SVGSVGElement>("[data-saved], svg, table, figure img")].flatMap((element): Saving[] => {
    const own = own_savings.get(element);
    if (own) return own();
    if (element.closest("[data-saved]") || element.parentElement?.closest("table, svg")) return [];
    const name = heading_of(element, section);
    if (element instanceof HTMLTableElement) return [csv_saving(name, () => table_rows(element))];
    if (element instanceof HTMLImageElement) return [{name: element.alt, kind: "png", make: async () => {
      const {naturalWidth: width, naturalHeight: height} = element;
      return png_of(width / 2, height / 2, (context) => {
        context.imageSmoothingEnabled = false;
        context.drawImage(element, 0, 0, width / 2, height / 2);
      });
    }}];
    if (element instanceof SVGSVGElement) return [
      {name, kind: "svg", make: () => new Blob([svg_text(element)], {type: "image/svg+xml"})},
      {name, kind: "png", make: () => svg_as_png(element)}];
    return [];
  });
}

function file_name(...words: string[]): string {
  return words.map((word) => word.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "")).filter(Boolean).join("-").slice(0, 100);
}

/// Hands `blob` to the browser as a download.
export function save(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  el("a", {href: url, download: name}).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/// Puts a menu beside the section's title that saves what the section holds at that time; none where
/// it holds nothing.
export function add_save_menu(section: HTMLElement): void {
  if (!section.querySelector("[data-saved], svg, table, figure img, .chart")) return; // charts are drawn once there is room
  const title = section.querySelector("h2")?.textContent ?? "";
  const list = el("ul", {});
  const problem = el("p", {class: "save-problem", role: "status"});
  const menu = el("details", {class: "save"}, el("summary", {"aria-label": `Save what ${title} shows`}, "Save"), el("div", {}, list, problem));
  menu.addEventListener("toggle", () => {
    if (!menu.open) return;
    const items = savings_in(section).map(({name, kind, make}) => {
      const button = el("button", {type: "button"}, `${name} as ${kind.toUpperCase()}`);
      button.addEventListener("click", async () => {
        try {
          save(await make(), `${file_name(document.title.replace(/ – cadastre report$/, ""), section.id, name)}.${kind}`);
          problem.textContent = "";
        } catch (error) {
          problem.textContent = `It could not be saved: ${error instanceof Error ? error.message : String(error)}.`;
        }
      });
      return el("li", {}, button);
    });
    list.replaceChildren(...items);
  });
  menu.addEventListener("keydown", ({key}) => {
    if (key !== "Escape") return;
    menu.open = false;
    menu.querySelector("summary")?.focus();
  });
  section.querySelector("h2")?.after(menu);
}
