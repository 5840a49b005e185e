#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "planner/command_line.h"
#include "planner/files.h"
#include "planner/report.h"
#include "planner/verbs.h"

namespace cadastre {

void add_report_verb(CLI::App& program) {
  struct ReportVerb {
    std::vector<std::filesystem::path> inputs;
    std::filesystem::path output;
  };

  const auto options = std::make_shared<VerbOptions>();
  const auto verb = std::make_shared<ReportVerb>();
  CLI::App* app =
      add_verb(program, "report", "Show plans, simulations and runs in one page",
               "cadastre report demo-output -o report.html", options, [verb, options] {
                 const std::string page = make_report(verb->inputs);
                 write_file(verb->output, page);
                 print_result(*options, {{"report", verb->output.string()}, {"bytes", page.size()}},
                              "wrote " + verb->output.string() + "\n");
               });
  app->add_option("INPUT", verb->inputs, "Run, demo or study directories, or documents")->required();
  app->add_option("-o,--output", verb->output, "Where the page is written")->required();
}

}  // namespace cadastre
