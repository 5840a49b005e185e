#include "planner/report.h"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "planner/error.h"
#include "planner/files.h"
#include "planner/report_data.h"
#include "planner/report_events.h"
#include "tests/support/catch.h"
#include "tests/support/directories.h"
#include "tests/support/documents.h"
#include "tests/support/temporary_directory.h"

#if CADASTRE_WITH_ZLIB
#include <zlib.h>
#endif

namespace cadastre {

namespace {

namespace fs = std::filesystem;

const fs::path kFixtures = source_directory() / "tests/web/fixtures";

/// The names of `paths` below `root`.
std::vector<std::string> names_below(const fs::path& root, const std::vector<fs::path>& paths) {
  std::vector<std::string> names;
  for (const fs::path& path : paths) names.push_back(path.lexically_relative(root).string());
  return names;
}

/// What `base64` was given, for text without mistakes.
std::string base64_decoded(const std::string& text) {
  static const std::string kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  unsigned group = 0;
  int num_bits = 0;
  for (const char digit : text.substr(0, text.find('='))) {
    group = group << 6U | static_cast<unsigned>(kDigits.find(digit));
    num_bits += 6;
    if (num_bits < 8) continue;
    num_bits -= 8;
    bytes += static_cast<char>(group >> static_cast<unsigned>(num_bits) & 255U);
  }
  return bytes;
}

/// The JSON text that `pack_report_data` was given.
std::string unpacked(const std::string& packed) {
#if CADASTRE_WITH_ZLIB
  const std::string bytes =
      base64_decoded(nlohmann::json::parse(packed).at("deflate").get<std::string>());
  std::string text(1U << 22U, '\0');
  auto size = static_cast<uLongf>(text.size());
  REQUIRE(uncompress(reinterpret_cast<Bytef*>(text.data()), &size,
                     reinterpret_cast<const Bytef*>(bytes.data()),
                     static_cast<uLong>(bytes.size())) == Z_OK);
  text.resize(size);
  return text;
#else
  return packed;
#endif
}

}  // namespace

TEST_CASE("a demo's directory gives all its documents and images to a report", "[planner]") {
  const ReportInputs inputs = collect_report_inputs({kFixtures});
  CHECK(names_below(kFixtures, inputs.documents) ==
        std::vector<std::string>{"plan.json", "simulation.json", "profile.json", "cluster.json",
                                 "predicted-timeline.json", "run/run.json", "run/timeline.json",
                                 "map.json"});
  CHECK(inputs.map == kFixtures / "map.png");
  CHECK(inputs.rgb == kFixtures / "map-rgb.png");
  CHECK(inputs.labels == kFixtures / "labels.png");
}

TEST_CASE("a run's directory gives its record and its timeline to a report", "[planner]") {
  const ReportInputs inputs = collect_report_inputs({kFixtures / "run"});
  CHECK(names_below(kFixtures, inputs.documents) ==
        std::vector<std::string>{"run/run.json", "run/timeline.json"});
  CHECK(inputs.map.empty());
}

TEST_CASE("a report has the plan of a directory, or else the one that its run carried out",
          "[planner]") {
  const TemporaryDirectory directory;
  for (const char* name : {"run/plan.json", "run/run.json"})
    write_file(directory.path() / name, "{}");
  CHECK(names_below(directory.path(), collect_report_inputs({directory.path()}).documents) ==
        std::vector<std::string>{"run/plan.json", "run/run.json"});
  write_file(directory.path() / "plan.json", "{}");
  CHECK(names_below(directory.path(), collect_report_inputs({directory.path()}).documents) ==
        std::vector<std::string>{"plan.json", "run/run.json"});
}

TEST_CASE("a study's directory gives its result to a report", "[planner]") {
  const TemporaryDirectory directory;
  write_file(directory.path() / "study.json", "{}");
  write_file(directory.path() / "points.jsonl", "");
  CHECK(names_below(directory.path(), collect_report_inputs({directory.path()}).documents) ==
        std::vector<std::string>{"study.json"});
}

TEST_CASE("a file that is named twice is in the report once", "[planner]") {
  const ReportInputs inputs =
      collect_report_inputs({kFixtures / "plan.json", kFixtures / "run/../plan.json"});
  CHECK(names_below(kFixtures, inputs.documents) ==
        std::vector<std::string>{"plan.json", "map.json"});
  CHECK(inputs.map == kFixtures / "map.png");
}

TEST_CASE("a report refuses what is not there", "[planner]") {
  const TemporaryDirectory directory;
  const std::string missing = (directory.path() / "none.json").string();
  CHECK(documents::refusal([&] { static_cast<void>(collect_report_inputs({missing})); }) ==
        missing + ": expected a document or a directory, found none");
  CHECK(documents::refusal([&] { static_cast<void>(collect_report_inputs({directory.path()})); }) ==
        directory.path().string() +
            ": expected a directory with plan.json, simulation.json, run.json, study.json or "
            "fidelity.json, found "
            "none of cadastre's documents in it");
}

TEST_CASE("a map.json of another program is no part of a report", "[planner]") {
  const TemporaryDirectory directory;
  fs::copy_file(kFixtures / "cluster.json", directory.path() / "cluster.json");
  write_file(directory.path() / "map.json", R"({"layers": []})");
  CHECK(names_below(directory.path(), collect_report_inputs({directory.path()}).documents) ==
        std::vector<std::string>{"cluster.json"});
}

TEST_CASE("base64 is that of RFC 4648", "[planner]") {
  CHECK(base64("").empty());
  CHECK(base64("f") == "Zg==");
  CHECK(base64("fo") == "Zm8=");
  CHECK(base64("foo") == "Zm9v");
  CHECK(base64("foobar") == "Zm9vYmFy");
  CHECK(base64("\xff\xfe\xfd") == "//79");
}

TEST_CASE("a report's data is packed without loss", "[planner]") {
  std::string text = R"({"name":"</script> \u00e9"})";
  for (int i = 0; i < 16; ++i) text += text.substr(0, 40'000);
  const std::string packed = pack_report_data(text);
  CHECK(unpacked(packed) == text);
#if CADASTRE_WITH_ZLIB
  CHECK(packed.size() < text.size() / 20);
  CHECK(packed.find('<') == std::string::npos);
#endif
}

TEST_CASE("a report's events are in columns, and one number where all are alike", "[planner]") {
  nlohmann::json timeline = {
      {"format", "cadastre-timeline/1"},
      {"events",
       {{{"rank", 0}, {"kind", "forward"}, {"start_s", 0.0}, {"end_s", 0.1}, {"stage", 2}},
        {{"rank", 0}, {"kind", "backward"}, {"start_s", 0.1}, {"end_s", 1.5}, {"bytes", 7}},
        {{"rank", 0}, {"kind", "forward"}, {"start_s", 1.5}, {"end_s", 2.0}, {"stage", 2}}}}};
  const nlohmann::json simulation = {{"format", "cadastre-simulation/1"},
                                     {"plans", {{{"timeline", timeline}}}}};
  const nlohmann::json packed = with_packed_events(timeline).at("events");
  CHECK(packed.at("num_events") == 3);
  CHECK(packed.at("kinds") == nlohmann::json{"forward", "backward"});
  CHECK(packed.at("kind") == nlohmann::json{0, 1, 0});
  CHECK(packed.at("rank") == 0);
  CHECK(packed.at("stage") == nlohmann::json{2, -1, 2});
  CHECK(packed.at("bytes") == nlohmann::json{0, 7, 0});
  const std::string end_s = base64_decoded(packed.at("end_s").get<std::string>());
  REQUIRE(end_s.size() == 24);
  // 1.5 is 0x3FF8000000000000, and its least significant byte comes first.
  CHECK(end_s.substr(8, 8) == std::string("\0\0\0\0\0\0\xF8\x3F", 8));
  CHECK(with_packed_events(simulation).at("plans")[0].at("timeline").at("events") == packed);
  timeline["events"] = nlohmann::json::array();
  CHECK(with_packed_events(timeline).at("events").at("num_events") == 0);
  CHECK(with_packed_events({{"format", "cadastre-plan/1"}}).size() == 1);
}

TEST_CASE("no text of a document ends the script element that holds it", "[planner]") {
  const nlohmann::json document = {
      {"name", "</script><!-- \xE2\x80\xA8\xE2\x80\xA9 &\xE2\x80\xA6"}};
  const std::string safe = script_safe(document.dump());
  CHECK(safe == R"({"name":"\u003c/script>\u003c!-- \u2028\u2029 &…"})");
  CHECK(nlohmann::json::parse(safe) == document);
}

#if CADASTRE_WITH_VIEWER

TEST_CASE("a report is one page that holds its documents and images", "[planner]") {
  const std::string page = make_report({kFixtures});
  CHECK(page.find("<!DOCTYPE html>") == 0);
  CHECK(page.find("@CADASTRE_REPORT_DATA@") == std::string::npos);
  const std::string opening = "<script type=\"application/json\" id=\"cadastre-data\">";
  const std::size_t begin = page.find(opening) + opening.size();
  REQUIRE(begin > opening.size());
  const nlohmann::json data =
      nlohmann::json::parse(unpacked(page.substr(begin, page.find("</script>", begin) - begin)));
  REQUIRE(data.at("documents").size() == 8);
  CHECK(data.at("documents")[0].at("document") ==
        nlohmann::json::parse(read_file(kFixtures / "plan.json")));
  CHECK(data.at("documents")[6].at("name") == "run/timeline.json");
  CHECK(data.at("images").at("map") ==
        "data:image/png;base64," + base64(read_file(kFixtures / "map.png")));
}

TEST_CASE("a report refuses a document that is not sound", "[planner]") {
  const TemporaryDirectory directory;
  const fs::path file = directory.path() / "plan.json";
  nlohmann::json plan = nlohmann::json::parse(read_file(kFixtures / "plan.json"));
  plan["micro_batches"] = 0;
  write_file(file, plan.dump());
  CHECK(documents::refusal([&] {
          static_cast<void>(make_report({file}));
        }).starts_with(file.string() + ": /micro_batches: expected "));
}

TEST_CASE("a report refuses a map that is not a PNG", "[planner]") {
  const TemporaryDirectory directory;
  fs::copy_file(kFixtures / "cluster.json", directory.path() / "cluster.json");
  write_file(directory.path() / "map.png", "GIF89a");
  CHECK(documents::refusal([&] { static_cast<void>(make_report({directory.path()})); }) ==
        (directory.path() / "map.png").string() +
            ": expected a PNG image, found another kind of file");
}

#else

TEST_CASE("a build without the viewer says so", "[planner]") {
  CHECK(documents::refusal([&] { static_cast<void>(make_report({kFixtures})); }) ==
        "this build has no report viewer: configure it with -DCADASTRE_WEB=ON (which needs Node.js "
        "and npm)");
}

#endif

}  // namespace cadastre
