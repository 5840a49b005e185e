// How the timelines answer to pointer, wheel and keys.

import {type Viewport, panned, x_to_time, zoomed} from "../layout/timeline_layout";
import {hide_tooltip} from "./tooltip";

export interface Gestures {
  axis: Viewport;
  view: () => Viewport;
  width: () => number; // of the canvas
  look_at: (view: Viewport) => void;
  point: (x: number | undefined, y: number, event?: MouseEvent) => void; // undefined: the pointer left
  pick: (x: number, y: number) => void;
  step_to: (direction: 1 | -1) => void;
  leave: () => void; // ends a selection
}

export function add_gestures(area: HTMLElement, canvas: HTMLCanvasElement, {axis, view, width, look_at, point, pick, step_to, leave}: Gestures): void {
  const at = ({clientX, clientY}: MouseEvent): [number, number] => {
    const {left, top} = canvas.getBoundingClientRect();
    return [clientX - left, clientY - top];
  };
  let drag: {x: number; view: Viewport; moved: boolean} | undefined;
  area.addEventListener("pointerdown", (event) => {
    if (event.target !== canvas || event.button !== 0) return;
    drag = {x: event.clientX, view: view(), moved: false};
    area.setPointerCapture(event.pointerId);
    area.focus({preventScroll: true});
  });
  area.addEventListener("pointerup", (event) => {
    if (drag && !drag.moved) pick(...at(event));
    drag = undefined;
    area.classList.remove("dragging");
  });
  area.addEventListener("pointercancel", () => {
    drag = undefined;
    area.classList.remove("dragging");
  });
  area.addEventListener("pointermove", (event) => {
    if (drag && (drag.moved || Math.abs(event.clientX - drag.x) > 2)) {
      drag.moved = true;
      area.classList.add("dragging");
      hide_tooltip();
      return look_at(panned(drag.view, axis, (drag.x - event.clientX) / width()));
    }
    const [x, y] = at(event);
    if (event.target === canvas || drag) point(x, y, event);
    else point(undefined, 0);
  });
  area.addEventListener("pointerleave", () => point(undefined, 0));
  // A page is scrolled by the same wheel: it zooms only where that was asked for, by a click into
  // the timelines, or by Ctrl (which is also what pinching a touchpad sends).
  area.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && document.activeElement !== area) return;
    event.preventDefault();
    const pixels = event.deltaMode === 1 ? 16 : 1;
    if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) look_at(panned(view(), axis, (event.deltaX * pixels) / width()));
    else look_at(zoomed(view(), axis, Math.exp(event.deltaY * pixels * 0.002), x_to_time(at(event)[0], view(), width())));
  }, {passive: false});
  const zoom_middle = (factor: number) => look_at(zoomed(view(), axis, factor, (view().begin_s + view().end_s) / 2));
  const keys: {[key: string]: () => void} = {
    ArrowLeft: () => look_at(panned(view(), axis, -0.2)),
    ArrowRight: () => look_at(panned(view(), axis, 0.2)),
    "+": () => zoom_middle(0.7),
    "=": () => zoom_middle(0.7),
    "-": () => zoom_middle(1 / 0.7),
    "0": () => look_at(axis),
    Home: () => look_at(axis),
    n: () => step_to(1),
    p: () => step_to(-1),
    Escape: () => {
      leave();
      area.blur();
    },
  };
  area.addEventListener("keydown", (event) => {
    const act = event.ctrlKey || event.metaKey || event.altKey || event.target !== area ? undefined : keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
  area.addEventListener("dblclick", () => look_at(axis));
}
