// The output shape of each layer, which model documents leave out (planner/model_check.cpp derives
// the same).

import type {Layer, Model} from "../documents";

/// Extents per sample: (C, H, W) for images, (F) for features.
export type Shape = number[];

function number_of(layer: Layer, key: string, otherwise: number): number {
  const value = layer[key];
  return typeof value === "number" ? value : otherwise;
}

function windowed(layer: Layer, [, height, width]: Shape, channels: number, stride: number): Shape {
  const kernel = number_of(layer, "dilation", 1) * (number_of(layer, "kernel_size", 1) - 1) + 1;
  const padding = number_of(layer, "padding", 0);
  const extent = (size: number) => Math.floor((size + 2 * padding - kernel) / stride) + 1;
  return [channels, extent(height), extent(width)];
}

function output_shape(layer: Layer, inputs: Shape[]): Shape | undefined {
  const [input] = inputs;
  switch (layer.kind) {
    case "conv2d":
      return windowed(layer, input, number_of(layer, "out_channels", 0), number_of(layer, "stride", 1));
    case "max_pool2d":
      return windowed(layer, input, input[0], number_of(layer, "stride", 2));
    case "adaptive_avg_pool2d": {
      const size = number_of(layer, "output_size", 1);
      return [input[0], size, size];
    }
    case "center_crop2d": {
      const size = number_of(layer, "size", 1);
      return [input[0], size, size];
    }
    case "flatten":
      return [input.reduce((product, extent) => product * extent, 1)];
    case "linear":
      return [number_of(layer, "out_features", 0)];
    case "profiled":
      return [number_of(layer, "output_elements", 1)];
    case "torch_script":
      return Array.isArray(layer.output_shape) ? (layer.output_shape as Shape) : undefined;
    case "concat":
      return [inputs.reduce((sum, [first]) => sum + first, 0), ...input.slice(1)];
    case "batch_norm2d":
    case "relu":
    case "dropout":
    case "add":
      return input;
    default:
      return undefined;
  }
}

/// Shapes by layer id and input name. Layers of a kind this viewer does not know, and those behind
/// them, are absent.
export function shapes_of(model: Model): Map<string, Shape> {
  const shapes = new Map<string, Shape>(model.inputs.map(({name, shape}) => [name, shape]));
  for (const layer of model.layers) {
    const inputs = layer.inputs.map((input) => shapes.get(input));
    if (inputs.length === 0 || inputs.some((shape) => shape === undefined)) continue;
    const shape = output_shape(layer, inputs as Shape[]);
    if (shape?.every((extent) => Number.isFinite(extent))) shapes.set(layer.id, shape);
  }
  return shapes;
}

export function shape_text(shape: Shape | undefined): string {
  return shape ? shape.join(" × ") : "";
}
