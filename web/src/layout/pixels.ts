// The pixels of a timeline's lane, computed rather than asked of the canvas box by box, which takes
// ten times as long. A lane looks alike over most of its height, so that a few lines of pixels stand
// for all of it.

import {type Box, type Lane, for_boxes} from "./lanes";
import type {Viewport} from "./timeline_layout";

export const BOX_GAP = 0.75; // CSS pixels that are left free after wide boxes
const WIDE = 4; // CSS pixels: the others have room for nothing

/// Colours are 0xAABBGGRR, as `Uint32Array`s over `ImageData` have them on little-endian machines,
/// which all that run browsers are.
export type Pixel = number;

export function pixel_of(color: string): Pixel {
  const value = parseInt(color.slice(1), 16);
  return (0xff000000 | ((value & 0xff) << 16) | (value & 0xff00) | (value >> 16)) >>> 0;
}

/// `part` of `over` on what is left of `under`.
export function mixed(under: Pixel, over: Pixel, part: number): Pixel {
  const channel = (shift: number) => Math.round(((under >>> shift) & 255) * (1 - part) + ((over >>> shift) & 255) * part) << shift;
  return (channel(24) | channel(16) | channel(8) | channel(0)) >>> 0;
}

/// What a kind of instruction looks like.
export interface KindLook {
  color: Pixel;
  shape: "box" | "thin" | "tall"; // waiting is not work, and thin; what is entered and left at once sticks out
}

/// Lines of pixels of one lane, from its edge inwards.
export class LanePixels {
  readonly tall: Uint32Array; // above and below the boxes
  readonly box: Uint32Array;
  readonly thin: Uint32Array; // in the middle of the boxes' height

  /// `around` is what is above and below the lane, `lane` its own colour.
  constructor(around: Uint32Array, lane: Pixel) {
    this.tall = around.slice();
    this.box = new Uint32Array(around.length).fill(lane);
    this.thin = this.box.slice();
  }

  /// The boxes of `lane`; those that stick out are over the others. `scale` is pixels per CSS pixel.
  /// What passes between two stages of a rank is left out. Says how many boxes there are, and gives
  /// those to `wide_ones` that hold one instruction and have room for a number.
  paint(lane: Lane, view: Viewport, look_of: (kind: string) => KindLook, scale: number, wide_ones: Box[]): number {
    const looks = lane.kinds.map(look_of);
    const {is_local} = lane;
    const tall: number[] = []; // x and kind in turn
    let drawn = 0;
    for_boxes(lane, view, this.box.length, (begin, end, kind, x, width) => {
      if (end - begin === 1 && is_local[begin] === 1) return;
      ++drawn;
      const {color, shape} = looks[kind];
      if (shape === "tall") return void tall.push(x, kind);
      const is_narrow = width < 2; // on a whole pixel, which needs no blending
      const from = is_narrow ? Math.floor(x) : x;
      const to = is_narrow ? from + 1 : x + width - (width > 4 * scale ? BOX_GAP * scale : 0);
      fill(this.thin, from, to, color);
      if (shape === "thin") return;
      fill(this.box, from, to, color);
      if (width >= WIDE * scale && end - begin === 1) wide_ones.push({event: lane.events[begin], kind: lane.kinds[kind], x, width, count: 1});
    });
    for (let i = 0; i < tall.length; i += 2) {
      const {color} = looks[tall[i + 1]];
      const from = Math.round(tall[i] - scale / 2);
      fill(this.tall, from, from + 2 * scale, color);
      fill(this.box, from, from + 2 * scale, color);
      fill(this.thin, from, from + 2 * scale, color);
    }
    return drawn;
  }
}

/// Colours `line` from `begin` to `end`, and pixels that are covered in part by that part.
export function fill(line: Uint32Array, begin: number, end: number, color: Pixel): void {
  const first = Math.max(0, Math.ceil(begin));
  const last = Math.min(line.length, Math.floor(end));
  if (first <= last) {
    if (begin < first && first > 0) line[first - 1] = mixed(line[first - 1], color, first - begin);
    if (end > last && last < line.length && last >= 0) line[last] = mixed(line[last], color, end - last);
    if (last - first < 8) for (let x = first; x < last; ++x) line[x] = color;
    else line.fill(color, first, last);
  } else if (last >= 0 && last < line.length) {
    line[last] = mixed(line[last], color, end - begin); // within one pixel
  }
}
