#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "planner/files.h"
#include "planner/json_reader.h"
#include "tests/command_line/program.h"
#include "tests/executor/training_world.h"
#include "tests/support/catch.h"
#include "tests/support/documents.h"
#include "tests/support/temporary_directory.h"

namespace cadastre::test {

/// A directory with sound documents of every kind that a user writes or is given: model.json,
/// profile.json, cluster.json, plan.json (for two hosts) and scene/.
class WorldDirectory {
 public:
  WorldDirectory() {
    const PlanDocument document =
        plan_document(training_model(), branch_stages(training_model(), {"height", ""}), 2,
                      Schedule::kOneForwardOneBackward);
    write("model.json", to_json(document.profile.model));
    write("profile.json", to_json(document.profile));
    write("cluster.json", to_json(document.cluster));
    write("plan.json", to_json(document));
    write_training_scene(path("scene"));
  }

  [[nodiscard]] std::filesystem::path path(const std::string& name) const {
    return directory_.path() / name;
  }

  void write(const std::string& name, const nlohmann::json& document) const {
    write_file(path(name), json_text(document));
  }

  [[nodiscard]] nlohmann::json read(const std::string& name) const {
    return parse_json(read_file(path(name)), name);
  }

  /// Writes the document `name` with `value` at `pointer` to `broken.json`.
  void write_broken(const std::string& name, const std::string& pointer,
                    const nlohmann::json& value) const {
    write("broken.json", documents::with(read(name), pointer, value));
  }

  [[nodiscard]] Finished run(const std::vector<std::string>& arguments) const {
    return run_program(directory_.path(), arguments);
  }

  /// The program must refuse `arguments` by this one line after `error: `, and write nothing. Where
  /// the message ends in `…`, the rest is a library's and differs between its versions.
  void check_refused(const std::vector<std::string>& arguments, const std::string& message,
                     int status = 2) const {
    std::string request = "cadastre";
    for (const std::string& argument : arguments) request += " " + argument;
    INFO(request);
    const std::vector<std::string> before = listing(directory_.path());
    const Finished finished = run(arguments);
    const std::string open_end = "…";
    if (message.ends_with(open_end)) {
      const std::string beginning = "error: " + message.substr(0, message.size() - open_end.size());
      CHECK(finished.err.substr(0, beginning.size()) == beginning);
      CHECK(finished.err.find('\n') == finished.err.size() - 1);
    } else {
      CHECK(finished.err == "error: " + message + "\n");
    }
    CHECK(finished.out.empty());
    CHECK(finished.status == status);
    CHECK(listing(directory_.path()) == before);
  }

 private:
  TemporaryDirectory directory_;
};

}  // namespace cadastre::test
