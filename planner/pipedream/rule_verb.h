#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

namespace CLI {
class App;
}  // namespace CLI

namespace cadastre {

struct VerbOptions;

namespace pipedream {

/// What `cadastre plan --pipedream-profile` asks for.
struct RuleRequest {
  std::filesystem::path graph;                ///< empty: not asked for
  std::vector<int> num_machines;              ///< of each level, innermost first
  std::vector<double> bandwidth_bytes_per_s;  ///< of each level
};

/// Adds --pipedream-profile, --machines and --bandwidth to the verb `plan`, whose other options
/// must all be there: those that plan a cadastre profile exclude it, and what they required is
/// required only without it. The function that is returned is to be called first in the verb's
/// callback; it throws what CLI11 throws for a missing option.
std::function<void()> add_rule_options(CLI::App& plan, const std::shared_ptr<RuleRequest>& request);

/// Plans by the rule, prints the result and writes it to `output` unless that is empty. Throws
/// InputError for a bad file or request.
void run_rule(const RuleRequest& request, double time_limit_s, const std::filesystem::path& output,
              const VerbOptions& options);

}  // namespace pipedream
}  // namespace cadastre
