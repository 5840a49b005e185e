#include "planner/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <exception>
#include <iostream>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "planner/error.h"
#include "planner/json_reader.h"
#include "planner/refusal.h"

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

namespace {

template <typename Number>
CLI::Validator from_to(Number least, Number most, const std::string& kind) {
  const std::string range = "from " + number_text(static_cast<double>(least)) + " to " +
                            number_text(static_cast<double>(most));
  const auto check = [=](std::string& text) -> std::string {
    Number number{};
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, number);
    const bool sound = error == std::errc() && rest == end && number >= least && number <= most;
    return sound ? "" : "expected " + kind + " " + range + ", found " + in_quotes(text);
  };
  return {check, range};
}

}  // namespace

CLI::Validator number_from(double least, double most) { return from_to(least, most, "a number"); }

CLI::Validator integer_from(std::int64_t least, std::int64_t most) {
  return from_to(least, most, "a whole number");
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

/// The verbs that the help shows.
std::vector<std::string> verb_names(const CLI::App& program) {
  std::vector<std::string> names;
  for (const CLI::App* verb : program.get_subcommands(nullptr))
    if (!verb->get_group().empty()) names.push_back(verb->get_name());
  return names;
}

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  return names;
}

std::string expected_verb(const CLI::App& program, const std::string& found) {
  std::string text;
  for (const std::string& name : verb_names(program)) text += (text.empty() ? "" : ", ") + name;
  return "expected a verb (" + text + "), found " + found;
}

/// What is wrong with the request, in one line. CLI11 looks for what is missing before it names
/// what it does not know, but a mistyped option is both, and its name says more.
std::string request_error(const CLI::App& program, const CLI::ParseError& error) {
  const std::vector<const CLI::App*> verbs = [&] {
    const std::vector<CLI::App*> parsed = program.get_subcommands();
    return std::vector<const CLI::App*>(parsed.begin(), parsed.end());
  }();
  const CLI::App& verb = verbs.empty() ? program : *verbs.front();
  const std::string command = program.get_name() + (verbs.empty() ? "" : " " + verb.get_name());
  const bool required = dynamic_cast<const CLI::RequiredError*>(&error) != nullptr;
  if (!required && dynamic_cast<const CLI::ExtrasError*>(&error) == nullptr)
    return command + ": " + error.what();

  const std::vector<std::string> unknown = program.remaining(true);
  if (!unknown.empty() && unknown.front().starts_with("-"))
    return command + ": expected an option that `" + command + " --help` lists, found " +
           in_quotes(unknown.front()) + did_you_mean(unknown.front(), option_names(verb));
  if (verbs.empty())
    return expected_verb(program, unknown.empty()
                                      ? "none"
                                      : in_quotes(unknown.front()) +
                                            did_you_mean(unknown.front(), verb_names(program)));
  if (!unknown.empty())
    return command + ": expected no further argument, found " + in_quotes(unknown.front());
  return command + ": " + error.what() + "; `" + command + " --help` shows an example";
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
    return fail(request_error(program, error), kWrongRequest);
  } catch (const InputError& error) {
    return fail(error.what(), kWrongRequest);
  } catch (const std::exception& error) {
    return fail(error.what(), kFailed);
  }
}

}  // namespace cadastre
