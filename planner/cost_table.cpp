#include "planner/cost_table.h"

#include <algorithm>
#include <numeric>

namespace cadastre {

CostTable::CostTable(const Profile& profile, Purpose purpose, const Optimizer& optimizer)
    : model_(model_facts(profile.model)),
      layers_(profile.layers),
      copies_of_parameters_(cadastre::copies_of_parameters(optimizer)),
      caches_(profile.caches),
      waits_(profile.waits),
      parts_(purpose == Purpose::kTraining ? profile.parts : PartEffect{}),
      loss_s_per_sample_(profile.loss_s_per_sample),
      loss_s_per_micro_batch_(profile.loss_s_per_micro_batch),
      optimizer_s_per_parameter_byte_(
          cadastre::optimizer_s_per_parameter_byte(profile, optimizer)) {
  double input_elements = 0;
  for (const ModelInput& input : profile.model.inputs)
    input_elements += static_cast<double>(num_elements(input.shape));
  for (const ModelInput& input : profile.model.inputs)
    load_s_per_sample_.push_back(profile.load_s_per_sample *
                                 static_cast<double>(num_elements(input.shape)) / input_elements);
  load_s_per_input_ =
      profile.load_s_per_micro_batch / static_cast<double>(profile.model.inputs.size());
  for (const LayerProfile& layer : profile.layers) {
    saved_bytes_per_sample_.push_back(layer.saved_bytes_per_sample);
    parameter_bytes_.push_back(layer.parameter_bytes);
  }
  all_saved_bytes_per_sample_ = std::accumulate(saved_bytes_per_sample_.begin(),
                                                saved_bytes_per_sample_.end(), std::int64_t{0});
  all_parameter_bytes_ =
      std::accumulate(parameter_bytes_.begin(), parameter_bytes_.end(), std::int64_t{0});
  for (const LayerProfile& layer : profile.layers)
    for (const Measurement& measurement : layer.measurements)
      measured_sizes_.push_back(measurement.batch_size);
  std::sort(measured_sizes_.begin(), measured_sizes_.end());
  measured_sizes_.erase(std::unique(measured_sizes_.begin(), measured_sizes_.end()),
                        measured_sizes_.end());
  if (purpose == Purpose::kTraining) {
    measure_from_the_least();
    return;
  }
  model_.has_gradient.assign(model_.num_layers(), 0);
  model_.parameter_bytes.assign(model_.num_layers(), 0);
  model_.statistics_bytes.assign(model_.num_layers(), 0);
  model_.running_statistics_bytes.assign(model_.num_layers(), 0);
  model_.output = -1;
  model_.granularity = 1;
  saved_bytes_per_sample_ = model_.activation_bytes;
  copies_of_parameters_ = 1;
  loss_s_per_sample_ = 0;
  loss_s_per_micro_batch_ = 0;
  optimizer_s_per_parameter_byte_ = 0;
}

/// The profile's seconds are of the whole network.
void CostTable::measure_from_the_least() {
  const PartRatios whole = whole_ratios();
  for (LayerProfile& layer : layers_)
    for (Measurement& measurement : layer.measurements) {
      measurement.forward_s /= whole.forward;
      measurement.backward_s /= whole.backward;
    }
  loss_s_per_sample_ /= whole.forward;
  loss_s_per_micro_batch_ /= whole.forward;
  optimizer_s_per_parameter_byte_ /= whole.update;
}

PartRatios CostTable::part_ratios(std::int64_t parameter_bytes, std::int64_t saved_bytes_per_sample,
                                  std::int64_t samples) const {
  const auto bytes = static_cast<double>(parameter_bytes + saved_bytes_per_sample * samples);
  const auto all =
      static_cast<double>(all_parameter_bytes_ + all_saved_bytes_per_sample_ * samples);
  return cadastre::part_ratios(parts_, all > 0 ? bytes / all : 1);
}

double CostTable::load_s(int input, std::int64_t samples) const {
  if (samples == 0) return 0;
  return load_s_per_input_ +
         load_s_per_sample_[static_cast<std::size_t>(input)] * static_cast<double>(samples);
}

const std::vector<LayerCost>& CostTable::layers(std::int64_t samples) const {
  const auto [found, is_new] = by_samples_.try_emplace(samples);
  if (!is_new) return found->second;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    LayerCost cost = layer_cost(layers_[i], samples);
    if (!model_.has_gradient[i]) cost.backward_s = 0;
    if (static_cast<int>(i) == model_.output && samples > 0)
      cost.forward_s += loss_s_per_micro_batch_ + loss_s_per_sample_ * static_cast<double>(samples);
    found->second.push_back(cost);
  }
  return found->second;
}

}  // namespace cadastre
