// The one tooltip of the page.

import {type Child, el} from "./dom";

let box: HTMLElement | undefined;

function tooltip(): HTMLElement {
  box ??= document.body.appendChild(el("div", {class: "tooltip", role: "status", hidden: true}));
  return box;
}

/// Shows `content` beside a point of the window, turned inwards at its edges.
export function show_tooltip(client_x: number, client_y: number, ...content: Child[]): void {
  const element = tooltip();
  element.replaceChildren(...(content.filter(Boolean) as (Node | string)[]));
  element.hidden = false;
  const {width, height} = element.getBoundingClientRect();
  const most_x = document.documentElement.clientWidth - width - 8;
  const below = client_y + 18 + height < window.innerHeight;
  element.style.left = `${Math.max(8, Math.min(most_x, client_x + 14))}px`;
  element.style.top = `${Math.max(8, below ? client_y + 18 : client_y - height - 12)}px`;
}

export function hide_tooltip(): void {
  if (box) box.hidden = true;
}
