#pragma once

#include <vector>

namespace cadastre {

/// A way between two hosts as it was measured, in both directions where there are two.
struct MeasuredWay {
  int from = 0;
  int to = 0;
  double latency_s = 0;
  double bandwidth_bytes_per_s = 0;
};

/// A host's link to the switch.
struct StarLink {
  double bandwidth_bytes_per_s = 0;
  double latency_s = 0;
};

struct StarCable {
  int from = 0;  ///< < `to`
  int to = 0;
  double bandwidth_bytes_per_s = 0;
  double latency_s = 0;
};

struct StarFit {
  std::vector<StarLink> links;    ///< by host; zeros for one of which nothing was measured
  std::vector<StarCable> cables;  ///< pairs that are clearly better than their links; ascending
};

/// What is called clearly better, or clearly worse, of bandwidths: beyond what repeated
/// measurements of one link differ by.
inline constexpr double kClearFactor = 1.5;

/// The star that explains the measured ways best, and the cables beside it that it cannot explain.
///
/// The bandwidth of a way is the smaller of its ends' links: links are chosen by the least sum of
/// |log(measured / explained)|, which a few cables do not draw away, by coordinate descent from two
/// starts. Of a way measured in both directions counts the time of the same message there and back,
/// as activations and gradients take it. The latency of a way is the sum of its ends': least
/// squares, none below 0.
///
/// One fast way alone does not say whether two hosts have faster links or a cable between them: it
/// is taken for links, unless other pairs have cables.
[[nodiscard]] StarFit fit_star(int num_hosts, const std::vector<MeasuredWay>& ways);

}  // namespace cadastre
