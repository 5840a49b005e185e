#include "planner/study/measure.h"

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <system_error>

#include "planner/error.h"
#include "planner/files.h"
#include "planner/planner.h"
#include "planner/refusal.h"
#include "planner/subprocess.h"

namespace cadastre {

namespace {

namespace fs = std::filesystem;

constexpr const char* kExecutor = "cadastre-executor";

using Words = std::vector<std::string>;

void add(Words& words, const Words& more) { words.insert(words.end(), more.begin(), more.end()); }

class Measurements {
 public:
  Measurements(const Study& study, const MeasureOptions& options)
      : question_(study.measure.value()),
        options_(options),
        directory_(options.directory),
        model_(model_of(study)) {
    if (!fs::exists(options.scene))
      throw InputError(options.scene.string(), "",
                       "expected a scene's document or directory, found nothing");
    if (!options.hosts.empty() && !fs::exists(options.hosts))
      throw InputError(options.hosts.string(), "", "expected a file of hosts, found nothing");
    check_request();
  }

  MeasuredArchitecture measured(const std::string& strategy) {
    const fs::path result = directory_ / (strategy + ".json");
    if (fs::exists(result)) {
      const std::string file = result.string();
      const nlohmann::json document = parse_json(read_file(result), file);
      return measured_from_json(JsonPlace(document, file, ""));
    }
    prepare();
    MeasuredArchitecture measured = run(strategy);
    write_file(result, json_text(to_json(measured)));
    return measured;
  }

 private:
  [[nodiscard]] static nlohmann::json model_of(const Study& study) {
    const auto own = study.base.find("model");
    const StudyDocument& holder = own != study.base.end() ? own->second : study.base.at("profile");
    const JsonPlace place(holder.value, holder.file, holder.pointer);
    if (own != study.base.end()) return to_json(model_from_json(place));
    return to_json(profile_from_json(place).model);
  }

  [[nodiscard]] Words machines() const {
    if (options_.hosts.empty()) return {"--local"};
    return {"--hosts", options_.hosts.string()};
  }

  [[nodiscard]] Words scene() const {
    Words words = {"--data", options_.scene.string()};
    if (!options_.rasters.empty()) add(words, {"--rasters", options_.rasters.string()});
    return words;
  }

  /// Results of another request must not be taken for those of this one.
  void check_request() const {
    nlohmann::json request = {{"model", model_},
                              {"scene", fs::absolute(options_.scene).string()},
                              {"rasters", options_.rasters.string()},
                              {"batch_size", question_.batch_size},
                              {"training", question_.training}};
    if (options_.hosts.empty())
      request["local"] = options_.num_local;
    else
      request["hosts"] = read_file(options_.hosts);
    const fs::path file = directory_ / "request.json";
    if (fs::exists(file)) {
      if (parse_json(read_file(file), file.string()) != request)
        throw InputError(file.string(), "",
                         "expected measurements of the same model, scene, training and machines, "
                         "found others; choose another directory, or remove " +
                             in_quotes(directory_.string()));
      return;
    }
    write_file(file, json_text(request));
  }

  void call(const std::string& what, const Words& words) const {
    options_.on_start(what);
    Words quiet = words;
    quiet.emplace_back("--quiet");
    const int status = run_sister(kExecutor, quiet, /*quiet_output=*/true);
    if (status != 0)
      throw std::runtime_error(what + ": cadastre " + words.front() + " ended with status " +
                               std::to_string(status) +
                               "; what was measured before it is kept in " + directory_.string());
  }

  void prepare() {
    const std::string model = (directory_ / "model.json").string();
    const fs::path profile = directory_ / "profile.json";
    const fs::path cluster = directory_ / "cluster.json";
    write_file(model, json_text(model_));
    if (!fs::exists(profile)) {
      Words words = {"profile", model};
      add(words, scene());
      add(words, {"-o", profile.string()});
      call("profile of the model", words);
    }
    if (!fs::exists(cluster)) {
      Words words = {"probe"};
      add(words, machines());
      if (options_.hosts.empty()) words.push_back(std::to_string(options_.num_local));
      add(words, {"--profile", profile.string(), "-o", cluster.string()});
      call("probe of the machines", words);
    }
  }

  MeasuredArchitecture run(const std::string& strategy) {
    MeasuredArchitecture none;
    none.strategy = strategy;
    PlanDocument document;
    try {
      document = make_plan(read_profile(directory_ / "profile.json"),
                           read_cluster(directory_ / "cluster.json"),
                           {.batch_size = question_.batch_size,
                            .strategy = strategy,
                            .with_alternatives = false});
    } catch (const InputError& error) {
      none.error = error.what();
      return none;
    }
    if (!document.search.feasible) {
      none.error = "no plan fits in memory";
      return none;
    }
    const fs::path output = directory_ / strategy;
    const fs::path plan = output / "plan.json";
    write_file(plan, json_text(to_json(document)));
    Words words = {"run", "--plan", plan.string()};
    add(words, scene());
    for (const auto& [name, value] : question_.training) add(words, {"--" + name, value});
    add(words, machines());
    add(words, {"-o", output.string()});
    call(strategy + ": training", words);

    MeasuredArchitecture measured =
        measured_architecture(read_run(output / "run.json"),
                              read_timeline(output / "timeline.json"), document);
    measured.strategy = strategy;  // "auto" is told by the plan that it chose
    // Ranks on one machine talk over its loopback: its interfaces tell of others.
    if (options_.hosts.empty())
      for (MeasuredHost& host : measured.hosts) host.sent_bytes = host.received_bytes = std::nullopt;
    infer(output, plan, measured);
    return measured;
  }

  /// On the hosts that trained, divided as the training was.
  void infer(const fs::path& output, const fs::path& plan, MeasuredArchitecture& measured) const {
    const std::string what = measured.strategy + ": classifying the scene";
    options_.on_start(what);
    Words words = {"predict", "--quiet", "--json", "--run", output.string(),
                   "--plan",  plan.string()};
    add(words, scene());
    add(words, machines());
    add(words, {"-o", (output / "map.tif").string()});
    const SisterOutput predicted = capture_sister(kExecutor, words);
    if (predicted.status != 0)
      throw std::runtime_error(what + ": cadastre predict ended with status " +
                               std::to_string(predicted.status));
    const nlohmann::json told = parse_json(predicted.output, "output of cadastre predict");
    measured.inference_s = told.at("classify_s").get<double>();
    measured.inference_pixels = told.at("num_pixels").get<std::int64_t>();
    const nlohmann::json& metrics = told.at("metrics");
    measured.overall_accuracy = metrics.at("overall_accuracy").get<double>();
    measured.kappa = metrics.at("kappa").get<double>();
  }

  const MeasureQuestion& question_;
  const MeasureOptions& options_;
  fs::path directory_;
  nlohmann::json model_;
};

}  // namespace

std::vector<MeasuredArchitecture> measure_architectures(const Study& study,
                                                        const MeasureOptions& options) {
  Measurements measurements(study, options);
  std::vector<MeasuredArchitecture> all;
  for (const std::string& strategy : study.measure->strategies)
    all.push_back(measurements.measured(strategy));
  return all;
}

}  // namespace cadastre
