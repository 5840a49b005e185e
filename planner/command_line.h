#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

namespace CLI {
class App;
class Validator;
}  // namespace CLI

namespace cadastre {

/// What every verb understands.
struct VerbOptions {
  bool json = false;   ///< one JSON object on standard output and nothing else there
  bool quiet = false;  ///< no progress on standard error
};

/// Adds `name` to `program` with --json, --quiet and a help that ends in `example`. `options` must
/// outlive the parse; `run` is called after it.
CLI::App* add_verb(CLI::App& program, const std::string& name, const std::string& description,
                   const std::string& example, std::shared_ptr<VerbOptions> options,
                   std::function<void()> run);

/// What an option accepts: a finite number in [least, most]. (CLI::Range lets NaN pass, and cuts
/// what does not fit its type.)
CLI::Validator number_from(double least, double most);
/// A whole number in [least, most].
CLI::Validator integer_from(std::int64_t least, std::int64_t most);

/// Prints the result of a verb: `document` with --json, else `text`.
void print_result(const VerbOptions& options, const nlohmann::json& document,
                  const std::string& text);

/// Parses and runs. Returns the exit status: 0 done, 1 failed while working, 2 the request or a
/// file was wrong; the error is one line on standard error.
int run_program(CLI::App& program, int argc, char** argv);

}  // namespace cadastre
