// What is wrong with a file before its content is: the same for every kind of document.

#include <filesystem>
#include <limits>

#include "planner/files.h"
#include "planner/run_record.h"
#include "planner/simulation.h"
#include "planner/validate.h"
#include "tests/support/catch.h"
#include "tests/support/documents.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/worlds.h"

using namespace cadastre;
using nlohmann::json;

namespace {

/// Why a file with this text is refused, without its name.
template <typename Read>
std::string refused(const std::string& text, const Read& read) {
  const TemporaryDirectory directory;
  const std::filesystem::path file = directory.path() / "document.json";
  write_file(file, text);
  const std::string message = documents::refusal([&] { static_cast<void>(read(file)); });
  const std::string name = file.string() + ": ";
  return message.starts_with(name) ? message.substr(name.size()) : message;
}

std::string plan_text() { return json_text(to_json(worlds::two_stage_document())); }

}  // namespace

TEST_CASE("every reader refuses a file that is missing, empty or not JSON", "[planner]") {
  const auto check = [](const auto& read) {
    CHECK(documents::refusal([&] { static_cast<void>(read("/no/such/file.json")); }) ==
          "/no/such/file.json: expected a file, found none");
    CHECK(refused("", read) == "expected a JSON document, found an empty file");
    CHECK(refused(" \n", read) == "expected a JSON document, found an empty file");
    CHECK(refused("layers:\n  - conv\n", read) ==
          "expected a JSON document, found a syntax error at line 1, column 1");
    CHECK(refused("[]", read) == "/: expected an object, found an array of 0");
    CHECK(refused("{}", read) == "/: expected the key \"format\", found none");
  };
  check(read_model);
  check(read_profile);
  check(read_cluster);
  check(read_plan);
  check(read_timeline);
  check([](const std::filesystem::path& file) { return read_scene(file); });
  check(read_simulation);
  check(read_run);
  check(validate_document);
}

TEST_CASE("a document of another kind or version is refused", "[planner]") {
  const std::string text = R"({"format": "cadastre-plan/2"})";
  CHECK(refused(text, read_plan) ==
        "/format: expected \"cadastre-plan/1\", found \"cadastre-plan/2\"");
  CHECK(refused(text, read_model) ==
        "/format: expected \"cadastre-model/1\", found \"cadastre-plan/2\"");
  CHECK(refused(R"({"format": 1})", read_run) == "/format: expected a string, found 1");
}

TEST_CASE("a truncated document is refused wherever it ends", "[planner]") {
  const std::string text = plan_text();
  // Every place of a document takes a while; each 97th meets all kinds of tokens.
  for (std::size_t length = 1; length + 2 < text.size(); length += 97) {
    const std::string message = refused(text.substr(0, length), read_plan);
    CAPTURE(length, message);
    CHECK((message.starts_with("expected a whole JSON document, found its end at line ") ||
           message.starts_with("expected a JSON document, found a syntax error at line ")));
  }
}

TEST_CASE("numbers that no double holds are refused", "[planner]") {
  std::string text = plan_text();
  const std::string field = "\"search_s\": 0.01";
  REQUIRE(text.find(field) != std::string::npos);
  text.replace(text.find(field), field.size(), "\"search_s\": 1e400");
  CHECK(refused(text, read_plan) == "expected a JSON document with numbers in range");
}

namespace {

/// Every place in `document`, whole arrays and objects included.
std::vector<json::json_pointer> all_places(const json& document,
                                           const json::json_pointer& here = json::json_pointer()) {
  std::vector<json::json_pointer> places = {here};
  for (const auto& [key, value] : document.items()) {
    const json::json_pointer below = document.is_array() ? here / std::stoul(key) : here / key;
    if (value.is_structured()) {
      const std::vector<json::json_pointer> inside = all_places(value, below);
      places.insert(places.end(), inside.begin(), inside.end());
    } else {
      places.push_back(below);
    }
  }
  return places;
}

}  // namespace

TEST_CASE("whatever stands at any one place of a plan, it is read or refused with a pointer",
          "[planner][property]") {
  const json sound = to_json(worlds::two_stage_document());
  const std::vector<json> values = {nullptr,
                                    true,
                                    -1,
                                    0,
                                    1.5,
                                    1e300,
                                    "",
                                    "layer0",
                                    json::array(),
                                    json::object(),
                                    json::array({1}),
                                    std::uint64_t{1} << 63U,
                                    std::numeric_limits<std::int64_t>::max(),
                                    std::numeric_limits<double>::infinity()};
  int num_refused = 0;
  for (const json::json_pointer& place : all_places(sound)) {
    for (const json& value : values) {
      json document = sound;
      document[place] = value;
      CAPTURE(place.to_string(), value.dump());
      const std::string file = "file.json";
      try {
        const PlanDocument read = plan_from_json(JsonPlace(document, file, ""));
        // What was read is sound: it is written and read again as the same.
        CHECK(documents::reread(to_json(read), plan_from_json) == read);
      } catch (const InputError& error) {
        ++num_refused;
        CHECK(error.pointer().starts_with("/"));
        CHECK(std::string(error.what()).find("expected") != std::string::npos);
      }
    }
  }
  CHECK(num_refused > 500);
}

TEST_CASE("validate tells the kind of a sound document", "[planner]") {
  const TemporaryDirectory directory;
  const std::filesystem::path file = directory.path() / "document.json";
  const auto kind = [&](const json& document) {
    write_file(file, json_text(document));
    return validate_document(file);
  };
  const PlanDocument document = worlds::two_stage_document();
  CHECK(kind(to_json(document)) == "plan");
  CHECK(kind(to_json(document.profile)) == "profile");
  CHECK(kind(to_json(document.profile.model)) == "model");
  CHECK(kind(to_json(document.cluster)) == "cluster");
  const Timeline timeline{.source = "predicted",
                          .step_s = 1,
                          .ranks = {{.host = "node1", .parts = {{.stage = 0}}}},
                          .events = {}};
  CHECK(kind(to_json(timeline)) == "timeline");
  CHECK(kind(to_json(Simulation{.network_model = "CM02",
                                .cluster = "test",
                                .plans = {{.strategy = "single", .timeline = timeline}}})) ==
        "simulation");
}

TEST_CASE("validate refuses what it does not know, and unsound embedded documents", "[planner]") {
  CHECK(refused(R"({"format": "cadastre-plans/1"})", validate_document) ==
        "/format: expected one of cadastre-model/1, cadastre-profile/1, cadastre-cluster/1, "
        "cadastre-plan/1, cadastre-conditions/1, cadastre-timeline/1, cadastre-scene/1, "
        "cadastre-simulation/1, cadastre-map/1, cadastre-run/1, "
        "cadastre-checkpoint/1, cadastre-device/1, "
        "cadastre-study/1, cadastre-measured/1, cadastre-suite/1, cadastre-fidelity/1, "
        "cadastre-study-result/1, found \"cadastre-plans/1\", did you mean "
        "\"cadastre-plan/1\"?");
  CHECK(refused(json_text(documents::with(to_json(worlds::two_stage_document()),
                                          "/cluster/hosts/1/name", "node1")),
                validate_document) ==
        "/cluster/hosts/1/name: expected a name used once, found \"node1\" again (first at "
        "/cluster/hosts/0/name)");
}
