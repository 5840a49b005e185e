#include "executor/patch_batch.h"

#include <ATen/Parallel.h>

#include "executor/augmentation.h"

namespace cadastre {

void gather_patches(const SceneData& scene, const PatchSize& patch, std::size_t modality,
                    const Pixel* pixels, std::int64_t num_pixels, at::Tensor& batch) {
  const ModalityData& data = scene.modalities[modality];
  const std::int64_t side = patch.reference_pixels * patch.scales.at(modality);
  const std::int64_t shape[] = {num_pixels, data.num_bands, side, side};
  if (!batch.defined() || batch.sizes() != at::IntArrayRef(shape))
    batch = at::empty(shape, at::kFloat);
  float* const values = batch.data_ptr<float>();
  const std::int64_t patch_values = data.num_bands * side * side;
  constexpr std::int64_t kPatchesPerThread = 16;
  at::parallel_for(0, num_pixels, kPatchesPerThread, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      copy_patch(data, scene.grid, pixels[i].row, pixels[i].column, patch.reference_pixels,
                 values + i * patch_values);
  });
}

void gather_patches(const SceneData& scene, const PatchSize& patch, const Pixel* pixels,
                    std::int64_t num_pixels, std::vector<at::Tensor>& batch) {
  batch.resize(scene.modalities.size());
  for (std::size_t m = 0; m < scene.modalities.size(); ++m)
    gather_patches(scene, patch, m, pixels, num_pixels, batch[m]);
}

void vary_patches(const Augmentation& augmentation, std::uint64_t seed,
                  std::int64_t first_position, std::string_view modality,
                  std::int64_t num_modalities, at::Tensor& batch) {
  if (augmentation == Augmentation{}) return;
  const std::int64_t num_bands = batch.size(1);
  const std::int64_t side = batch.size(2);
  auto* const values = batch.data_ptr<float>();
  constexpr std::int64_t kPatchesPerThread = 4;
  at::parallel_for(0, batch.size(0), kPatchesPerThread, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      vary_patch(values + i * num_bands * side * side, num_bands, side,
                 drawn_variation(augmentation, seed, first_position + i, modality, num_bands,
                                 num_modalities));
  });
}

}  // namespace cadastre
