#include "executor/predictor.h"

#include <torch/torch.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <exception>
#include <mutex>
#include <thread>

#include "executor/accuracy.h"

namespace cadastre {

namespace {

/// Pixels of the grid in square tiles, so that the patches of a batch overlap and stay in cache.
std::vector<Pixel> pixels_by_tile(const Grid& grid) {
  constexpr std::int64_t kTileSide = 64;
  std::vector<Pixel> pixels;
  pixels.reserve(static_cast<std::size_t>(grid.num_rows * grid.num_columns));
  for (std::int64_t top = 0; top < grid.num_rows; top += kTileSide)
    for (std::int64_t left = 0; left < grid.num_columns; left += kTileSide)
      for (std::int64_t row = top; row < std::min(top + kTileSide, grid.num_rows); ++row)
        for (std::int64_t column = left; column < std::min(left + kTileSide, grid.num_columns);
             ++column)
          pixels.push_back({row, column});
  return pixels;
}

std::vector<std::vector<std::int64_t>> empty_confusion(std::size_t num_classes) {
  return std::vector<std::vector<std::int64_t>>(num_classes,
                                                std::vector<std::int64_t>(num_classes, 0));
}

std::vector<std::string> class_names(const std::vector<LandCoverClass>& classes) {
  std::vector<std::string> names;
  for (const LandCoverClass& land_cover : classes) names.push_back(land_cover.name);
  return names;
}

}  // namespace

Classification classify(StageNetwork& network, const SceneData& scene, const PatchSize& patch,
                        const std::vector<Pixel>& pixels, const PredictionOptions& options) {
  const auto num_pixels = static_cast<std::int64_t>(pixels.size());
  const std::int64_t num_batches = (num_pixels + options.batch_size - 1) / options.batch_size;
  Classification result;
  result.class_indices.resize(pixels.size());
  result.confidence.resize(pixels.size());
  std::atomic<std::int64_t> next_batch = 0;
  std::mutex mutex;
  std::int64_t done = 0;
  std::exception_ptr failure;

  const auto classify_batches = [&] {
    const at::NoGradGuard no_grad;
    std::vector<at::Tensor> patches;
    std::vector<at::Tensor> inputs;
    for (std::int64_t batch = next_batch++; batch < num_batches; batch = next_batch++) {
      const std::int64_t begin = batch * options.batch_size;
      const std::int64_t size = std::min(options.batch_size, num_pixels - begin);
      gather_patches(scene, patch, pixels.data() + begin, size, patches);
      inputs.clear();
      for (const Source& source : network.inputs())
        inputs.push_back(patches[static_cast<std::size_t>(source.index)]);
      const at::Tensor scores =
          network
              .forward(inputs, {.mode = ForwardMode::kEvaluation,
                                .samples = {.begin = begin, .end = begin + size}})
              .front();
      const auto [confidence, class_index] = at::softmax(scores, 1).max(1);
      std::copy_n(confidence.data_ptr<float>(), size, result.confidence.begin() + begin);
      std::transform(class_index.data_ptr<std::int64_t>(),
                     class_index.data_ptr<std::int64_t>() + size,
                     result.class_indices.begin() + begin,
                     [](std::int64_t index) { return static_cast<std::int32_t>(index); });
      const std::lock_guard lock(mutex);
      done += size;
      if (options.progress) options.progress(done, num_pixels);
    }
  };
  const auto work = [&] {
    try {
      classify_batches();
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (!failure) failure = std::current_exception();
      next_batch = num_batches;
    }
  };
  {
    std::vector<std::jthread> workers;
    for (int i = 1; i < options.num_threads; ++i) workers.emplace_back(work);
    work();
  }
  if (failure) std::rethrow_exception(failure);
  return result;
}

ClassMap classify_scene(StageNetwork& network, const SceneData& scene, const PatchSize& patch,
                        const std::vector<LandCoverClass>& classes,
                        const PredictionOptions& options) {
  const std::vector<Pixel> pixels = pixels_by_tile(scene.grid);
  const Classification classified = classify(network, scene, patch, pixels, options);
  ClassMap map;
  map.grid = scene.grid;
  map.class_ids.resize(pixels.size());
  map.confidence.resize(pixels.size());
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    const auto place =
        static_cast<std::size_t>(pixels[i].row * scene.grid.num_columns + pixels[i].column);
    const auto class_index = static_cast<std::size_t>(classified.class_indices[i]);
    map.class_ids[place] = static_cast<std::uint8_t>(classes.at(class_index).id);
    map.confidence[place] = classified.confidence[i];
  }
  return map;
}

Metrics test_metrics(StageNetwork& network, const SceneData& scene, const PatchSize& patch,
                     const std::vector<LandCoverClass>& classes, const PredictionOptions& options) {
  std::vector<Pixel> pixels;
  for (const Sample& sample : scene.test) pixels.push_back({sample.row, sample.column});
  const Classification classified = classify(network, scene, patch, pixels, options);
  auto confusion = empty_confusion(classes.size());
  for (std::size_t i = 0; i < pixels.size(); ++i)
    ++confusion.at(static_cast<std::size_t>(scene.test[i].class_index))
          .at(static_cast<std::size_t>(classified.class_indices[i]));
  return accuracy_metrics(class_names(classes), confusion);
}

Metrics map_metrics(const ClassMap& map, const SceneData& scene,
                    const std::vector<LandCoverClass>& classes) {
  std::vector<std::size_t> index_of_id(256, classes.size());
  for (std::size_t i = 0; i < classes.size(); ++i)
    index_of_id.at(static_cast<std::size_t>(classes[i].id)) = i;
  auto confusion = empty_confusion(classes.size());
  for (const Sample& sample : scene.test) {
    const std::int64_t place =
        std::int64_t{sample.row} * map.grid.num_columns + std::int64_t{sample.column};
    const std::size_t predicted = index_of_id[map.class_ids.at(static_cast<std::size_t>(place))];
    ++confusion.at(static_cast<std::size_t>(sample.class_index)).at(predicted);
  }
  return accuracy_metrics(class_names(classes), confusion);
}

std::string metrics_text(const Metrics& metrics) {
  char line[160];
  std::snprintf(line, sizeof line,
                "overall accuracy %.2f %%, average accuracy %.2f %%, kappa %.4f\n",
                100 * metrics.overall_accuracy, 100 * metrics.average_accuracy, metrics.kappa);
  std::string text = line;
  std::snprintf(line, sizeof line, "  %-24s %9s %9s %9s %7s\n", "class", "samples", "precision",
                "recall", "F1");
  text += line;
  for (const ClassMetrics& land_cover : metrics.classes) {
    std::snprintf(line, sizeof line, "  %-24.40s %9lld %8.1f%% %8.1f%% %7.3f\n",
                  land_cover.name.c_str(), static_cast<long long>(land_cover.num_samples),
                  100 * land_cover.precision, 100 * land_cover.recall, land_cover.f1);
    text += line;
  }
  return text;
}

}  // namespace cadastre
