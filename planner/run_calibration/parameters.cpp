#include "planner/run_calibration/parameters.h"

#include <algorithm>
#include <cmath>

namespace cadastre::run_calibration {

namespace {

Host& host(Constants& constants, std::size_t index) { return constants.cluster.hosts[index]; }

const Host& host(const Constants& constants, std::size_t index) {
  return constants.cluster.hosts[index];
}

std::vector<ParameterKind> make_table() {
  std::vector<ParameterKind> table;
  const auto add = [&](const char* name, const char* unit, Scope scope) -> ParameterKind& {
    ParameterKind& kind = table.emplace_back();
    kind.name = name;
    kind.unit = unit;
    kind.scope = scope;
    return kind;
  };

  // Of the profile's device: from a microcontroller beside a server to the reverse.
  ParameterKind& speed = add("relative speed", "", Scope::kHost);
  speed.least = 1e-3;
  speed.most = 1e3;
  speed.get = [](const Constants& c, std::size_t h) { return host(c, h).relative_speed; };
  speed.put = [](Constants& c, std::size_t h, double value) { host(c, h).relative_speed = value; };

  // Headers and acknowledgements take a few per cent; what is beyond a quarter more than nominal
  // was never the link that the cluster describes.
  ParameterKind& bandwidth = add("bandwidth factor", "", Scope::kCluster);
  bandwidth.least = 0.02;
  bandwidth.most = 1.25;
  bandwidth.get = [](const Constants& c, std::size_t) {
    return c.cluster.network.model.bandwidth_factor;
  };
  bandwidth.put = [](Constants& c, std::size_t, double value) {
    c.cluster.network.model.bandwidth_factor = value;
  };

  // Of the wire's latency, which the processors of both ends lengthen many times on a short wire.
  ParameterKind& latency = add("latency factor", "", Scope::kCluster);
  latency.least = 0.1;
  latency.most = 1e3;
  latency.get = [](const Constants& c, std::size_t) {
    return c.cluster.network.model.latency_factor;
  };
  latency.put = [](Constants& c, std::size_t, double value) {
    c.cluster.network.model.latency_factor = value;
  };

  // Copying and adding: 5 GB/s is usual, under 50 MB/s nothing with a processor is.
  ParameterKind& reduction = add("reduction", "s/byte", Scope::kCluster);
  reduction.distance = Distance::kDifference;
  reduction.typical = 2e-10;
  reduction.most = 2e-8;
  reduction.get = [](const Constants& c, std::size_t) {
    return c.cluster.network.reduction_s_per_byte;
  };
  reduction.put = [](Constants& c, std::size_t, double value) {
    c.cluster.network.reduction_s_per_byte = value;
  };

  // Beyond a hundredth of a second no message waits for a processor, but for another message.
  ParameterKind& message = add("message", "s", Scope::kCluster);
  message.distance = Distance::kDifference;
  message.typical = 5e-5;
  message.most = 1e-2;
  message.get = [](const Constants& c, std::size_t) { return c.cluster.network.message_s; };
  message.put = [](Constants& c, std::size_t, double value) {
    c.cluster.network.message_s = value;
  };

  // System calls and copies: a processor that moves less than 10 MB/s has no network to speak of.
  ParameterKind& transport = add("transport", "s/byte", Scope::kCluster);
  transport.distance = Distance::kDifference;
  transport.typical = 3e-10;
  transport.most = 1e-7;
  transport.get = [](const Constants& c, std::size_t) {
    return c.cluster.network.transport_s_per_byte;
  };
  transport.put = [](Constants& c, std::size_t, double value) {
    c.cluster.network.transport_s_per_byte = value;
  };

  ParameterKind& optimizer = add("optimizer", "s/parameter byte", Scope::kModel);
  optimizer.distance = Distance::kDifference;
  optimizer.typical = 2e-10;
  optimizer.most = 1e-6;
  optimizer.get = [](const Constants& c, std::size_t m) {
    return c.profiles[m].optimizer_s_per_parameter_byte;
  };
  optimizer.put = [](Constants& c, std::size_t m, double value) {
    c.profiles[m].optimizer_s_per_parameter_byte = value;
  };

  // Where it was not measured, what is reckoned from SGD's.
  ParameterKind& adamw = add("AdamW", "s/parameter byte", Scope::kModel);
  adamw.distance = Distance::kDifference;
  adamw.typical = 2e-10;
  adamw.most = 1e-6;
  adamw.get = [](const Constants& c, std::size_t m) {
    return optimizer_s_per_parameter_byte(c.profiles[m], {.kind = OptimizerKind::kAdamW});
  };
  adamw.put = [](Constants& c, std::size_t m, double value) {
    c.profiles[m].adamw_s_per_parameter_byte = value;
  };

  ParameterKind& loading = add("loading", "s/sample", Scope::kModel);
  loading.distance = Distance::kDifference;
  loading.typical = 1e-6;
  loading.most = 10;
  loading.get = [](const Constants& c, std::size_t m) { return c.profiles[m].load_s_per_sample; };
  loading.put = [](Constants& c, std::size_t m, double value) {
    c.profiles[m].load_s_per_sample = value;
  };

  ParameterKind& loss = add("loss", "s/sample", Scope::kModel);
  loss.distance = Distance::kDifference;
  loss.typical = 1e-7;
  loss.most = 10;
  loss.get = [](const Constants& c, std::size_t m) { return c.profiles[m].loss_s_per_sample; };
  loss.put = [](Constants& c, std::size_t m, double value) {
    c.profiles[m].loss_s_per_sample = value;
  };

  ParameterKind& link = add("link bandwidth", "bytes/s", Scope::kHost);
  link.least = 1e3;
  link.most = 1e13;
  link.is_extra = true;
  link.get = [](const Constants& c, std::size_t h) {
    return host(c, h).bandwidth_bytes_per_s.value_or(c.cluster.network.bandwidth_bytes_per_s);
  };
  link.put = [](Constants& c, std::size_t h, double value) {
    host(c, h).bandwidth_bytes_per_s = value;
  };
  return table;
}

std::string name_of(const ParameterKind& kind, std::size_t index, const Constants& constants) {
  std::string name = kind.name;
  if (kind.scope == Scope::kHost) name += " of " + constants.cluster.hosts[index].name;
  if (kind.scope == Scope::kModel && constants.profiles.size() > 1)
    name += " of " + constants.profiles[index].model.name;
  return name;
}

}  // namespace

std::size_t ParameterKind::count(const Constants& constants) const {
  switch (scope) {
    case Scope::kCluster:
      return 1;
    case Scope::kHost:
      return constants.cluster.hosts.size();
    case Scope::kModel:
      return constants.profiles.size();
  }
  return 0;
}

const std::vector<ParameterKind>& parameter_kinds() {
  static const std::vector<ParameterKind> table = make_table();
  return table;
}

double Parameter::coordinate(double value) const {
  return kind->distance == Distance::kRatio ? std::log(value) : value / scale;
}

double Parameter::value(double coordinate) const {
  return kind->distance == Distance::kRatio ? std::exp(coordinate) : coordinate * scale;
}

std::vector<Parameter> parameters_of(const Constants& constants) {
  std::vector<Parameter> parameters;
  for (const ParameterKind& kind : parameter_kinds())
    for (std::size_t i = 0; i < kind.count(constants); ++i) {
      Parameter& parameter = parameters.emplace_back();
      parameter.kind = &kind;
      parameter.index = i;
      parameter.name = name_of(kind, i, constants);
      parameter.start = std::clamp(kind.get(constants, i), kind.least, kind.most);
      parameter.scale = std::max(parameter.start, kind.typical);
    }
  return parameters;
}

}  // namespace cadastre::run_calibration
