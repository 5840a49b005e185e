#include <algorithm>
#include <cmath>
#include <optional>
#include <string_view>

#include "planner/placement/placement_search.h"
#include "planner/table.h"
#include "tests/benchmarks/benchmark_section.h"

namespace cadastre::benchmarks {

namespace {

struct Reference {
  std::string_view file;
  double optimum_ms;
  double cpu_s;
  double peak_mb;
};

// The authors' exact dynamic programme (msr-fiddle/dnn-partitioning, throughput-dp/dp.cpp, -O3) on
// one core of the machine that the comparison was first made on: its optimum, user CPU, peak
// memory.
constexpr Reference kReferences[] = {{"layer-bert24_inference", 17.78990625, 0.00, 4},
                                     {"layer-bert24_training", 41.7458125, 0.00, 4},
                                     {"layer-resnet50_inference", 33.774666015625, 0.06, 5},
                                     {"layer-resnet50_training", 78.6318, 0.10, 6},
                                     {"layer-gnmt_inference", 32.9107, 8.66, 549},
                                     {"layer-gnmt_training", 107.004, 14.75, 555},
                                     {"operator-bert_l-3_inference", 27.9185676799125, 1.06, 30},
                                     {"operator-bert_l-3_training", 65.3031, 2.76, 75}};

const Reference* reference_of(const std::string& file) {
  const auto* found = std::find_if(std::begin(kReferences), std::end(kReferences),
                                   [&](const Reference& known) { return known.file == file; });
  return found == std::end(kReferences) ? nullptr : found;
}

nlohmann::json solve(const std::filesystem::path& file) {
  const PlacementProblem problem = read_placement_problem(file);
  const PlacementResult result = search_placement(problem, {.time_limit_s = 60});
  return {{"num_nodes", problem.nodes.size()},
          {"max_load_ms", result.max_load_ms},
          {"lower_bound_ms", result.lower_bound_ms},
          {"proven_optimal", result.proven_optimal}};
}

}  // namespace

Section placement_section(const std::filesystem::path& data) {
  Section section{.title = "placement problems: read, solved and proven",
                  .source = "Tarnawski et al., NeurIPS 2020: their dynamic programme"};
  section.rows = {{"problem", "nodes", "max load ms", "proven", "reference ms", "CPU ms",
                   "reference s", "faster", "MB over idle", "reference MB", "smaller"}};
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(data / "msr-fiddle"))
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  for (const std::filesystem::path& file : files) {
    const Measured measured = measure([&] { return solve(file); });
    const std::string name = file.stem().string();
    const Reference* reference = reference_of(name);
    nlohmann::json result = measured.answer;
    result["problem"] = name;
    result["cpu_s"] = measured.cpu_s;
    result["peak_bytes"] = measured.peak_bytes;
    constexpr double kMega = 1e6;
    std::vector<std::string> row = {name,
                                    std::to_string(result.at("num_nodes").get<std::size_t>()),
                                    fixed(result.at("max_load_ms").get<double>(), 6),
                                    result.at("proven_optimal").get<bool>() ? "yes" : "no",
                                    "-",
                                    fixed(1e3 * measured.cpu_s, 2),
                                    "-",
                                    "-",
                                    fixed(measured.peak_bytes / kMega, 1),
                                    "-",
                                    "-"};
    if (reference != nullptr) {
      row[4] = fixed(reference->optimum_ms, 6);
      row[6] = fixed(reference->cpu_s, 2);
      row[7] = ratio(reference->cpu_s, measured.cpu_s, 0.05);
      row[9] = fixed(reference->peak_mb, 0);
      row[10] = ratio(reference->peak_mb * kMega, measured.peak_bytes, 10 * kMega);
      result["reference"] = {{"max_load_ms", reference->optimum_ms},
                             {"cpu_s", reference->cpu_s},
                             {"peak_bytes", reference->peak_mb * kMega}};
    }
    section.rows.push_back(std::move(row));
    section.results.push_back(std::move(result));
  }
  return section;
}

}  // namespace cadastre::benchmarks
