// How accurate a run and its map are, as cadastre writes it.

export interface ClassMetrics {
  name: string;
  num_samples: number;
  precision: number;
  recall: number;
  f1: number;
}

export interface Metrics {
  overall_accuracy: number;
  average_accuracy: number;
  kappa: number;
  classes: ClassMetrics[];
  confusion: number[][]; // [reference class][predicted class]
}

/// Accuracy on samples that the run did not learn from, after so many steps.
export interface ValidationPoint {
  num_steps: number;
  loss: number;
  overall_accuracy: number;
  average_accuracy: number;
  kappa: number;
}

export interface Validation {
  num_samples: number;
  curve: ValidationPoint[];
  best_num_steps: number; // whose weights were kept
}

/// What a map says of its classes (executor/predict/area_estimate.h). Areas are in `area_unit`.
export interface MapAreas {
  format: "cadastre-map/1";
  area_unit: string;
  classes: {
    name: string;
    num_pixels: number;
    mapped_area?: number;
    estimated_area?: number; // what the errors on held-out labels make of it, and
    estimated_area_half_width?: number; // of its 95 % interval
  }[];
}
