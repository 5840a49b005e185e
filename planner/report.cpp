#include "planner/report.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string_view>

#include "planner/cost_model.h"
#include "planner/error.h"
#include "planner/files.h"
#include "planner/json_reader.h"
#include "planner/lowering.h"
#include "planner/plan.h"
#include "planner/program.h"
#include "planner/report_data.h"
#include "planner/report_events.h"
#include "planner/report_template.h"
#include "planner/timeline.h"
#include "planner/validate.h"

namespace cadastre {

namespace fs = std::filesystem;

namespace {

/// Where the data goes in the page; the same text is in web/build.mjs, which sees to it that the
/// page has it once.
constexpr std::string_view kDataMarker = "@CADASTRE_REPORT_DATA@";

constexpr std::array<const char*, 9> kDocumentNames = {
    "plan.json",     "simulation.json",         "profile.json", "cluster.json", "run.json",
    "timeline.json", "predicted-timeline.json", "study.json",
    "fidelity.json"};

std::vector<fs::path> documents_in(const fs::path& directory) {
  std::vector<fs::path> found;
  for (const fs::path& place : {directory, directory / "run"})
    for (const char* name : kDocumentNames) {
      // What a run carried out is the plan beside it, where there is one.
      const bool is_known = name == std::string_view("plan.json") && !found.empty() &&
                            found.front().filename() == name;
      if (!is_known && fs::is_regular_file(place / name)) found.push_back(place / name);
    }
  return found;
}

/// `name` beside one of the documents, or in the directories given; empty when there is none.
fs::path file_beside(const std::vector<fs::path>& directories, const char* name) {
  for (const fs::path& directory : directories)
    if (fs::is_regular_file(directory / name)) return directory / name;
  return {};
}

void add_once(std::vector<fs::path>& paths, const fs::path& path) {
  const fs::path normal = path.lexically_normal();
  if (std::find(paths.begin(), paths.end(), normal) == paths.end()) paths.push_back(normal);
}

std::string png_url(const fs::path& file) {
  const std::string bytes = read_file(file);
  static constexpr std::string_view kPngSignature = "\x89PNG\r\n\x1a\n";
  if (bytes.compare(0, kPngSignature.size(), kPngSignature) != 0)
    throw InputError(file.string(), "", "expected a PNG image, found another kind of file");
  return "data:image/png;base64," + base64(bytes);
}

/// The plan's step as the cost model sees it: a plan is small, so it is priced anew, not stored.
Timeline predicted_timeline(const fs::path& file) {
  const PlanDocument document = read_plan(file);
  const Program program = lower(document.plan, document.profile.model, document.cluster);
  return evaluate(program,
                  program_costs(program, document.plan, document.profile, document.cluster),
                  document.cluster);
}

/// A document's name in the report: the last two parts of its path, such as run/timeline.json.
std::string short_name(const fs::path& file) {
  const fs::path parent = file.parent_path().filename();
  return parent.empty() || parent == "." || parent == ".." ? file.filename().string()
                                                           : (parent / file.filename()).string();
}

}  // namespace

ReportInputs collect_report_inputs(const std::vector<fs::path>& inputs) {
  ReportInputs collected;
  std::vector<fs::path> directories;
  for (const fs::path& input : inputs) {
    if (!fs::exists(input))
      throw InputError(input.string(), "", "expected a document or a directory, found none");
    if (!fs::is_directory(input)) {
      add_once(collected.documents, input);
      add_once(directories, input.parent_path().empty() ? fs::path(".") : input.parent_path());
      continue;
    }
    const std::vector<fs::path> documents = documents_in(input);
    if (documents.empty())
      throw InputError(input.string(), "",
                       "expected a directory with plan.json, simulation.json, run.json, "
                       "study.json or fidelity.json, found none of cadastre's documents in it");
    add_once(directories, input);
    for (const fs::path& document : documents) {
      add_once(collected.documents, document);
      add_once(directories, document.parent_path());
    }
  }
  collected.map = file_beside(directories, "map.png");
  collected.labels = file_beside(directories, "labels.png");
  collected.rgb = file_beside(directories, "map-rgb.png");
  if (const fs::path areas = file_beside(directories, "map.json"); !areas.empty()) {
    // Other programs have a map.json too.
    const nlohmann::json document = parse_json(read_file(areas), areas.string());
    if (document.is_object() && document.value("format", nlohmann::json()) == "cadastre-map/1")
      add_once(collected.documents, areas);
  }
  return collected;
}

std::string script_safe(const std::string& json) {
  std::string safe;
  safe.reserve(json.size());
  for (std::size_t i = 0; i < json.size(); ++i) {
    const std::string_view three = std::string_view(json).substr(i, 3);
    if (json[i] == '<') {
      safe += "\\u003c";
    } else if (three == "\xE2\x80\xA8" || three == "\xE2\x80\xA9") {
      safe += three.back() == '\xA8' ? "\\u2028" : "\\u2029";
      i += 2;
    } else {
      safe += json[i];
    }
  }
  return safe;
}

std::string make_report(const std::vector<fs::path>& inputs) {
  const std::string_view page = report_template();
  if (page.empty())
    throw InputError("", "",
                     "this build has no report viewer: configure it with -DCADASTRE_WEB=ON (which "
                     "needs Node.js and npm)");
  const ReportInputs collected = collect_report_inputs(inputs);
  nlohmann::json documents = nlohmann::json::array();
  bool has_prediction = false;
  fs::path plan;
  for (const fs::path& file : collected.documents) {
    const std::string kind = validate_document(file);
    nlohmann::json document = parse_json(read_file(file), file.string());
    if (kind == "plan") plan = file;
    if (kind == "timeline" && document.at("source") == "predicted") has_prediction = true;
    documents.push_back(
        {{"name", short_name(file)}, {"document", with_packed_events(std::move(document))}});
  }
  if (!plan.empty() && !has_prediction)
    documents.push_back({{"name", "predicted"},
                         {"document", with_packed_events(to_json(predicted_timeline(plan)))}});
  nlohmann::json images = nlohmann::json::object();
  if (!collected.map.empty()) images["map"] = png_url(collected.map);
  if (!collected.labels.empty()) images["labels"] = png_url(collected.labels);
  if (!collected.rgb.empty()) images["rgb"] = png_url(collected.rgb);
  const nlohmann::json data = {{"documents", std::move(documents)}, {"images", std::move(images)}};

  const std::size_t marker = page.find(kDataMarker);
  std::string report(page.substr(0, marker));
  report += script_safe(pack_report_data(data.dump()));
  report += page.substr(marker + kDataMarker.size());
  return report;
}

}  // namespace cadastre
