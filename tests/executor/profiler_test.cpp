#include "executor/profiler.h"

#include <vector>

#include "executor/timing.h"
#include "planner/saved_bytes.h"
#include "tests/executor/small_networks.h"
#include "tests/support/catch.h"
#include "tests/support/documents.h"

using namespace cadastre;

TEST_CASE("the profile of a network is complete, positive and survives its document",
          "[executor]") {
  const ModelGraph model = small::every_kind();
  ProfileOptions options;
  options.batch_sizes = {8, 2, 4, 4};
  options.warm_up = 1;
  options.repeats = 3;
  std::int64_t last_done = 0;
  std::int64_t last_total = 0;
  options.progress = [&](std::int64_t done, std::int64_t total) {
    CHECK(done > last_done);
    last_done = done;
    last_total = total;
  };
  const ProfileResult result = profile_model(model, options);
  CHECK(last_done == last_total);

  const Profile& profile = result.profile;
  CHECK(profile.model == model);
  CHECK_FALSE(profile.device.empty());
  CHECK(profile.load_s_per_micro_batch + profile.load_s_per_sample > 0);
  CHECK(profile.loss_s_per_micro_batch + profile.loss_s_per_sample > 0);
  CHECK(profile.optimizer_s_per_parameter_byte > 0);
  CHECK(profile.adamw_s_per_parameter_byte > 0);
  CHECK(profile.average_s_per_parameter_byte > 0);
  REQUIRE(profile.layers.size() == model.layers.size());
  REQUIRE(result.whole.size() == 3);
  for (std::size_t size = 0; size < 3; ++size) {
    double forward_s = 0;
    double backward_s = 0;
    for (std::size_t i = 0; i < profile.layers.size(); ++i) {
      const LayerProfile& layer = profile.layers[i];
      INFO(layer.layer);
      CHECK(layer.layer == model.layers[i].id);
      REQUIRE(layer.measurements.size() == 3);
      const Measurement& measured = layer.measurements[size];
      CHECK(measured.batch_size == std::vector<std::int64_t>{2, 4, 8}[size]);
      CHECK(measured.forward_s > 0);
      CHECK(measured.backward_s > 0);
      CHECK(measured.forward_spread_s >= 0);
      CHECK(measured.backward_spread_s >= 0);
      CHECK(layer.parameter_bytes == parameter_bytes(model, model.layers[i]));
      forward_s += measured.forward_s;
      backward_s += measured.backward_s;
    }
    // The layers' times are scaled so that they sum to the whole network's.
    CHECK_THAT(forward_s, WithinRel(result.whole[size].forward_s, 1e-9));
    CHECK_THAT(backward_s, WithinRel(result.whole[size].backward_s, 1e-9));
  }
  CHECK(profile.step_spread > 0);
  CHECK(documents::reread(to_json(profile), profile_from_json) == profile);
}

TEST_CASE("batch sizes that groups do not divide are refused", "[executor]") {
  ProfileOptions options;
  options.batch_sizes = {8, 6};
  CHECK_THROWS_WITH(profile_model(small::every_kind(), options),
                    "expected batch sizes that are multiples of the model's "
                    "batch_norm_group_samples (4) or smaller, found 6");
  options.batch_sizes = {};
  CHECK_THROWS_WITH(profile_model(small::every_kind(), options),
                    "expected at least one batch size, found none");
}

TEST_CASE("a tensor that several layers keep for backward is counted once", "[executor]") {
  const std::vector<std::int64_t> saved = saved_bytes_per_sample(small::every_kind());
  // a is (3, 8, 8): 768 bytes; six channels of 8 × 8 are 1,536, of 4 × 4 384.
  CHECK(saved[0] == 768 + 1536);  // a.conv1: its input, and its output, which a.norm1 keeps
  CHECK(saved[1] == 0);           // a.norm1: nobody looks at its output again
  CHECK(saved[2] == 1536);        // a.relu1: its output, which a.conv2 keeps too
  CHECK(saved[3] == 0);           // a.conv2: adding needs neither term
  CHECK(saved[4] == 0);           // a.sum: a.pool does not keep its input
  CHECK(saved[5] == 384);         // a.pool: where the maxima were, 4 bytes each
  CHECK(saved[6] == 0);           // a.flatten: concatenating keeps nothing
  // b is (2, 4, 4): 128 bytes; four channels of it are 256.
  CHECK(saved[7] == 128 + 256);  // b.conv: its input, and its output, which b.norm keeps
  CHECK(saved[8] == 0);
  CHECK(saved[9] == 256);  // b.relu: its output, which b.average keeps too
  CHECK(saved[10] == 0);
  CHECK(saved[11] == 0);
  // 6 · 4 · 4 + 4 · 2 · 2 = 112 features of 4 bytes.
  CHECK(saved[12] == 0);
  CHECK(saved[13] == 2 * 448);  // drop: its mask, and its output, which head keeps
  CHECK(saved[14] == 0);
}

TEST_CASE("timings are summarized by median and quartiles", "[executor]") {
  const TimingSummary summary = summarize({5, 1, 2, 4, 3});  // quartiles 2 and 4
  CHECK(summary.median_s == 3);
  CHECK(summary.spread_s == 2);
  CHECK(summarize({1, 2}).median_s == 1.5);
  CHECK(summarize({7}).spread_s == 0);
  CHECK(quantile_of({5, 1, 2, 4, 3}, 0.125) == 1.5);
  CHECK(quantile_of({5, 1, 2, 4, 3}, 1) == 5);
}

TEST_CASE("parts are left out of a profile where they are not wanted", "[executor]") {
  ProfileOptions options;
  options.batch_sizes = {2, 4};
  options.repeats = 1;
  options.parts = false;
  std::int64_t last_done = 0;
  std::int64_t last_total = 0;
  options.progress = [&](std::int64_t done, std::int64_t total) {
    last_done = done;
    last_total = total;
  };
  CHECK(profile_model(small::every_kind(), options).profile.parts == PartEffect{});
  CHECK(last_done == last_total);
}
