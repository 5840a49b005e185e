#include "simulator/link_meter.h"

#include <simgrid/plugins/load.h>

#include <algorithm>
#include <cstddef>
#include <string>

#include "simulator/simgrid_version.h"

namespace cadastre {

namespace s4u = simgrid::s4u;

namespace {

constexpr std::size_t kNumParts = 100;

/// Bytes by `at_s`, linear between the samples.
template <typename Samples>
double bytes_by(const Samples& samples, std::size_t link, double at_s) {
  const auto after = std::upper_bound(samples.begin(), samples.end(), at_s,
                                      [](double t, const auto& sample) { return t < sample.at_s; });
  if (after == samples.begin()) return after->bytes[link];
  const auto before = after - 1;
  if (after == samples.end() || !(after->at_s > before->at_s)) return before->bytes[link];
  const double part = (at_s - before->at_s) / (after->at_s - before->at_s);
  return before->bytes[link] + part * (after->bytes[link] - before->bytes[link]);
}

}  // namespace

LinkMeter::LinkMeter() { sg_link_load_plugin_init(); }

void LinkMeter::start(const Routes& routes, const Platform& platform, double expected_s) {
  if (links_.empty())
    for (std::size_t l = 0; l < platform.links.size(); ++l) {
      if (platform.links[l] == nullptr) continue;
      links_.push_back({.half_link = &routes.half_links()[l], .link = platform.links[l]});
      sg_link_load_track(platform.links[l]);
    }
  samples_.clear();
  interval_s_ = expected_s / static_cast<double>(kNumParts);
  const int generation = ++generation_;
  sample();
  if (!(interval_s_ > 0)) return;
  simgrid_version::add_actor("link meter", s4u::Engine::get_instance()->get_all_hosts().front(),
                             [this, generation] {
                               while (true) {
                                 s4u::this_actor::sleep_for(interval_s_);
                                 if (generation != generation_) return;
                                 sample();
                               }
                             })
      ->daemonize();
}

void LinkMeter::sample() {
  Sample& taken = samples_.emplace_back();
  taken.at_s = s4u::Engine::get_clock();
  taken.bytes.reserve(links_.size());
  for (const MeteredLink& metered : links_)
    taken.bytes.push_back(sg_link_get_cum_load(metered.link));
  if (samples_.size() <= 4 * kNumParts) return;
  // Every other one, and half as often from now on.
  std::size_t kept = 0;
  for (std::size_t i = 0; i < samples_.size(); i += 2) {
    if (kept != i) samples_[kept] = std::move(samples_[i]);
    ++kept;
  }
  samples_.resize(kept);
  interval_s_ *= 2;
}

std::vector<LinkUse> LinkMeter::uses(double begin_s, double end_s) const {
  std::vector<LinkUse> uses;
  if (samples_.empty() || !(end_s > begin_s)) return uses;
  std::vector<Sample> samples = samples_;
  Sample& last = samples.emplace_back();
  last.at_s = s4u::Engine::get_clock();
  for (const MeteredLink& metered : links_)
    last.bytes.push_back(sg_link_get_cum_load(metered.link));
  const double part_s = (end_s - begin_s) / static_cast<double>(kNumParts);
  for (std::size_t l = 0; l < links_.size(); ++l) {
    LinkUse use{.link = links_[l].half_link->name,
                .bandwidth_bytes_per_s = links_[l].half_link->bandwidth_bytes_per_s,
                .bytes = bytes_by(samples, l, end_s) - bytes_by(samples, l, begin_s),
                .utilisation = {}};
    if (!(use.bytes > 0)) continue;
    double before_bytes = bytes_by(samples, l, begin_s);
    for (std::size_t i = 1; i <= kNumParts; ++i) {
      const double by_bytes = bytes_by(samples, l, begin_s + static_cast<double>(i) * part_s);
      // SimGrid rounds amounts of work: a full link may carry a little more.
      use.utilisation.push_back(
          std::clamp((by_bytes - before_bytes) / (part_s * use.bandwidth_bytes_per_s), 0.0, 1.0));
      before_bytes = by_bytes;
    }
    uses.push_back(std::move(use));
  }
  return uses;
}

}  // namespace cadastre
