#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <string_view>
#include <vector>

#include "executor/scene_data.h"
#include "planner/training_settings.h"

namespace cadastre {

/// A pixel of the reference grid.
struct Pixel {
  std::int64_t row = 0;
  std::int64_t column = 0;
  bool operator==(const Pixel&) const = default;
};

/// The patches of `num_pixels` pixels from `pixels` on, (num_pixels, B, P·S, P·S), of one modality
/// of `scene`. Fills `batch` anew when it already has that shape. Runs on LibTorch's threads.
void gather_patches(const SceneData& scene, const PatchSize& patch, std::size_t modality,
                    const Pixel* pixels, std::int64_t num_pixels, at::Tensor& batch);

/// The patches of `num_pixels` pixels from `pixels` on, one tensor (num_pixels, B, P·S, P·S) per
/// modality of `scene`. Tensors in `batch` that already have their shape are filled anew, so keep
/// it from call to call. Runs on LibTorch's threads.
void gather_patches(const SceneData& scene, const PatchSize& patch, const Pixel* pixels,
                    std::int64_t num_pixels, std::vector<at::Tensor>& batch);

/// Varies the patches (N, B, P·S, P·S) of one modality in place, as training does those of the
/// samples from `first_position` on (see augmentation.h). Runs on LibTorch's threads.
void vary_patches(const Augmentation& augmentation, std::uint64_t seed,
                  std::int64_t first_position, std::string_view modality,
                  std::int64_t num_modalities, at::Tensor& batch);

}  // namespace cadastre
