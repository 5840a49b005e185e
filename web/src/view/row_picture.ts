// Pictures of what the page shows as rows: a name, a bar or a curve, a figure.

import {png_of} from "./save";
import {theme_colors} from "./timeline_paint";

export interface PictureRow {
  name: string;
  figure: string;
  /// Draws on the row's lane, of this size from (0, 0) on.
  draw: (context: CanvasRenderingContext2D, width: number, height: number) => void;
}

const ROW = {height: 26, lane: 16, name: 220, drawn: 560, figure: 90};
const MARGIN = 12;
const MOST_ROWS = 400; // of a canvas that any browser makes

/// `legend`: names and the custom properties of their colours. Beyond `MOST_ROWS` the first.
export function rows_png(rows: PictureRow[], legend: readonly {name: string; color: string}[] = []): Promise<Blob> {
  const shown = rows.slice(0, MOST_ROWS);
  const top = MARGIN + (legend.length > 0 ? ROW.height : 0);
  return png_of(2 * MARGIN + ROW.name + ROW.drawn + ROW.figure, top + shown.length * ROW.height + MARGIN, (context) => {
    const color = theme_colors();
    context.font = "13px system-ui, sans-serif";
    context.textBaseline = "middle";
    let x = MARGIN + ROW.name;
    for (const {name, color: property} of legend) {
      context.fillStyle = color(property);
      context.fillRect(x, MARGIN + 2, 12, 12);
      context.fillStyle = color("--text");
      context.fillText(name, x + 18, MARGIN + 8);
      x += 36 + context.measureText(name).width;
    }
    shown.forEach(({name, figure, draw}, index) => {
      const y = top + index * ROW.height;
      context.fillStyle = color("--text");
      context.fillText(name, MARGIN, y + ROW.height / 2, ROW.name - MARGIN);
      context.textAlign = "right";
      context.fillText(figure, MARGIN + ROW.name + ROW.drawn + ROW.figure, y + ROW.height / 2, ROW.figure - MARGIN);
      context.textAlign = "left";
      context.save();
      context.translate(MARGIN + ROW.name, y + (ROW.height - ROW.lane) / 2);
      context.fillStyle = color("--lane");
      context.fillRect(0, 0, ROW.drawn, ROW.lane);
      draw(context, ROW.drawn, ROW.lane);
      context.restore();
    });
  });
}
