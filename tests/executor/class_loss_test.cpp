#include "executor/class_loss.h"

#include <torch/torch.h>

#include "executor/network.h"
#include "tests/support/catch.h"

namespace cadastre {
namespace {

namespace F = torch::nn::functional;

constexpr std::int64_t kClasses = 4;

struct Labelled {
  at::Tensor scores;
  at::Tensor labels;
};

Labelled pixels(std::int64_t num_samples) {
  torch::manual_seed(5);
  return {.scores = torch::randn({num_samples, kClasses}),
          .labels = torch::randint(kClasses, {num_samples}, at::kLong)};
}

Labelled patches(std::int64_t num_samples, std::int64_t side) {
  torch::manual_seed(6);
  Labelled made{.scores = torch::randn({num_samples, kClasses, side, side}),
                .labels = torch::randint(-1, kClasses, {num_samples, side, side}, at::kLong)};
  return made;
}

double value(const at::Tensor& tensor) { return tensor.item<double>(); }

TEST_CASE("the loss is torch's, weighted, smoothed, of pixels and of patches", "[executor]") {
  const at::Tensor weights = torch::tensor({0.5F, 1.0F, 2.0F, 4.0F});
  for (const Labelled& made : {pixels(50), patches(3, 5)})
    for (const double smoothing : {0.0, 0.1})
      for (const bool is_weighted : {false, true}) {
        ClassLoss loss;
        loss.label_smoothing = smoothing;
        if (is_weighted) loss.class_weights = weights;
        auto options = F::CrossEntropyFuncOptions()
                           .reduction(torch::kSum)
                           .ignore_index(-1)
                           .label_smoothing(smoothing);
        if (is_weighted) options = options.weight(weights);
        CHECK(value(class_loss_sum(made.scores, made.labels, loss)) ==
              Approx(value(F::cross_entropy(made.scores, made.labels, options))).epsilon(1e-6));
      }
  const Labelled made = pixels(50);
  CHECK(value(class_loss_sum(made.scores, made.labels, {})) ==
        value(cross_entropy_sum(made.scores, made.labels)));
}

TEST_CASE("the focal loss is the cross-entropy times (1 - p)^gamma", "[executor]") {
  const at::Tensor weights = torch::tensor({0.5F, 1.0F, 2.0F, 4.0F});
  for (const Labelled& made : {pixels(50), patches(3, 5)}) {
    ClassLoss loss;
    loss.focal_gamma = 2;
    loss.class_weights = weights;
    const at::Tensor scores =
        made.scores.dim() == 2 ? made.scores : made.scores.permute({0, 2, 3, 1}).reshape({-1, kClasses});
    const at::Tensor chances = torch::softmax(scores, 1);
    const at::Tensor labels = made.labels.reshape({-1});
    double expected = 0;
    for (std::int64_t i = 0; i < labels.size(0); ++i) {
      const auto label = labels[i].item<std::int64_t>();
      if (label < 0) continue;
      const double p = value(chances[i][label]);
      expected -= value(weights[label]) * (1 - p) * (1 - p) * std::log(p);
    }
    CHECK(value(class_loss_sum(made.scores, made.labels, loss)) == Approx(expected).epsilon(1e-5));
    // Its gradient is finite even where the class is certain.
    at::Tensor certain = torch::full({1, kClasses}, -200.0F);
    certain[0][1] = 200.0F;
    certain.requires_grad_(true);
    class_loss_sum(certain, torch::ones({1}, at::kLong), loss).backward();
    CHECK(torch::isfinite(certain.grad()).all().item<bool>());
  }
}

TEST_CASE("patches of one pixel are pixels", "[executor]") {
  const Labelled made = pixels(20);
  for (const double gamma : {0.0, 2.0}) {
    ClassLoss loss;
    loss.focal_gamma = gamma;
    loss.label_smoothing = 0.1;
    CHECK(value(class_loss_sum(made.scores.view({20, kClasses, 1, 1}),
                               made.labels.view({20, 1, 1}), loss)) ==
          Approx(value(class_loss_sum(made.scores, made.labels, loss))).epsilon(1e-6));
  }
}

TEST_CASE("the loss of a batch is the sum of its parts', however they are cut", "[executor]") {
  const Labelled made = patches(7, 5);
  ClassLoss loss;
  loss.labels_per_sample = 20;
  loss.label_smoothing = 0.1;
  double parts = 0;
  for (const auto& [begin, size] : {std::pair<int, int>{0, 2}, {2, 4}, {6, 1}})
    parts += value(class_loss_sum(made.scores.narrow(0, begin, size),
                                  made.labels.narrow(0, begin, size), loss));
  CHECK(value(class_loss_sum(made.scores, made.labels, loss)) == Approx(parts).epsilon(1e-6));
  // Nothing is learnt from a patch without labels.
  CHECK(value(class_loss_sum(made.scores, torch::full_like(made.labels, kNoLabel), loss)) == 0);
}

TEST_CASE("class weights are 1 in the mean over what is drawn", "[executor]") {
  // (1/100)^0.5 : (1/25)^0.5 = 1 : 2; 0.8 · w + 0.2 · 2 w = 1.
  const at::Tensor weights = class_weights({100, 25}, {0.8, 0.2}, 0.5);
  CHECK(weights[0].item<double>() == Approx(1 / 1.2));
  CHECK(weights[1].item<double>() == Approx(2 / 1.2));
  CHECK_FALSE(class_weights({100, 25}, {0.8, 0.2}, 0).defined());
}

}  // namespace
}  // namespace cadastre
