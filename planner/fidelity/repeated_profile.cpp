#include "planner/fidelity/repeated_profile.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

namespace cadastre {

namespace {

/// What a profile says of a step beside its layers: of its micro-batches, by line, and what stands
/// for itself, of its update and how far apart steps are.
struct Line {
  double Profile::*s_per_micro_batch;
  double Profile::*s_per_sample;
};

constexpr Line kLines[] = {{&Profile::load_s_per_micro_batch, &Profile::load_s_per_sample},
                           {&Profile::loss_s_per_micro_batch, &Profile::loss_s_per_sample}};
constexpr double Profile::*kSingles[] = {
    &Profile::optimizer_s_per_parameter_byte, &Profile::adamw_s_per_parameter_byte,
    &Profile::average_s_per_parameter_byte, &Profile::step_spread};

double seconds_at(const Profile& profile, std::size_t size) {
  double seconds = 0;
  for (const LayerProfile& layer : profile.layers)
    seconds += layer.measurements[size].forward_s + layer.measurements[size].backward_s;
  return seconds;
}

/// The profile in the middle, or the two there of an even number.
struct Middle {
  const Profile& quicker;
  const Profile& slower;

  [[nodiscard]] double mean(double Profile::*value) const {
    return std::midpoint(quicker.*value, slower.*value);
  }
};

Middle middle_by(const std::vector<Profile>& profiles,
                 const std::function<double(const Profile&)>& seconds) {
  std::vector<const Profile*> order;
  for (const Profile& profile : profiles) order.push_back(&profile);
  std::stable_sort(order.begin(), order.end(),
                   [&](const Profile* a, const Profile* b) { return seconds(*a) < seconds(*b); });
  return {.quicker = *order[(order.size() - 1) / 2], .slower = *order[order.size() / 2]};
}

Measurement mean(const Measurement& a, const Measurement& b) {
  return {.batch_size = a.batch_size,
          .forward_s = std::midpoint(a.forward_s, b.forward_s),
          .forward_spread_s = std::midpoint(a.forward_spread_s, b.forward_spread_s),
          .backward_s = std::midpoint(a.backward_s, b.backward_s),
          .backward_spread_s = std::midpoint(a.backward_spread_s, b.backward_spread_s)};
}

CacheEffect between(const CacheEffect& alone, const CacheEffect& beside, double part) {
  if (!(beside.bytes > 0)) return {std::lerp(alone.backward_ratio, 1.0, part), alone.bytes};
  if (!(alone.bytes > 0)) return {std::lerp(1.0, beside.backward_ratio, part), beside.bytes};
  return {.backward_ratio = std::lerp(alone.backward_ratio, beside.backward_ratio, part),
          .bytes = std::lerp(alone.bytes, beside.bytes, part)};
}

WaitEffect between(const WaitEffect& alone, const WaitEffect& beside, double part) {
  const auto constant_s = [](const WaitEffect& effect, const WaitEffect& other) {
    return effect.time_constant_s > 0 ? effect.time_constant_s : other.time_constant_s;
  };
  return {.forward_s = std::lerp(alone.forward_s, beside.forward_s, part),
          .backward_s = std::lerp(alone.backward_s, beside.backward_s, part),
          .update_s = std::lerp(alone.update_s, beside.update_s, part),
          .time_constant_s = std::lerp(constant_s(alone, beside), constant_s(beside, alone), part)};
}

PartEffect between(const PartEffect& alone, const PartEffect& beside, double part) {
  return {.forward_saving = std::lerp(alone.forward_saving, beside.forward_saving, part),
          .backward_saving = std::lerp(alone.backward_saving, beside.backward_saving, part),
          .update_saving = std::lerp(alone.update_saving, beside.update_saving, part)};
}

}  // namespace

Profile typical_profile(const std::vector<Profile>& profiles) {
  constexpr double kHalf = 0.5;
  Profile typical = profiles.front();
  for (std::size_t size = 0; size < typical.layers.front().measurements.size(); ++size) {
    const auto [quicker, slower] =
        middle_by(profiles, [&](const Profile& profile) { return seconds_at(profile, size); });
    for (std::size_t i = 0; i < typical.layers.size(); ++i)
      typical.layers[i].measurements[size] =
          mean(quicker.layers[i].measurements[size], slower.layers[i].measurements[size]);
  }
  const auto batch_size =
      static_cast<double>(typical.layers.front().measurements.back().batch_size);
  for (const Line& line : kLines) {
    const Middle middle = middle_by(profiles, [&](const Profile& profile) {
      return profile.*line.s_per_micro_batch + profile.*line.s_per_sample * batch_size;
    });
    typical.*line.s_per_micro_batch = middle.mean(line.s_per_micro_batch);
    typical.*line.s_per_sample = middle.mean(line.s_per_sample);
  }
  for (double Profile::*const value : kSingles)
    typical.*value =
        middle_by(profiles, [&](const Profile& profile) { return profile.*value; }).mean(value);
  const Middle by_caches =
      middle_by(profiles, [](const Profile& profile) { return profile.caches.backward_ratio; });
  typical.caches = between(by_caches.quicker.caches, by_caches.slower.caches, kHalf);
  const Middle by_waits = middle_by(profiles, [](const Profile& profile) {
    return profile.waits.forward_s + profile.waits.backward_s + profile.waits.update_s;
  });
  typical.waits = between(by_waits.quicker.waits, by_waits.slower.waits, kHalf);
  for (double PartEffect::*const saving :
       {&PartEffect::forward_saving, &PartEffect::backward_saving, &PartEffect::update_saving}) {
    const Middle middle =
        middle_by(profiles, [&](const Profile& profile) { return profile.parts.*saving; });
    typical.parts.*saving =
        std::midpoint(middle.quicker.parts.*saving, middle.slower.parts.*saving);
  }
  for (LayerProfile& layer : typical.layers)
    layer.fit_error = leave_one_out_error(layer.measurements);
  return typical;
}

Profile between(const Profile& alone, const Profile& beside, const UseBeside& use) {
  Profile profile = alone;
  const double part = use.computing;
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
  const auto set = [&](double Profile::*value) {
    profile.*value = std::lerp(profile.*value, beside.*value, part);
  };
  for (const Line& line : kLines) {
    set(line.s_per_micro_batch);
    set(line.s_per_sample);
  }
  for (double Profile::*const value : kSingles) set(value);
  profile.caches = between(alone.caches, beside.caches, part);
  profile.waits = between(alone.waits, beside.waits, use.waiting);
  profile.parts = between(alone.parts, beside.parts, part);
  return profile;
}

Profile slowed(const Profile& profile, double factor) {
  Profile made = profile;
  for (LayerProfile& layer : made.layers)
    for (Measurement& measurement : layer.measurements)
      for (double Measurement::*const seconds :
           {&Measurement::forward_s, &Measurement::forward_spread_s, &Measurement::backward_s,
            &Measurement::backward_spread_s})
        measurement.*seconds *= factor;
  for (const Line& line : kLines) {
    made.*line.s_per_micro_batch *= factor;
    made.*line.s_per_sample *= factor;
  }
  for (double Profile::*const value : kSingles)
    if (value != &Profile::step_spread) made.*value *= factor;
  for (double WaitEffect::*const longer_s :
       {&WaitEffect::forward_s, &WaitEffect::backward_s, &WaitEffect::update_s})
    made.waits.*longer_s *= factor;
  return made;
}

}  // namespace cadastre
