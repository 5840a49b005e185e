#include "planner/fidelity/repeated_profile.h"

#include <algorithm>
#include <cmath>

namespace cadastre {

namespace {

/// What a profile says of a step beside its layers: of its micro-batches, by line, and of its
/// update.
struct Line {
  double Profile::*s_per_micro_batch;
  double Profile::*s_per_sample;
};

constexpr Line kLines[] = {{&Profile::load_s_per_micro_batch, &Profile::load_s_per_sample},
                           {&Profile::loss_s_per_micro_batch, &Profile::loss_s_per_sample}};
constexpr double Profile::*kUpdates[] = {&Profile::optimizer_s_per_parameter_byte,
                                         &Profile::adamw_s_per_parameter_byte,
                                         &Profile::average_s_per_parameter_byte};

double seconds_at(const Profile& profile, std::size_t size) {
  double seconds = 0;
  for (const LayerProfile& layer : profile.layers)
    seconds += layer.measurements[size].forward_s + layer.measurements[size].backward_s;
  return seconds;
}

}  // namespace

Profile least_disturbed(const std::vector<Profile>& profiles) {
  Profile least = profiles.front();
  for (std::size_t size = 0; size < least.layers.front().measurements.size(); ++size) {
    const Profile& fastest = *std::min_element(profiles.begin(), profiles.end(),
                                               [&](const Profile& a, const Profile& b) {
                                                 return seconds_at(a, size) < seconds_at(b, size);
                                               });
    for (std::size_t i = 0; i < least.layers.size(); ++i)
      least.layers[i].measurements[size] = fastest.layers[i].measurements[size];
  }
  const auto batch_size = static_cast<double>(least.layers.front().measurements.back().batch_size);
  for (const Profile& profile : profiles) {
    for (const Line& line : kLines) {
      const auto seconds = [&](const Profile& of) {
        return of.*line.s_per_micro_batch + of.*line.s_per_sample * batch_size;
      };
      if (seconds(profile) >= seconds(least)) continue;
      least.*line.s_per_micro_batch = profile.*line.s_per_micro_batch;
      least.*line.s_per_sample = profile.*line.s_per_sample;
    }
    for (double Profile::*const seconds : kUpdates)
      least.*seconds = std::min(least.*seconds, profile.*seconds);
  }
  for (LayerProfile& layer : least.layers)
    layer.fit_error = leave_one_out_error(layer.measurements);
  return least;
}

Profile between(const Profile& alone, const Profile& beside, double part) {
  Profile profile = alone;
  for (std::size_t i = 0; i < profile.layers.size(); ++i) {
    LayerProfile& layer = profile.layers[i];
    for (std::size_t k = 0; k < layer.measurements.size(); ++k) {
      Measurement& measurement = layer.measurements[k];
      const Measurement& other = beside.layers[i].measurements[k];
      measurement.forward_s = std::lerp(measurement.forward_s, other.forward_s, part);
      measurement.backward_s = std::lerp(measurement.backward_s, other.backward_s, part);
    }
    layer.fit_error = leave_one_out_error(layer.measurements);
  }
  const auto set = [&](double Profile::*seconds) {
    profile.*seconds = std::lerp(profile.*seconds, beside.*seconds, part);
  };
  for (const Line& line : kLines) {
    set(line.s_per_micro_batch);
    set(line.s_per_sample);
  }
  for (double Profile::*const seconds : kUpdates) set(seconds);
  return profile;
}

}  // namespace cadastre
