#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "planner/command_line.h"
#include "planner/validate.h"
#include "planner/verbs.h"

namespace cadastre {

void add_validate_verb(CLI::App& program) {
  const auto options = std::make_shared<VerbOptions>();
  const auto files = std::make_shared<std::vector<std::filesystem::path>>();
  CLI::App* app = add_verb(program, "validate", "Check documents of any kind",
                           "cadastre validate demo-output/*.json", options, [files, options] {
                             nlohmann::json document = nlohmann::json::array();
                             std::string text;
                             for (const std::filesystem::path& file : *files) {
                               const std::string kind = validate_document(file);
                               document.push_back({{"file", file.string()}, {"kind", kind}});
                               text += file.string() + ": a sound " + kind + "\n";
                             }
                             print_result(*options, {{"documents", document}}, text);
                           });
  app->add_option("FILE", *files, "Documents")->required();
}

}  // namespace cadastre
