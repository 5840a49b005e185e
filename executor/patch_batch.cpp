#include "executor/patch_batch.h"

#include <ATen/Parallel.h>

namespace cadastre {

void gather_patches(const SceneData& scene, const PatchSize& patch, const Pixel* pixels,
                    std::int64_t num_pixels, std::vector<at::Tensor>& batch) {
  batch.resize(scene.modalities.size());
  for (std::size_t m = 0; m < scene.modalities.size(); ++m) {
    const ModalityData& modality = scene.modalities[m];
    const std::int64_t side = patch.reference_pixels * patch.scales.at(m);
    const std::int64_t shape[] = {num_pixels, modality.num_bands, side, side};
    if (!batch[m].defined() || batch[m].sizes() != at::IntArrayRef(shape))
      batch[m] = at::empty(shape, at::kFloat);
    float* const values = batch[m].data_ptr<float>();
    const std::int64_t patch_values = modality.num_bands * side * side;
    constexpr std::int64_t kPatchesPerThread = 16;
    at::parallel_for(0, num_pixels, kPatchesPerThread, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i)
        copy_patch(modality, scene.grid, pixels[i].row, pixels[i].column, patch.reference_pixels,
                   values + i * patch_values);
    });
  }
}

}  // namespace cadastre
