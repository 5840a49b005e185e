#include "planner/profile_estimate.h"

#include <algorithm>
#include <map>
#include <optional>

#include "planner/error.h"
#include "planner/pass_work.h"
#include "planner/quantile.h"
#include "planner/refusal.h"
#include "planner/roofline.h"
#include "planner/saved_bytes.h"

namespace cadastre {

namespace {

/// The model's layers with the bytes that follow from shapes, and no measurements.
std::vector<LayerProfile> layers_without_times(const ModelGraph& model) {
  const std::vector<std::int64_t> saved = saved_bytes_per_sample(model);
  const std::vector<std::int64_t> parameters = parameter_bytes(model);
  std::vector<LayerProfile> layers;
  for (std::size_t i = 0; i < model.layers.size(); ++i)
    layers.push_back({.layer = model.layers[i].id,
                      .measurements = {},
                      .activation_bytes_per_sample =
                          kBytesPerElement * num_elements(model.layers[i].output_shape),
                      .saved_bytes_per_sample = saved[i],
                      .parameter_bytes = parameters[i]});
  return layers;
}

}  // namespace

Profile estimated_profile(const ModelGraph& model, const Device& device, const std::string& file,
                          const std::string& pointer) {
  for (const Layer& layer : model.layers)
    if (std::holds_alternative<Profiled>(layer.operation))
      throw InputError(file, pointer + "/layers",
                       "expected a layer whose work follows from its shapes, found " +
                           in_quotes(layer.id) + ", which only a profile knows");
  const std::vector<LayerWork> work = layer_work(model);
  Profile profile{.device = device.name, .model = model, .layers = layers_without_times(model)};
  for (std::size_t i = 0; i < profile.layers.size(); ++i) {
    profile.layers[i].measurements = roofline_measurements(device, {work[i]});
    profile.layers[i].fit_error = leave_one_out_error(profile.layers[i].measurements);
  }
  set_roofline_step_costs(profile, device);
  return profile;
}

namespace {

enum class Pass { kForward, kBackward };

/// Whether a layer's seconds go with its operations, and not with the bytes that it moves.
bool counts_flops(const Operation& operation) {
  if (const auto* script = std::get_if<TorchScript>(&operation))
    return std::any_of(script->parameters.begin(), script->parameters.end(),
                       [](const TensorSlot& slot) { return slot.shape.size() > 1; });
  return std::holds_alternative<Conv2d>(operation) || std::holds_alternative<Linear>(operation);
}

/// What a layer's seconds go with.
double amount(const Operation& operation, const LayerWork& work, Pass pass,
              std::int64_t batch_size) {
  const PassWork& of_pass = pass == Pass::kForward ? work.forward : work.backward;
  const auto samples = static_cast<double>(batch_size);
  if (counts_flops(operation)) return of_pass.flops_per_sample * samples;
  return of_pass.bytes_per_sample * samples + of_pass.bytes;
}

double& seconds_of(Measurement& measurement, Pass pass) {
  return pass == Pass::kForward ? measurement.forward_s : measurement.backward_s;
}

double& spread_of(Measurement& measurement, Pass pass) {
  return pass == Pass::kForward ? measurement.forward_spread_s : measurement.backward_spread_s;
}

double seconds_of(const LayerCost& cost, Pass pass) {
  return pass == Pass::kForward ? cost.forward_s : cost.backward_s;
}

/// A measured profile, asked for what another model's layers would take.
class Rates {
 public:
  explicit Rates(const Profile& profile) : profile_(profile), work_(layer_work(profile.model)) {
    for (std::size_t i = 0; i < profile.model.layers.size(); ++i)
      index_of_.emplace(profile.model.layers[i].id, i);
  }

  /// The measured layer of this layer's id and kind, or null.
  [[nodiscard]] const std::size_t* measured(const Layer& layer) const {
    const auto found = index_of_.find(layer.id);
    if (found == index_of_.end()) return nullptr;
    const Operation& before = profile_.model.layers[found->second].operation;
    return before.index() == layer.operation.index() ? &found->second : nullptr;
  }

  [[nodiscard]] std::vector<Measurement> scaled(std::size_t measured, const Layer& layer,
                                                const LayerWork& work) const {
    std::vector<Measurement> measurements = profile_.layers[measured].measurements;
    for (Measurement& measurement : measurements)
      for (const Pass pass : {Pass::kForward, Pass::kBackward}) {
        const double before =
            amount(layer.operation, work_[measured], pass, measurement.batch_size);
        const double now = amount(layer.operation, work, pass, measurement.batch_size);
        if (before == now) continue;
        // Where the pass did nothing before, as the first layer's gradient of its input.
        if (before <= 0) {
          seconds_of(measurement, pass) =
              now * median_rate(layer, pass, measurement.batch_size).value_or(0);
          continue;
        }
        seconds_of(measurement, pass) *= now / before;
        spread_of(measurement, pass) *= now / before;
      }
    return measurements;
  }

