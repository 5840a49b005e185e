#include "planner/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <iostream>
#include <nlohmann/json.hpp>
#include <utility>

#include "planner/error.h"
#include "planner/json_reader.h"

namespace cadastre {

CLI::App* add_verb(CLI::App& program, const std::string& name, const std::string& description,
                   const std::string& example, std::shared_ptr<VerbOptions> options,
                   std::function<void()> run) {
  CLI::App* verb = program.add_subcommand(name, description);
  verb->add_flag("--json", options->json, "Print one JSON object on standard output");
  verb->add_flag("--quiet", options->quiet, "Show no progress");
  verb->footer("Example:\n  " + example);
  verb->callback(std::move(run));
  return verb;
}

void print_result(const VerbOptions& options, const nlohmann::json& document,
                  const std::string& text) {
  std::cout << (options.json ? json_text(document) : text);
  std::cout.flush();
}

namespace {

int fail(std::string message, int status) {
  // One line, whatever a library put into its message.
  const std::size_t end = message.find_first_of("\r\n");
  if (end != std::string::npos) message.resize(end);
  std::fprintf(stderr, "error: %s\n", message.c_str());
  return status;
}

}  // namespace

int run_program(CLI::App& program, int argc, char** argv) {
  constexpr int kFailed = 1;
  constexpr int kWrongRequest = 2;
  try {
    program.parse(argc, argv);
    return 0;
  } catch (const CLI::Success& success) {
    return program.exit(success);
  } catch (const CLI::ParseError& error) {
    return fail(error.what(), kWrongRequest);
  } catch (const InputError& error) {
    return fail(error.what(), kWrongRequest);
  } catch (const std::exception& error) {
    return fail(error.what(), kFailed);
  }
}

}  // namespace cadastre
