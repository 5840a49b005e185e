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
      at::Tensor scores =
          network
              .forward(inputs, {.mode = ForwardMode::kEvaluation,
                                .samples = {.begin = begin, .end = begin + size}})
              .front();
      // A dense network scores the whole patch: the pixel is its middle.
      if (scores.dim() == 4)
        scores = scores.select(3, scores.size(3) / 2).select(2, scores.size(2) / 2);
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
