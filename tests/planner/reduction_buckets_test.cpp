#include "planner/reduction_buckets.h"

#include <numeric>

#include "tests/support/catch.h"
#include "tests/support/worlds.h"

using namespace cadastre;
using namespace cadastre::worlds;

namespace {

/// Facts of a chain whose layers have so many bytes of parameters.
ModelFacts with_parameters(std::vector<std::int64_t> bytes) {
  ModelFacts facts;
  facts.reads.resize(bytes.size());
  facts.statistics_bytes.assign(bytes.size(), 0);
  facts.running_statistics_bytes.assign(bytes.size(), 0);
  facts.parameter_bytes = std::move(bytes);
  return facts;
}

std::vector<int> all_layers(const ModelFacts& facts) {
  std::vector<int> layers(facts.num_layers());
  std::iota(layers.begin(), layers.end(), 0);
  return layers;
}

std::vector<ReductionBucket> buckets_of(const ModelFacts& facts,
                                        WireDtype wire_dtype = WireDtype::kFloat32) {
  return gradient_buckets(all_layers(facts), facts, wire_dtype);
}

using Buckets = std::vector<ReductionBucket>;

constexpr std::int64_t kMebibyte = std::int64_t{1} << 20;

}  // namespace

TEST_CASE("gradients go in one bucket where they are few, and nowhere where there are none",
          "[planner]") {
  CHECK(buckets_of(with_parameters({400, 0, 400})) == Buckets{{.layers = {2, 1, 0}, .bytes = 800}});
  CHECK(buckets_of(with_parameters({0, 0})).empty());
  CHECK(buckets_of(with_parameters({400}), WireDtype::kFloat16) ==
        Buckets{{.layers = {0}, .bytes = 200}});
}

TEST_CASE("a bucket is closed once it holds enough on the wire", "[planner]") {
  // From the last layer on; layer 4, without parameters, goes back before layer 3 does.
  const ModelFacts facts = with_parameters(
      {1000, kBucketBytes, 0, kBucketBytes / 2, 0, kBucketBytes / 2, kBucketBytes - 4, 4});
  CHECK(buckets_of(facts) == Buckets{{.layers = {7, 6}, .bytes = kBucketBytes},
                                     {.layers = {5, 4, 3}, .bytes = kBucketBytes},
                                     {.layers = {2, 1}, .bytes = kBucketBytes},
                                     {.layers = {0}, .bytes = 1000}});
  CHECK(buckets_of(facts, WireDtype::kBfloat16) ==
        Buckets{{.layers = {7, 6, 5, 4, 3}, .bytes = kBucketBytes},
                {.layers = {2, 1, 0}, .bytes = kBucketBytes / 2 + 500}});
}

TEST_CASE("layers behind the last gradient go with it", "[planner]") {
  CHECK(buckets_of(with_parameters({0, 0, kMebibyte, kMebibyte})) ==
        Buckets{{.layers = {3}, .bytes = kMebibyte}, {.layers = {2, 1, 0}, .bytes = kMebibyte}});
}

TEST_CASE("a stage has at most eight buckets of gradients, and no byte in two",
          "[planner][property]") {
  for (const std::size_t num_layers : {1, 7, 8, 9, 100}) {
    std::vector<std::int64_t> bytes;
    for (std::size_t i = 0; i < num_layers; ++i)
      bytes.push_back(static_cast<std::int64_t>(i * i % 13) * 1'000'004);
    bytes.back() += 4;
    const ModelFacts facts = with_parameters(bytes);
    for (const WireDtype wire_dtype : {WireDtype::kFloat32, WireDtype::kFloat16}) {
      const Buckets buckets = buckets_of(facts, wire_dtype);
      CHECK(static_cast<int>(buckets.size()) <= kMostGradientBuckets);
      std::vector<int> layers;
      std::int64_t sum = 0;
      for (const ReductionBucket& bucket : buckets) {
        layers.insert(layers.end(), bucket.layers.begin(), bucket.layers.end());
        sum += bucket.bytes;
        if (&bucket != &buckets.back()) CHECK(bucket.bytes >= kBucketBytes);
      }
      std::reverse(layers.begin(), layers.end());
      CHECK(layers == all_layers(facts));
      CHECK(sum ==
            wire_bytes(std::accumulate(bytes.begin(), bytes.end(), std::int64_t{0}), wire_dtype));
    }
  }
}

TEST_CASE("sums of batch statistics come first, as they are on any wire", "[planner]") {
  const ModelGraph model =
      checked({.name = "normed",
               .inputs = {{.name = "x", .shape = {8, 2, 2}}},
               .layers = {{.id = "conv",
                           .operation = Conv2d{.out_channels = 8, .kernel_size = 1, .bias = false},
                           .inputs = {"x"}},
                          {.id = "norm", .operation = BatchNorm2d{}, .inputs = {"conv"}},
                          {.id = "flat", .operation = Flatten{}, .inputs = {"norm"}}},
               .output = "flat"});
  const ModelFacts facts = model_facts(model);
  // Weights of 8 x 8 float32, weight and bias of 8; sums of 8 means, 8 variances and their count,
  // of 8 bytes each; running means and variances of 8 float32.
  CHECK(buckets_of(facts) ==
        Buckets{{.layers = {}, .bytes = 17 * 8}, {.layers = {2, 1, 0}, .bytes = 256 + 64}});
  CHECK(buckets_of(facts, WireDtype::kBfloat16) ==
        Buckets{{.layers = {}, .bytes = 17 * 8}, {.layers = {2, 1, 0}, .bytes = 128 + 32}});
  CHECK(averaging_bucket({0, 1, 2}, facts, WireDtype::kFloat32) ==
        ReductionBucket{.layers = {2, 1, 0}, .bytes = 256 + 64 + 64});
}

TEST_CASE("a type for the wire has a long name and a short one", "[planner]") {
  CHECK(wire_dtype_of("bf16") == WireDtype::kBfloat16);
  CHECK(wire_dtype_of("bfloat16") == WireDtype::kBfloat16);
  CHECK(wire_dtype_of("fp16") == WireDtype::kFloat16);
  CHECK(wire_dtype_of("float16") == WireDtype::kFloat16);
  CHECK(wire_dtype_of("float32") == WireDtype::kFloat32);
  CHECK_FALSE(wire_dtype_of("int8").has_value());
  CHECK(wire_bytes(8, WireDtype::kFloat32) == 8);
  CHECK(wire_bytes(8, WireDtype::kBfloat16) == 4);
}
