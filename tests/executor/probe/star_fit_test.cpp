#include "executor/probe/star_fit.h"

#include <algorithm>

#include "tests/support/catch.h"

namespace cadastre {
namespace {

using Catch::Matchers::WithinAbs;
using Catch::Matchers::WithinRel;

/// Both directions of each pair; the bandwidth of (a, b) is what `bandwidth` says.
template <typename Bandwidth>
std::vector<MeasuredWay> all_ways(int num_hosts, const Bandwidth& bandwidth) {
  std::vector<MeasuredWay> ways;
  for (int from = 0; from < num_hosts; ++from)
    for (int to = 0; to < num_hosts; ++to)
      if (from != to)
        ways.push_back(
            {.from = from,
             .to = to,
             .latency_s = 1e-4,
             .bandwidth_bytes_per_s = bandwidth(std::min(from, to), std::max(from, to))});
  return ways;
}

std::vector<double> bandwidths(const StarFit& fit) {
  std::vector<double> found;
  for (const StarLink& link : fit.links) found.push_back(link.bandwidth_bytes_per_s);
  return found;
}

TEST_CASE("a pair's bandwidth is the slower of its two links", "[executor]") {
  // Links of 10, 10, 1 and 4: every pair is the smaller of its two.
  const std::vector<double> links = {10, 10, 1, 4};
  const StarFit fit = fit_star(4, all_ways(4, [&](int a, int b) {
                                 return std::min(links[static_cast<std::size_t>(a)],
                                                 links[static_cast<std::size_t>(b)]);
                               }));
  CHECK(bandwidths(fit) == links);
  CHECK(fit.cables.empty());
}

TEST_CASE("links of two fast hosts among slow ones are fast, with noise too", "[executor]") {
  const std::vector<double> links = {1, 10, 1, 1, 10, 1};
  int count = 0;
  const auto noisy = [&](int a, int b) {
    const double noise = 0.97 + 0.01 * (count++ * 5 % 7);
    return noise * std::min(links[static_cast<std::size_t>(a)], links[static_cast<std::size_t>(b)]);
  };
  const StarFit fit = fit_star(6, all_ways(6, noisy));
  for (std::size_t h = 0; h < links.size(); ++h)
    CHECK_THAT(bandwidths(fit)[h], WithinRel(links[h], 0.05));
  CHECK(fit.cables.empty());
}

TEST_CASE("pairs that the star cannot explain have cables", "[executor]") {
  // Two and two hosts with a cable of 25 between them, all on a switch of 1.
  const StarFit fit = fit_star(4, all_ways(4, [](int a, int b) {
                                 return (a == 0 && b == 1) || (a == 2 && b == 3) ? 25.0 : 1.0;
                               }));
  CHECK(bandwidths(fit) == std::vector<double>{1, 1, 1, 1});
  REQUIRE(fit.cables.size() == 2);
  CHECK(fit.cables[0].from == 0);
  CHECK(fit.cables[0].to == 1);
  CHECK(fit.cables[1].from == 2);
  CHECK(fit.cables[1].to == 3);
  CHECK(fit.cables[1].bandwidth_bytes_per_s == 25);
}

TEST_CASE("one fast pair has fast links", "[executor]") {
  const StarFit fit =
      fit_star(3, all_ways(3, [](int a, int b) { return a == 0 && b == 2 ? 10.0 : 1.0; }));
  CHECK(bandwidths(fit) == std::vector<double>{10, 1, 10});
  CHECK(fit.cables.empty());
}

TEST_CASE("a pair that is slow by itself does not make its hosts slow", "[executor]") {
  const StarFit fit =
      fit_star(5, all_ways(5, [](int a, int b) { return a == 1 && b == 3 ? 1.0 : 10.0; }));
  CHECK(bandwidths(fit) == std::vector<double>{10, 10, 10, 10, 10});
}

TEST_CASE("the two directions count as a message there and back", "[executor]") {
  // 1/10 + 1/2.5 seconds for 2 bytes: 4 a second.
  const StarFit fit =
      fit_star(2, {{.from = 0, .to = 1, .latency_s = 3e-4, .bandwidth_bytes_per_s = 10},
                   {.from = 1, .to = 0, .latency_s = 1e-4, .bandwidth_bytes_per_s = 2.5}});
  for (const StarLink& link : fit.links) {
    CHECK_THAT(link.bandwidth_bytes_per_s, WithinRel(4.0));
    CHECK_THAT(link.latency_s, WithinRel(1e-4));  // half of the mean
  }
}

TEST_CASE("a way's latency is the sum of its links'", "[executor]") {
  const std::vector<double> latencies = {10e-6, 20e-6, 30e-6, 0};
  std::vector<MeasuredWay> ways = all_ways(4, [](int, int) { return 1.0; });
  for (MeasuredWay& way : ways)
    way.latency_s =
        latencies[static_cast<std::size_t>(way.from)] + latencies[static_cast<std::size_t>(way.to)];
  const StarFit fit = fit_star(4, ways);
  for (std::size_t h = 0; h < latencies.size(); ++h)
    CHECK_THAT(fit.links[h].latency_s, WithinAbs(latencies[h], 1e-9));
}

TEST_CASE("a cable's latency is its own", "[executor]") {
  std::vector<MeasuredWay> ways = all_ways(4, [](int a, int b) { return b - a == 2 ? 25.0 : 1.0; });
  for (MeasuredWay& way : ways)
    way.latency_s = way.from - way.to == 2 || way.to - way.from == 2 ? 5e-6 : 100e-6;
  const StarFit fit = fit_star(4, ways);
  REQUIRE(fit.cables.size() == 2);
  for (const StarCable& cable : fit.cables) CHECK_THAT(cable.latency_s, WithinRel(5e-6));
  for (const StarLink& link : fit.links) CHECK_THAT(link.latency_s, WithinRel(50e-6));
}

TEST_CASE("the order of the measurements does not matter", "[executor]") {
  std::vector<MeasuredWay> ways =
      all_ways(5, [](int a, int b) { return 1.0 + ((a * 7 + b * 3) % 5); });
  const std::vector<double> found = bandwidths(fit_star(5, ways));
  std::reverse(ways.begin(), ways.end());
  CHECK(bandwidths(fit_star(5, ways)) == found);
}

TEST_CASE("one host has no ways", "[executor]") {
  const StarFit fit = fit_star(1, {});
  REQUIRE(fit.links.size() == 1);
  CHECK(fit.cables.empty());
}

}  // namespace
}  // namespace cadastre
