#include "executor/validation.h"

#include <torch/torch.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <future>
#include <mutex>
#include <thread>
#include <utility>

#include "executor/accuracy.h"
#include "executor/class_loss.h"
#include "executor/patch_batch.h"

namespace cadastre {

std::vector<Sample> even_choice(const std::vector<Sample>& samples, std::int64_t most) {
  const auto num_samples = static_cast<std::int64_t>(samples.size());
  if (most <= 0 || num_samples <= most) return samples;
  std::vector<Sample> chosen;
  for (std::int64_t i = 0; i < most; ++i)
    chosen.push_back(samples[static_cast<std::size_t>(i * num_samples / most)]);
  return chosen;
}

Validator::Validator(const Scene& scene, const ModelGraph& model, std::int64_t most_samples)
    : network_(whole_network(model, 0)),
      data_(load_scene(scene, model.inputs)),
      patch_(patch_size(scene, model.inputs)) {
  data_.validation = even_choice(data_.validation, most_samples);
  for (const LandCoverClass& land_cover : scene.classes) class_names_.push_back(land_cover.name);
}

ValidationResult Validator::validate(const Weights& weights, int num_threads) {
  constexpr std::int64_t kBatch = 128;
  set_weights(network_, weights, "the ranks");
  const std::int64_t size = num_samples();
  const std::int64_t num_batches = (size + kBatch - 1) / kBatch;
  std::vector<std::int64_t> predicted(static_cast<std::size_t>(size));
  std::vector<double> losses(static_cast<std::size_t>(num_batches));
  std::atomic<std::int64_t> next_batch = 0;
  std::mutex mutex;
  std::exception_ptr failure;

  const auto validate_batch = [&](std::int64_t batch) {
    const std::int64_t begin = batch * kBatch;
    const std::int64_t end = std::min(begin + kBatch, size);
    std::vector<Pixel> pixels;
    at::Tensor labels = at::empty({end - begin}, at::kLong);
    for (std::int64_t i = begin; i < end; ++i) {
      const Sample& sample = data_.validation[static_cast<std::size_t>(i)];
      pixels.push_back({.row = sample.row, .column = sample.column});
      labels.data_ptr<std::int64_t>()[i - begin] = sample.class_index;
    }
    std::vector<at::Tensor> patches;
    gather_patches(data_, patch_, pixels.data(), end - begin, patches);
    std::vector<at::Tensor> inputs;
    for (const Source& source : network_.inputs())
      inputs.push_back(patches[static_cast<std::size_t>(source.index)]);
    at::Tensor scores =
        network_
            .forward(inputs, {.mode = ForwardMode::kEvaluation,
                              .samples = {.begin = begin, .end = end}})
            .front();
    if (scores.dim() == 4)
      scores = scores.select(3, scores.size(3) / 2).select(2, scores.size(2) / 2).contiguous();
    losses[static_cast<std::size_t>(batch)] =
        cross_entropy_sum(scores, labels).item<double>();
    const at::Tensor classes = scores.argmax(1);
    std::copy_n(classes.data_ptr<std::int64_t>(), end - begin, predicted.begin() + begin);
  };
  const auto work = [&] {
    const at::NoGradGuard no_gradients;
    try {
      for (std::int64_t batch = next_batch++; batch < num_batches; batch = next_batch++)
        validate_batch(batch);
    } catch (...) {
      const std::scoped_lock lock(mutex);
      failure = std::current_exception();
      next_batch = num_batches;
    }
  };
  {
    std::vector<std::jthread> workers;
    for (int i = 1; i < num_threads; ++i) workers.emplace_back(work);
    work();
  }
  if (failure) std::rethrow_exception(failure);

  std::vector<std::vector<std::int64_t>> confusion(
      class_names_.size(), std::vector<std::int64_t>(class_names_.size(), 0));
  for (std::size_t i = 0; i < predicted.size(); ++i)
    ++confusion.at(static_cast<std::size_t>(data_.validation[i].class_index))
          .at(static_cast<std::size_t>(predicted[i]));
  ValidationResult result;
  for (const double loss : losses) result.loss += loss;
  result.loss /= static_cast<double>(size);
  result.metrics = accuracy_metrics(class_names_, confusion);
  return result;
}

struct CandidateChoice::State {
  Validator validator;
  int num_threads = 1;
  std::future<ValidationResult> ending;  ///< valid while one is being validated
  std::int64_t num_steps = 0;            ///< of that one
  std::shared_ptr<const Weights> weights;
  Validation validation;
  std::shared_ptr<const Weights> best;
  double best_kappa = 0;
  double best_loss = 0;
  std::int64_t num_since_best = 0;

  void note(ValidationResult result);
};

void CandidateChoice::State::note(ValidationResult result) {
  const Metrics& metrics = result.metrics;
  validation.curve.push_back({.num_steps = num_steps,
                              .loss = result.loss,
                              .overall_accuracy = metrics.overall_accuracy,
                              .average_accuracy = metrics.average_accuracy,
                              .kappa = metrics.kappa});
  ++num_since_best;
  const bool is_better =
      !best || metrics.kappa > best_kappa ||
      (metrics.kappa == best_kappa && result.loss < best_loss);
  if (!is_better) return;
  if (!best || metrics.kappa > best_kappa) num_since_best = 0;
  best = weights;
  best_kappa = metrics.kappa;
  best_loss = result.loss;
  validation.best_num_steps = num_steps;
  validation.metrics = std::move(result.metrics);
}

CandidateChoice::CandidateChoice(Validator validator)
    : state_(new State{.validator = std::move(validator)}) {
  state_->validation.num_samples = state_->validator.num_samples();
}

CandidateChoice::~CandidateChoice() = default;

void CandidateChoice::restore(const Validation& validation, Weights best) {
  state_->validation = validation;
  state_->best = std::make_shared<const Weights>(std::move(best));
  state_->best_kappa = validation.metrics.kappa;
  // As `note` would have counted them.
  double greatest = -2;
  for (const ValidationPoint& point : validation.curve) {
    ++state_->num_since_best;
    if (point.kappa > greatest) state_->num_since_best = 0;
    greatest = std::max(greatest, point.kappa);
    if (point.num_steps == validation.best_num_steps) state_->best_loss = point.loss;
  }
}

void CandidateChoice::start(std::int64_t num_steps, Weights weights) {
  state_->num_steps = num_steps;
  state_->weights = std::make_shared<const Weights>(std::move(weights));
  state_->ending = std::async(
      std::launch::async, [state = state_.get(), tried = state_->weights] {
        return state->validator.validate(*tried, state->num_threads);
      });
}

bool CandidateChoice::is_busy() const { return state_->ending.valid(); }

bool CandidateChoice::take_ended() {
  if (!is_busy() || state_->ending.wait_for(std::chrono::seconds(0)) != std::future_status::ready)
    return false;
  wait();
  return true;
}

void CandidateChoice::wait() {
  if (is_busy()) state_->note(state_->ending.get());
}

std::int64_t CandidateChoice::num_since_best() const { return state_->num_since_best; }

const Validation& CandidateChoice::validation() const { return state_->validation; }

const Weights& CandidateChoice::best_weights() const { return *state_->best; }

void CandidateChoice::use_threads(int num_threads) { state_->num_threads = num_threads; }

}  // namespace cadastre
