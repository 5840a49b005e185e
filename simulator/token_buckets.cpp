#include "simulator/token_buckets.h"

#include <algorithm>
#include <utility>

namespace cadastre {

TokenBuckets::TokenBuckets(std::vector<double> byte_s, double depth_bytes)
    : byte_s_(std::move(byte_s)), depth_bytes_(depth_bytes) {
  reset();
}

double TokenBuckets::enter(const std::vector<std::size_t>& half_links, double bytes, double now_s) {
  double at_once = bytes;
  for (const std::size_t half_link : half_links) {
    Bucket& bucket = buckets_[half_link];
    if (bucket.num_messages++ == 0)
      bucket.bytes =
          std::min(depth_bytes_, bucket.bytes + (now_s - bucket.idle_since_s) / byte_s_[half_link]);
    at_once = std::min(at_once, bucket.bytes);
  }
  for (const std::size_t half_link : half_links) buckets_[half_link].bytes -= at_once;
  return at_once;
}

void TokenBuckets::leave(const std::vector<std::size_t>& half_links, double now_s) {
  for (const std::size_t half_link : half_links)
    if (Bucket& bucket = buckets_[half_link]; --bucket.num_messages == 0)
      bucket.idle_since_s = now_s;
}

void TokenBuckets::reset() { buckets_.assign(byte_s_.size(), {.bytes = depth_bytes_}); }

}  // namespace cadastre
