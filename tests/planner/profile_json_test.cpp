#include "planner/profile.h"
#include "tests/support/catch.h"
#include "tests/support/documents.h"
#include "tests/support/worlds.h"

using namespace cadastre;
using documents::refusal_of;
using documents::with;
using documents::without;
using nlohmann::json;

namespace {

Profile sound() {
  Profile profile = worlds::chain({1e-3, 2e-3});
  profile.device = "a test's idea of a device";
  profile.num_threads = 2;
  profile.layers[1].measurements = {{.batch_size = 4,
                                     .forward_s = 0.1,
                                     .forward_spread_s = 0.01,
                                     .backward_s = 1.0 / 3,
                                     .backward_spread_s = 0.02},
                                    {.batch_size = 8, .forward_s = 0.2, .backward_s = 0.4}};
  profile.layers[1].fit_error = 0.03;
  profile.load_s_per_sample = 1e-6;
  profile.load_s_per_micro_batch = 3e-5;
  profile.loss_s_per_micro_batch = 2e-5;
  profile.optimizer_s_per_parameter_byte = 1e-10;
  profile.adamw_s_per_parameter_byte = 3e-10;
  profile.average_s_per_parameter_byte = 5e-11;
  profile.loss_s_per_sample = 2e-7;
  profile.caches = {.backward_ratio = 1.125, .bytes = 1e7};
  profile.waits = {
      .forward_s = 1e-3, .backward_s = 5e-4, .update_s = 0, .time_constant_s = 0.03125};
  profile.step_spread = 0.25;
  profile.parts = {.forward_saving = 0.0625, .backward_saving = 0.125, .update_saving = 0};
  return profile;
}

std::string refused(const json& document) { return refusal_of(document, profile_from_json); }

}  // namespace

TEST_CASE("a profile goes to JSON and back unchanged", "[planner]") {
  const Profile profile = sound();
  CHECK(documents::reread(to_json(profile), profile_from_json) == profile);
}

TEST_CASE("a profile written by hand may leave out spreads and fit errors", "[planner]") {
  json document = to_json(sound());
  document = without(document, "/layers/1/measurements/0/forward_spread_s");
  document = without(document, "/layers/1/fit_error");
  const Profile profile = documents::reread(document, profile_from_json);
  CHECK(profile.layers[1].measurements[0].forward_spread_s == 0);
  CHECK(profile.layers[1].fit_error == leave_one_out_error(profile.layers[1].measurements));
}

TEST_CASE("waits that would make what follows quicker, or cost at once, are refused", "[planner]") {
  CHECK(refused(with(to_json(sound()), "/waits/forward_s", -1)) ==
        "/waits/forward_s: expected a number from 0 to 1000000000, found -1");
  CHECK(refused(with(to_json(sound()), "/waits/time_constant_s", 0)) ==
        "/waits/time_constant_s: expected a number > 0, found 0");
}

TEST_CASE("steps that are less than nothing apart are refused", "[planner]") {
  CHECK(refused(with(to_json(sound()), "/step_spread", -0.5)) ==
        "/step_spread: expected a number from 0 to 1000, found -0.5");
}

TEST_CASE("parts that would take longer on their own, or nothing, are refused", "[planner]") {
  CHECK(refused(with(to_json(sound()), "/parts/forward_saving", -0.5)) ==
        "/parts/forward_saving: expected a number from 0 to 0.9, found -0.5");
  CHECK(refused(with(to_json(sound()), "/parts/update_saving", 1)) ==
        "/parts/update_saving: expected a number from 0 to 0.9, found 1");
}

TEST_CASE("caches that would make backward quicker are refused", "[planner]") {
  CHECK(refused(with(to_json(sound()), "/caches/backward_ratio", 0.5)) ==
        "/caches/backward_ratio: expected a number from 1 to 1000, found 0.5");
  CHECK(refused(with(to_json(sound()), "/caches/bytes", 0)) ==
        "/caches/bytes: expected a number > 0, found 0");
}

TEST_CASE("measurements that do not ascend are refused", "[planner]") {
  CHECK(refused(with(to_json(sound()), "/layers/1/measurements/1/batch_size", 4)) ==
        "/layers/1/measurements/1/batch_size: expected more than 4, the size before it, found 4");
  CHECK(refused(with(to_json(sound()), "/layers/1/measurements", json::array())) ==
        "/layers/1/measurements: expected an array of at least 1, found an array of 0");
}

TEST_CASE("profile layers that are not the model's are refused", "[planner]") {
  CHECK(refused(with(to_json(sound()), "/layers/1/layer", "layer7")) ==
        "/layers/1/layer: expected \"layer1\" as in the model's topological order, found "
        "\"layer7\"");
  CHECK(refused(without(to_json(sound()), "/layers/1")) ==
        "/layers: expected an array of 2, one for each layer of the model, found an array of 1");
}

TEST_CASE("bytes that the model's layer does not have are refused", "[planner]") {
  // 250 x 250 weights of 4 bytes.
  CHECK(refused(with(to_json(sound()), "/layers/0/parameter_bytes", 12)) ==
        "/layers/0/parameter_bytes: expected 250000 as the model's layer \"layer0\" has, found 12");
  CHECK(refused(with(to_json(sound()), "/layers/0/activation_bytes_per_sample", 999)) ==
        "/layers/0/activation_bytes_per_sample: expected 1000 as the model's layer \"layer0\" has, "
        "found 999");
}

TEST_CASE("absurd numbers in a profile are refused", "[planner]") {
  CHECK(refused(with(to_json(sound()), "/layers/0/measurements/0/forward_s", -1e-3)) ==
        "/layers/0/measurements/0/forward_s: expected a number from 0 to 1000000000, found -0.001");
  CHECK(refused(with(to_json(sound()), "/layers/0/measurements/0/batch_size", 0)) ==
        "/layers/0/measurements/0/batch_size: expected an integer from 1 to 1048576, found 0");
  CHECK(refused(with(to_json(sound()), "/layers/0/saved_bytes_per_sample", -1)) ==
        "/layers/0/saved_bytes_per_sample: expected an integer from 0 to 4398046511104, found -1");
  CHECK(refused(with(to_json(sound()), "/num_threads", 0)) ==
        "/num_threads: expected an integer from 1 to 1048576, found 0");
  // A NaN is written as null.
  CHECK(refused(with(to_json(sound()), "/load_s_per_sample",
                     std::numeric_limits<double>::quiet_NaN())) ==
        "/load_s_per_sample: expected a number from 0 to 1000000000, found null");
}

TEST_CASE("an unsound model inside a profile is refused at its place there", "[planner]") {
  CHECK(refused(with(to_json(sound()), "/model/layers/1/inputs/0", "layer9")) ==
        "/model/layers/1/inputs/0: expected a layer or model input, found \"layer9\", did you mean "
        "\"layer0\"?");
  CHECK(refused(with(to_json(sound()), "/model/format", "cadastre-model/2")) ==
        "/model/format: expected \"cadastre-model/1\", found \"cadastre-model/2\"");
}
