// The timelines as a picture, and their instructions as a table.

import type {Model, Timeline} from "../documents";
import type {RowsLayout} from "../layout/timeline_rows";
import {ROW} from "../layout/timeline_rows";
import type {Viewport} from "../layout/timeline_layout";
import {el} from "./dom";
import {type Saving, csv_saving, png_of} from "./save";
import {AXIS, type Marks, paint_axis, paint_rows, theme_colors} from "./timeline_paint";

const GUTTER = 184; // pixels beside the rows, of the hosts' names
const MOST_HEIGHT = 6000; // browsers have no larger canvases; then what is seen is saved

export interface ShownTimelines {
  layout: RowsLayout;
  view: Viewport;
  width: number;
  top: number; // that is scrolled to, and
  height: number; // how much of it is seen
  marks: Marks;
  curves: {name: string; canvas: HTMLCanvasElement}[];
}

function instruction_rows(timelines: Timeline[], model: Model | undefined): (string | number | undefined)[][] {
  return [["source", "host", "kind", "stage", "micro_batch", "layer", "peer", "start_s", "end_s", "bytes"],
    ...timelines.flatMap(({source, ranks, events}) => events.map(({rank, kind, stage = -1, micro_batch = -1, layer = -1, peer = -1, start_s, end_s, bytes = 0}) =>
      [source, ranks[rank]?.host, kind, stage < 0 ? "" : stage + 1, micro_batch < 0 ? "" : micro_batch, layer < 0 ? "" : model?.layers[layer]?.id ?? layer, ranks[peer]?.host, start_s, end_s, bytes]))];
}

/// `shown` is asked when the picture is made.
export function timeline_savings(timelines: Timeline[], model: Model | undefined, shown: () => ShownTimelines): Saving[] {
  return [
    {name: "timelines", kind: "png", make: () => {
      const {layout, view, width, marks, curves, ...seen} = shown();
      const [top, height] = layout.height <= MOST_HEIGHT ? [0, layout.height] : [seen.top, seen.height];
      const heights = curves.map(({canvas}) => canvas.clientHeight + 8);
      return png_of(GUTTER + width, AXIS + height + heights.reduce((sum, value) => sum + value, 0), (context) => {
        const hosts = layout.hosts.filter((host) => host.top + host.height >= top && host.top <= top + height);
        const axis = el("canvas", {});
        const rows = el("canvas", {});
        paint_axis(axis, view, width);
        paint_rows(rows, hosts.flatMap((host) => host.rows), top, view, width, height, marks);
        context.drawImage(axis, GUTTER, 0, width, AXIS);
        context.drawImage(rows, GUTTER, AXIS, width, height);
        context.font = `12px ${getComputedStyle(document.body).fontFamily}`;
        context.textBaseline = "middle";
        const text = (words: string, x: number, y: number, color: string, most: number) => {
          context.fillStyle = theme_colors()(color);
          context.fillText(words, x, y, most);
        };
        for (const host of hosts) {
          text(host.host, 0, AXIS + host.top - top + ROW / 2, "--text", GUTTER - 84);
          for (const row of host.rows) text(row.timeline.source, GUTTER - 76, AXIS + row.top - top + ROW / 2, "--muted", 70);
        }
        let y = AXIS + height;
        curves.forEach(({name, canvas}, index) => {
          text(name, 0, y + heights[index] / 2, "--text", GUTTER - 10);
          context.drawImage(canvas, GUTTER, y + 8, width, heights[index] - 8);
          y += heights[index];
        });
      });
    }},
    csv_saving("instructions", () => instruction_rows(timelines, model)),
  ];
}
