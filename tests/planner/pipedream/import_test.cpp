#include "planner/pipedream/import.h"

#include "planner/planner.h"
#include "tests/planner/pipedream/published.h"
#include "tests/support/catch.h"
#include "tests/support/documents.h"
#include "tests/support/worlds.h"

using namespace cadastre;
using namespace cadastre::pipedream;

namespace {

std::string line(const std::string& id, const std::string& description, double activation_bytes,
                 double parameter_bytes) {
  std::string text = id;
  text += " -- " + description;
  text += " -- forward_compute_time=10, backward_compute_time=20, activation_size=";
  text += std::to_string(activation_bytes);
  text += ", parameter_size=" + std::to_string(parameter_bytes) + "\n";
  return text;
}

/// Two inputs (one unread), a layer that reads nothing, two layers that nobody reads, an item that
/// nobody reads.
const std::string kText = line("x", "Input0", 800, 0) + line("y", "Input1", 800, 0) +
                          line("join", "Conv2d", 1604, 402) + line("loss", "Loss", 0, 0) +
                          line("hidden", "hidden", 0, 0) + line("item", "__getitem__(1)", 8, 0) +
                          line("tail", "Linear", 16, 40) +
                          "\tx -- join\n\tjoin -- loss\n\thidden -- tail\n\tjoin -- tail\n"
                          "\tjoin -- item\n";

Profile imported(std::int64_t batch_size) {
  return import_profile(parse_graph_file(kText, "dir/two-sinks.txt"), batch_size,
                        "dir/two-sinks.txt");
}

}  // namespace

TEST_CASE("an imported profile has what a model needs", "[planner][pipedream]") {
  const Profile profile = imported(1);
  CHECK(profile.model.name == "two-sinks");
  CHECK(profile.model.inputs ==
        std::vector<ModelInput>{{.name = "x", .shape = {200}}, {.name = "constant", .shape = {1}}});
  std::vector<std::string> ids;
  for (const Layer& layer : profile.model.layers) ids.push_back(layer.id);
  CHECK(ids == std::vector<std::string>{"join", "loss", "hidden", "tail", "join2"});
  CHECK(profile.model.output == "join2");
  CHECK(profile.model.layers[4].inputs == std::vector<std::string>{"loss", "tail"});
  CHECK(profile.model.layers[0].operation ==
        Operation(
            Profiled{.description = "Conv2d", .output_elements = 401, .parameter_elements = 101}));
  CHECK(layer_cost(profile.layers[0], 1).forward_s == Approx(0.01));
  CHECK(layer_cost(profile.layers[0], 1).backward_s == Approx(0.02));
  CHECK(profile.layers[0].parameter_bytes == 404);
  CHECK(layer_cost(profile.layers[4], 1).forward_s == 0);
}

TEST_CASE("the measured mini-batch counts as so many samples", "[planner][pipedream]") {
  const Profile profile = imported(4);
  CHECK(layer_cost(profile.layers[0], 4).forward_s == Approx(0.01));
  CHECK(layer_cost(profile.layers[0], 8).forward_s == Approx(0.02));
  CHECK(profile.layers[0].activation_bytes_per_sample == 404);  // 1604 / 4 = 401, in whole elements
  CHECK(profile.layers[0].saved_bytes_per_sample == 404);
  CHECK(profile.layers[0].parameter_bytes == 404);
  CHECK(profile.layers[1].activation_bytes_per_sample == 4);  // a tensor has an element at least
}

TEST_CASE("an imported profile goes to JSON and back unchanged", "[planner][pipedream]") {
  const Profile profile = imported(2);
  CHECK(documents::reread(to_json(profile), profile_from_json) == profile);
  using documents::refusal_of;
  using documents::with;
  CHECK(
      refusal_of(with(to_json(profile), "/model/layers/0/output_elements", 0), profile_from_json) ==
      "/model/layers/0/output_elements: expected an integer from 1 to 1099511627776, found 0");
  CHECK(refusal_of(with(to_json(profile), "/layers/0/parameter_bytes", 400), profile_from_json) ==
        "/layers/0/parameter_bytes: expected 404 as the model's layer \"join\" has, found 400");
}

TEST_CASE("an imported model is planned but not executed", "[planner][pipedream]") {
  const Profile profile = imported(1);
  const PlanDocument document = make_plan(profile, worlds::two_hosts(), {.batch_size = 4});
  CHECK(document.plan.predicted.step_s > 0);
  CHECK(
      documents::refusal([&] { check_executable(profile.model, "plan.json", "/profile/model"); }) ==
      "plan.json: /profile/model/layers/0: expected a layer that can be executed, found \"join\", "
      "of which an imported profile tells only what it costs; such a model can be planned and "
      "simulated");
  CHECK(documents::refusal([&] { check_executable(worlds::chain_model(2), "m", ""); }) ==
        "accepted");
}

TEST_CASE("a profile without layers, or with one too large, is not imported",
          "[planner][pipedream]") {
  const auto refused = [](const std::string& text) {
    return documents::refusal(
        [&] { static_cast<void>(import_profile(parse_graph_file(text, "g"), 1, "g")); });
  };
  CHECK(refused(line("x", "Input", 8, 0)) ==
        "g: expected a node that is neither an input nor an item that nobody reads, found none");
  CHECK(refused(line("big", "Linear", 8, 9e14)) ==
        "g: expected at most 10^12 elements a tensor, found 225000000000000 of node \"big\"");
}

TEST_CASE("published profiles are imported and planned", "[planner][pipedream]") {
  if (!std::filesystem::exists(published_profile("vgg16"))) {
    WARN("skipped: shared/data beside the source tree has no PipeDream profiles");
    return;
  }
  for (const std::string name : {"vgg16", "resnet50", "gnmt", "inception_v3"}) {
    CAPTURE(name);
    const std::string file = published_profile(name).string();
    const Profile profile = import_profile(read_graph_file(file), 1, file);
    CHECK(documents::reread(to_json(profile), profile_from_json) == profile);
    Cluster cluster = worlds::hosts({1, 1, 1});
    for (Host& host : cluster.hosts) host.memory_bytes = std::int64_t{1} << 40;
    const PlanDocument document =
        make_plan(profile, cluster, {.batch_size = 2, .time_limit_s = 0.05});
    CHECK(document.plan.predicted.step_s > 0);
  }
}