  /// Nothing where no measured layer compares with this one.
  [[nodiscard]] std::optional<std::vector<Measurement>> of_new(const Layer& layer,
                                                               const LayerWork& work) const {
    std::vector<Measurement> measurements;
    for (const Measurement& size : profile_.layers.front().measurements) {
      Measurement& measurement = measurements.emplace_back();
      measurement.batch_size = size.batch_size;
      for (const Pass pass : {Pass::kForward, Pass::kBackward}) {
        const double now = amount(layer.operation, work, pass, size.batch_size);
        if (now <= 0) continue;
        const std::optional<double> rate = median_rate(layer, pass, size.batch_size);
        if (!rate) return std::nullopt;
        seconds_of(measurement, pass) = now * *rate;
      }
    }
    return measurements;
  }

 private:
  /// Seconds per operation or byte: of the measured layers of the same kind, or else of all that
  /// are counted alike.
  [[nodiscard]] std::optional<double> median_rate(const Layer& layer, Pass pass,
                                                  std::int64_t batch_size) const {
    std::vector<double> of_kind;
    std::vector<double> alike;
    for (std::size_t i = 0; i < profile_.layers.size(); ++i) {
      const Operation& operation = profile_.model.layers[i].operation;
      const double done = amount(operation, work_[i], pass, batch_size);
      if (done <= 0 || counts_flops(operation) != counts_flops(layer.operation)) continue;
      const double rate = seconds_of(layer_cost(profile_.layers[i], batch_size), pass) / done;
      alike.push_back(rate);
      if (operation.index() == layer.operation.index()) of_kind.push_back(rate);
    }
    if (alike.empty()) return std::nullopt;
    return median(of_kind.empty() ? alike : of_kind);
  }

  const Profile& profile_;
  std::vector<LayerWork> work_;
  std::map<std::string, std::size_t> index_of_;
};

}  // namespace

Profile rescaled_profile(const Profile& profile, const ModelGraph& model, const std::string& file,
                         const std::string& pointer) {
  if (model == profile.model) return profile;
  const Rates rates(profile);
  const std::vector<LayerWork> work = layer_work(model);
  Profile rescaled{.device = profile.device,
                   .num_threads = profile.num_threads,
                   .model = model,
                   .layers = layers_without_times(model),
                   .load_s_per_sample = profile.load_s_per_sample,
                   .load_s_per_micro_batch = profile.load_s_per_micro_batch,
                   .optimizer_s_per_parameter_byte = profile.optimizer_s_per_parameter_byte,
                   .adamw_s_per_parameter_byte = profile.adamw_s_per_parameter_byte,
                   .average_s_per_parameter_byte = profile.average_s_per_parameter_byte,
                   .loss_s_per_sample = profile.loss_s_per_sample,
                   .loss_s_per_micro_batch = profile.loss_s_per_micro_batch,
                   .caches = profile.caches,
                   .parts = profile.parts};
  const double bytes_before = input_bytes(profile.model);
  if (bytes_before > 0) rescaled.load_s_per_sample *= input_bytes(model) / bytes_before;
  for (std::size_t i = 0; i < model.layers.size(); ++i) {
    const Layer& layer = model.layers[i];
    LayerProfile& carried = rescaled.layers[i];
    const std::size_t* measured = rates.measured(layer);
    const auto refuse_layer = [&](const std::string& why) {
      throw InputError(file, pointer + "/layers",
                       "expected a layer whose cost the profile tells, found " +
                           in_quotes(layer.id) + ", " + why);
    };
    if (std::holds_alternative<Profiled>(layer.operation)) {
      if (measured == nullptr) refuse_layer("which only a profile knows and this one has not");
      carried.measurements = profile.layers[*measured].measurements;
      carried.saved_bytes_per_sample = profile.layers[*measured].saved_bytes_per_sample;
    } else if (measured != nullptr) {
      carried.measurements = rates.scaled(*measured, layer, work[i]);
    } else {
      const std::optional<std::vector<Measurement>> measurements = rates.of_new(layer, work[i]);
      if (!measurements) refuse_layer("as nothing that was measured compares with it");
      carried.measurements = *measurements;
    }
    carried.fit_error = leave_one_out_error(carried.measurements);
  }
  return rescaled;
}

}  // namespace cadastre
