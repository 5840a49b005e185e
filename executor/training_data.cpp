#include "executor/training_data.h"

#include <torch/torch.h>

#include <algorithm>

#include "executor/launch/rank_hello.h"
#include "executor/patch_batch.h"
#include "executor/sample_order.h"

namespace cadastre {

TrainingData::TrainingData(const Scene& scene, const ModelGraph& model,
                           const std::set<std::size_t>& inputs, std::uint64_t seed,
                           std::int64_t batch_size)
    : inputs_(inputs.begin(), inputs.end()),
      num_model_inputs_(model.inputs.size()),
      seed_(seed),
      batch_size_(batch_size) {
  // How large patches are is a matter of all modalities.
  const PatchSize all_patches = patch_size(scene, model.inputs);
  patch_.reference_pixels = all_patches.reference_pixels;
  std::vector<ModelInput> modalities;
  for (const std::size_t input : inputs_) {
    modalities.push_back(model.inputs[input]);
    patch_.scales.push_back(all_patches.scales[input]);
  }
  data_ = load_scene(scene, modalities);
}

std::string TrainingData::fingerprint() const {
  std::string text;
  text.reserve(data_.train.size() * sizeof(Sample));
  for (const Sample& sample : data_.train)
    for (const std::int32_t number : {sample.row, sample.column, sample.class_index})
      for (int shift = 0; shift < 32; shift += 8)
        text.push_back(static_cast<char>((number >> shift) & 0xff));
  return std::to_string(data_.train.size()) + " samples, " + cadastre::fingerprint(text);
}

void TrainingData::start_step(std::int64_t epoch, std::int64_t step_of_epoch) {
  if (epoch != epoch_) {
    order_ = sample_order(seed_, epoch, num_samples());
    epoch_ = epoch;
  }
  first_ = step_of_epoch * batch_size_;
}

LoadedSamples TrainingData::load(SampleRange samples,
                                 const std::vector<std::size_t>& inputs) const {
  std::vector<Pixel> pixels;
  LoadedSamples loaded;
  loaded.class_indices = at::empty({samples.size()}, at::kLong);
  auto* classes = loaded.class_indices.data_ptr<std::int64_t>();
  for (std::int64_t i = samples.begin; i < samples.end; ++i) {
    const Sample& sample =
        data_.train[static_cast<std::size_t>(order_[static_cast<std::size_t>(first_ + i)])];
    pixels.push_back({.row = sample.row, .column = sample.column});
    *classes++ = sample.class_index;
  }
  // New tensors each time: those of other micro-batches are still in use.
  loaded.inputs.resize(num_model_inputs_);
  for (const std::size_t input : inputs) {
    const auto modality = static_cast<std::size_t>(
        std::find(inputs_.begin(), inputs_.end(), input) - inputs_.begin());
    gather_patches(data_, patch_, modality, pixels.data(), samples.size(), loaded.inputs[input]);
  }
  return loaded;
}

}  // namespace cadastre
