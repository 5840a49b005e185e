// Requests that no file is to blame for.
#include "tests/command_line/world_directory.h"

namespace cadastre {
namespace {

using test::WorldDirectory;

const std::string kExpectedVerb =
    "expected a verb (demo, classify, scene, synthesize, model, profile, probe, simulate, study, "
    "run, predict, import, export, calibrate, fidelity, plan, report, validate), found ";

/// The refusal of a request to `verb` that lacks `option`.
std::string is_required(const std::string& verb, const std::string& option) {
  return "cadastre " + verb + ": " + option + " is required; `cadastre " + verb +
         " --help` shows an example";
}

/// The refusal of a request to `verb` with an option that it does not have.
std::string is_unknown(const std::string& verb, const std::string& option) {
  return "cadastre " + verb + ": expected an option that `cadastre " + verb +
         " --help` lists, found \"" + option + "\"";
}

TEST_CASE("a request without a verb, or with none that is known, says which there are",
          "[executor]") {
  const WorldDirectory world;
  world.check_refused({}, kExpectedVerb + "none");
  world.check_refused({"trane"}, kExpectedVerb + "\"trane\"");
  world.check_refused({"simulat", "--plan", "plan.json"},
                      kExpectedVerb + "\"simulat\", did you mean \"simulate\"?");
  world.check_refused(
      {"--bogus"}, "cadastre: expected an option that `cadastre --help` lists, found \"--bogus\"");
}

TEST_CASE("an unknown option is named, before what is missing", "[executor]") {
  const WorldDirectory world;
  world.check_refused({"plan", "--profle", "profile.json"},
                      is_unknown("plan", "--profle") + ", did you mean \"--profile\"?");
  world.check_refused({"run", "--bogus"}, is_unknown("run", "--bogus"));
  world.check_refused({"simulate", "--bogus"}, is_unknown("simulate", "--bogus"));
  world.check_refused({"validate", "plan.json", "--bogus"}, is_unknown("validate", "--bogus"));
  world.check_refused({"run", "plan.json"},
                      "cadastre run: expected no further argument, found \"plan.json\"");
}

TEST_CASE("a required option that is missing is named", "[executor]") {
  const WorldDirectory world;
  world.check_refused({"plan", "--profile", "profile.json"}, is_required("plan", "--cluster"));
  world.check_refused({"profile"}, is_required("profile", "MODEL"));
  world.check_refused({"profile", "model.json"}, is_required("profile", "--output"));
  world.check_refused({"run", "--plan", "plan.json"}, is_required("run", "--data"));
  world.check_refused({"predict"}, is_required("predict", "--run"));
  world.check_refused({"simulate"}, is_required("simulate", "--plan"));
  world.check_refused({"probe"},
                      "cadastre probe: expected --local N, --hosts FILE, or to be started by "
                      "Slurm, mpirun or torchrun, found none of these; `cadastre probe --help` "
                      "shows an example");
  world.check_refused({"synthesize"}, is_required("synthesize", "--output"));
  world.check_refused({"report", "plan.json"}, is_required("report", "--output"));
  world.check_refused({"validate"}, is_required("validate", "FILE"));
}

TEST_CASE("numbers that cannot be are refused", "[executor]") {
  const WorldDirectory world;
  const auto plan = [](const std::string& option, const std::string& value) {
    std::vector<std::string> words = {"plan",      "--profile",    "profile.json",
                                      "--cluster", "cluster.json", "-o",
                                      "out.json",  option,         value};
    if (option != "--batch-size") words.insert(words.end(), {"--batch-size", "48"});
    return words;
  };
  world.check_refused(
      plan("--batch-size", "0"),
      "cadastre plan: --batch-size: expected a whole number from 1 to 1048576, found \"0\"");
  world.check_refused(
      plan("--batch-size", "-4"),
      "cadastre plan: --batch-size: expected a whole number from 1 to 1048576, found \"-4\"");
  world.check_refused(
      plan("--batch-size", "many"),
      "cadastre plan: --batch-size: expected a whole number from 1 to 1048576, found \"many\"");
  world.check_refused(
      plan("--batch-size", "50"),
      "--batch-size: expected a multiple of the model's batch-norm group of 4 samples, found 50");
  world.check_refused(plan("--batch-size", "99999999999999999999"),
                      "cadastre plan: --batch-size: expected a whole number from 1 to 1048576, "
                      "found \"99999999999999999999\"");
  world.check_refused(
      plan("--micro-batches", "0"),
      "cadastre plan: --micro-batches: expected a whole number from 1 to 1048576, found \"0\"");
  world.check_refused(
      plan("--micro-batches", "13"),
      "--micro-batches: expected a divisor of the 12 batch-norm groups in a batch, found 13");
  world.check_refused(
      plan("--strategy", "pipline"),
      "--strategy: expected auto, single, data-parallel, parameter-averaging, branch, "
      "fusion-apart, hybrid, pipeline, equal-compute, pipedream or greedy, found \"pipline\", did you mean "
      "\"pipeline\"?");
  world.check_refused(
      {"run", "--plan", "plan.json", "--data", "scene", "--epochs", "0", "-o", "out"},
      "cadastre run: --epochs: expected a whole number from 1 to 1000000, found \"0\"");
  world.check_refused(
      {"run", "--plan", "plan.json", "--data", "scene", "--learning-rate", "nan", "-o", "out"},
      "cadastre run: --learning-rate: expected a number from 1e-09 to 100, found \"nan\"");
  world.check_refused(
      {"run", "--plan", "plan.json", "--data", "scene", "--learning-rate", "0", "-o", "out"},
      "cadastre run: --learning-rate: expected a number from 1e-09 to 100, found \"0\"");
  world.check_refused({"run", "--plan", "plan.json", "--data", "scene", "--optimizer", "adam",
                       "-o", "out"},
                      "--optimizer: expected sgd or adamw, found \"adam\", did you mean "
                      "\"adamw\"?");
  world.check_refused({"run", "--plan", "plan.json", "--data", "scene", "--epochs", "2", "--steps",
                       "5", "-o", "out"},
                      "--epochs: expected no such option together with --steps");
  world.check_refused(
      {"profile", "model.json", "--batch-sizes", "0", "-o", "out.json"},
      "cadastre profile: --batch-sizes: expected a whole number from 1 to 65536, found \"0\"");
  world.check_refused(
      {"synthesize", "--size-m", "64", "-o", "out"},
      "cadastre synthesize: --size-m: expected a whole number from 128 to 4096, found \"64\"");
  world.check_refused({"probe", "--local", "0", "-o", "out.json"},
                      "cadastre probe: --local: expected a whole number from 1 to 64, found \"0\"");
}

TEST_CASE("an output that cannot be written is refused and leaves nothing", "[executor]") {
  const WorldDirectory world;
  // A file where a directory should be: so even for root, whom permissions do not stop.
  world.check_refused(
      {"run", "--plan", "plan.json", "--data", "scene", "--max-steps", "1", "--quiet", "-o",
       "model.json/run"},
      "model.json/run: expected a directory that can be written, found: Not a directory");
  world.check_refused(
      {"run", "--plan", "plan.json", "--data", "scene", "--max-steps", "1", "--quiet", "-o",
       "model.json"},
      "model.json: expected a directory that can be written, found: Not a directory");
  world.check_refused({"plan", "--profile", "profile.json", "--cluster", "cluster.json",
                       "--batch-size", "48", "--quiet", "-o", "model.json/plan.json"},
                      "model.json/plan.json: cannot be written: Not a directory", 1);
  world.check_refused({"plan", "--profile", "profile.json", "--cluster", "cluster.json",
                       "--batch-size", "48", "--quiet", "-o", "scene"},
                      "scene: cannot be written: Is a directory", 1);
  world.check_refused(
      {"profile", "model.json", "--batch-sizes", "4", "--quiet", "-o", "model.json/profile.json"},
      "model.json/profile.json: cannot be written: Not a directory", 1);
  world.check_refused({"simulate", "--plan", "plan.json", "--quiet", "-o", "model.json/x.json"},
                      "model.json/x.json: cannot be written: Not a directory", 1);
  world.check_refused({"synthesize", "--size-m", "128", "--quiet", "-o", "model.json/scene"},
                      "model.json/scene/hyperspectral.tif: cannot be written: Not a directory", 1);
  world.check_refused({"report", "plan.json", "-o", "model.json/report.html"},
                      "model.json/report.html: cannot be written: Not a directory", 1);
}

}  // namespace
}  // namespace cadastre
