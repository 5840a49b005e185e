#include "executor/training_data.h"

#include <torch/torch.h>

#include <algorithm>

#include "executor/augmentation.h"
#include "executor/launch/rank_hello.h"
#include "executor/patch_batch.h"
#include "executor/random.h"
#include "executor/training_schedule.h"

namespace cadastre {

namespace {

SceneData load_modalities(const Scene& scene, const ModelGraph& model,
                          const std::vector<std::size_t>& inputs) {
  std::vector<ModelInput> modalities;
  for (const std::size_t input : inputs) modalities.push_back(model.inputs[input]);
  return load_scene(scene, modalities);
}

SampleSequence sequence_of(const std::vector<Sample>& samples, const TrainingSettings& training,
                           std::uint64_t seed, std::int64_t batch_size) {
  std::vector<std::int32_t> classes;
  for (const Sample& sample : samples) classes.push_back(sample.class_index);
  const TrainingSchedule schedule = training_schedule(
      training, static_cast<std::int64_t>(samples.size()), 0, batch_size, 0);
  return SampleSequence(classes, training.class_balance, schedule.samples_per_pass, seed);
}

}  // namespace

TrainingData::TrainingData(const Scene& scene, const ModelGraph& model,
                           const std::set<std::size_t>& inputs, const TrainingSettings& training,
                           std::int64_t batch_size)
    : training_(training),
      data_(load_modalities(scene, model, {inputs.begin(), inputs.end()})),
      inputs_(inputs.begin(), inputs.end()),
      num_model_inputs_(model.inputs.size()),
      seed_(static_cast<std::uint64_t>(training.seed)),
      batch_size_(batch_size),
      sequence_(sequence_of(data_.train, training, seed_, batch_size)),
      is_dense_(is_dense(model)) {
  training_.augmentation = varied_for(
      training_.augmentation, static_cast<std::int64_t>(data_.train.size()));
  // How large patches are is a matter of all modalities.
  const PatchSize all_patches = patch_size(scene, model.inputs);
  patch_.reference_pixels = all_patches.reference_pixels;
  for (const std::size_t input : inputs_) patch_.scales.push_back(all_patches.scales[input]);
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

TrainingData::Centre TrainingData::centre(std::int64_t position) {
  const Sample& sample = data_.train[static_cast<std::size_t>(sequence_.at(position))];
  Centre centre{.row = sample.row, .column = sample.column, .class_index = sample.class_index};
  if (!is_dense_) return centre;
  const std::int64_t most = patch_.reference_pixels / 3;
  const std::uint64_t key = mix(mix(seed_, "patch offset"), static_cast<std::uint64_t>(position));
  const auto moved = [&](std::int64_t at, std::uint64_t axis, std::int64_t size) {
    const auto draw =
        static_cast<std::int64_t>(mix(key, axis) % static_cast<std::uint64_t>(2 * most + 1));
    return std::clamp<std::int64_t>(at + draw - most, 0, size - 1);
  };
  centre.row = moved(centre.row, 0, data_.grid.num_rows);
  centre.column = moved(centre.column, 1, data_.grid.num_columns);
  return centre;
}

void TrainingData::read_labels(const Centre& centre, std::int64_t* labels) const {
  const std::int64_t side = patch_.reference_pixels;
  for (std::int64_t y = 0; y < side; ++y)
    for (std::int64_t x = 0; x < side; ++x) {
      const std::int64_t row = centre.row - side / 2 + y;
      const std::int64_t column = centre.column - side / 2 + x;
      const bool is_inside = row >= 0 && row < data_.grid.num_rows && column >= 0 &&
                             column < data_.grid.num_columns;
      // What is mirrored at the border was learnt from where it is; other parts are not learnt.
      *labels = kNoLabel;
      if (is_inside) {
        const auto pixel = static_cast<std::size_t>(row * data_.grid.num_columns + column);
        if (data_.part_plane[pixel] == static_cast<std::uint8_t>(Part::kTrain))
          *labels = data_.class_plane[pixel];
      }
      ++labels;
    }
}

ClassLoss TrainingData::loss() {
  ClassLoss loss;
  loss.class_weights = class_weights(sequence_.num_samples(), sequence_.draw_chances(),
                                     training_.loss.class_weight_power);
  loss.focal_gamma = training_.loss.focal_gamma;
  loss.label_smoothing = training_.loss.label_smoothing;
  if (!is_dense_) return loss;
  constexpr std::int64_t kMostPatches = 4096;
  const std::int64_t num_patches = std::min(kMostPatches, sequence_.samples_per_pass());
  std::vector<std::int64_t> labels(
      static_cast<std::size_t>(patch_.reference_pixels * patch_.reference_pixels));
  double sum = 0;
  for (std::int64_t position = 0; position < num_patches; ++position) {
    read_labels(centre(position), labels.data());
    for (const std::int64_t label : labels)
      if (label != kNoLabel)
        sum += loss.class_weights.defined()
                   ? static_cast<double>(loss.class_weights.data_ptr<float>()[label])
                   : 1;
  }
  loss.labels_per_sample = sum / static_cast<double>(num_patches);
  return loss;
}

LoadedSamples TrainingData::load(std::int64_t step, SampleRange samples,
                                 const std::vector<std::size_t>& inputs, Variation variation) {
  const std::int64_t first = step * batch_size_ + samples.begin;
  const std::int64_t side = patch_.reference_pixels;
  const bool is_varied = variation == Variation::kVaried;
  std::vector<Pixel> pixels;
  LoadedSamples loaded;
  loaded.class_indices = is_dense_ ? at::empty({samples.size(), side, side}, at::kLong)
                                   : at::empty({samples.size()}, at::kLong);
  auto* labels = loaded.class_indices.data_ptr<std::int64_t>();
  for (std::int64_t i = 0; i < samples.size(); ++i) {
    const Centre place = centre(first + i);
    pixels.push_back({.row = place.row, .column = place.column});
    if (is_dense_) {
      read_labels(place, labels);
      if (is_varied) turn_square(labels, side, drawn_view(training_.augmentation, seed_, first + i));
      labels += side * side;
    } else {
      *labels++ = place.class_index;
    }
  }
  // New tensors each time: those of other micro-batches are still in use.
  loaded.inputs.resize(num_model_inputs_);
  for (const std::size_t input : inputs) {
    const auto modality = static_cast<std::size_t>(
        std::find(inputs_.begin(), inputs_.end(), input) - inputs_.begin());
    at::Tensor& patches = loaded.inputs[input];
    gather_patches(data_, patch_, modality, pixels.data(), samples.size(), patches);
    if (is_varied)
      vary_patches(training_.augmentation, seed_, first, data_.modalities[modality].name,
                   static_cast<std::int64_t>(num_model_inputs_), patches);
  }
  return loaded;
}

}  // namespace cadastre
