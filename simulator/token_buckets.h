#pragma once

#include <cstddef>
#include <vector>

namespace cadastre {

/// What shaped links let through at once: each half link has a bucket of tokens, a byte each, that
/// fills at its bandwidth while nothing is on it (RFC 2697). A message takes what all half links on
/// its way have; the rest of it has to go at their bandwidth.
class TokenBuckets {
 public:
  /// All full. `byte_s`: seconds that a byte holds each half link. `depth_bytes`: of each bucket.
  TokenBuckets(std::vector<double> byte_s, double depth_bytes);

  /// A message of so many bytes is put on these half links: those that pass at once.
  [[nodiscard]] double enter(const std::vector<std::size_t>& half_links, double bytes,
                             double now_s);

  /// It is through.
  void leave(const std::vector<std::size_t>& half_links, double now_s);

  /// Nothing is on any link, and all buckets are full.
  void reset();

 private:
  struct Bucket {
    double bytes = 0;         ///< when it was last looked at
    double idle_since_s = 0;  ///< where nothing is on the half link
    int num_messages = 0;     ///< on it
  };

  std::vector<double> byte_s_;
  double depth_bytes_;
  std::vector<Bucket> buckets_;  ///< [half link]
};

}  // namespace cadastre
