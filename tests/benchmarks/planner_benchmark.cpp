// planner_benchmark: the planner on published problems, beside what their own planners answered and
// took, and on larger ones made here. Not a test: prints a table a section, and the numbers as JSON
// where asked.
//
//   planner_benchmark --data DIR [--json FILE]
//
// DIR holds the folders of published problems (`msr-fiddle`, `pipedream`); a section whose folder
// is missing is left out, and said so.

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "planner/files.h"
#include "planner/json_reader.h"
#include "planner/table.h"
#include "tests/benchmarks/benchmark_section.h"

namespace {

using cadastre::benchmarks::Section;

struct SectionMaker {
  const char* folder;
  Section (*make)(const std::filesystem::path& data);
};

constexpr SectionMaker kSections[] = {
    {"msr-fiddle", cadastre::benchmarks::placement_section},
    {"pipedream", cadastre::benchmarks::pipedream_section},
    {"", cadastre::benchmarks::search_section},
};

void run(const std::filesystem::path& data, const std::filesystem::path& json) {
  nlohmann::json document = nlohmann::json::array();
  for (const SectionMaker& maker : kSections) {
    if (!std::filesystem::is_directory(data / maker.folder)) {
      std::printf("left out: there is no %s\n", (data / maker.folder).c_str());
      continue;
    }
    const Section section = maker.make(data);
    std::printf("%s (reference: %s)\n\n%s\n", section.title.c_str(), section.source.c_str(),
                cadastre::text_table(section.rows).c_str());
    std::fflush(stdout);
    document.push_back(
        {{"section", section.title}, {"reference", section.source}, {"results", section.results}});
  }
  if (!json.empty()) cadastre::write_file(json, cadastre::json_text(document));
}

}  // namespace

int main(int argc, char** argv) {
  try {
    CLI::App program("The planner on published problems", "planner_benchmark");
    std::filesystem::path data;
    std::filesystem::path json;
    program.add_option("--data", data, "Holds a folder of problems for each section")->required();
    program.add_option("--json", json, "Where the numbers are written");
    CLI11_PARSE(program, argc, argv);
    run(data, json);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 1;
  }
}
