#pragma once

#include <cstdint>
#include <vector>

namespace cadastre {

/// Which training sample stands at each position of a training: of step s, b samples a step, those
/// from s·b to (s + 1)·b - 1. Depends on the seed and the samples' classes only, so it is the same
/// on every rank and machine, whatever the number of ranks, and goes on for ever.
///
/// Positions form passes of as many samples. In a pass every class has a fixed number of places, in
/// proportion to (its samples)^balance and at least one, in random order. A class's samples come in
/// random order, each once before one comes again, over the passes, too. With balance 1 and whole
/// passes that is every sample once a pass.
class SampleSequence {
 public:
  /// `classes`: of each training sample, from 0 on. `samples_per_pass` at most the number of
  /// samples.
  SampleSequence(const std::vector<std::int32_t>& classes, double balance,
                 std::int64_t samples_per_pass, std::uint64_t seed);

  /// The sample (index into `classes`) at a position. Fast where positions come in order.
  [[nodiscard]] std::int32_t at(std::int64_t position);

  [[nodiscard]] std::int64_t samples_per_pass() const { return samples_per_pass_; }

  /// [class] its part of a pass.
  [[nodiscard]] std::vector<double> draw_chances() const;

  /// [class] its samples.
  [[nodiscard]] std::vector<std::int64_t> num_samples() const;

 private:
  void make_pass(std::int64_t pass);
  void make_balanced_pass(std::int64_t pass);

  bool is_plain_;
  std::int64_t samples_per_pass_;
  std::uint64_t seed_;
  std::vector<std::vector<std::int32_t>> samples_;  ///< [class]
  std::vector<std::int64_t> places_;                ///< [class] in a pass
  std::int64_t pass_ = -1;
  std::vector<std::int32_t> order_;  ///< of the pass
};

}  // namespace cadastre
