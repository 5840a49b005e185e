// A network that scores every pixel of a patch, from a scene to its map.
#include "tests/command_line/world_directory.h"

namespace cadastre {
namespace {

using test::Finished;
using test::RunningProgram;
using test::WorldDirectory;

/// A world whose steps must succeed; each may take minutes on a busy machine.
class Steps : public WorldDirectory {
 public:
  void take(const std::vector<std::string>& arguments) const {
    const Finished finished = RunningProgram(path(""), arguments).wait(std::chrono::seconds(300));
    INFO(arguments.front() << ": " << finished.err);
    REQUIRE(finished.status == 0);
  }
};

TEST_CASE("a dense model is made, trained and mapped with, far better than chance", "[executor]") {
  const Steps world;
  world.take({"synthesize", "--size-m", "128", "--quiet", "-o", "land"});
  world.take({"model",  "--data",  "land",      "--only",        "hyperspectral",
              "--only", "lidar",   "--target",  "dense",         "--patch",
              "16",     "--set",   "width=8",   "--set",         "fused_width=12",
              "--set",  "depth=1", "--set",     "fused_depth=2", "--batch-norm-group-samples",
              "4",      "-o",      "dense.json"});
  world.take({"profile", "dense.json", "--data", "land", "--batch-sizes", "4", "--quiet", "-o",
              "dense-profile.json"});
  world.take({"plan", "--profile", "dense-profile.json", "--cluster", "cluster.json", "--strategy",
              "single", "--batch-size", "8", "--quiet", "-o", "dense-plan.json"});
  world.take({"run", "--plan", "dense-plan.json", "--data", "land", "--steps", "80", "--quiet",
              "-o", "run"});
  world.take({"predict", "--run", "run", "--quiet", "-o", "map.tif"});

  // Of eight classes the commonest is a fifth of the test pixels.
  const nlohmann::json accuracy = world.read("map.json").at("accuracy");
  const auto overall = accuracy.at("overall_accuracy").get<double>();
  CHECK(overall > 0.4);
  CHECK(accuracy.at("kappa").get<double>() > 0.25);
  // By patches around test pixels, and by tiles of the whole scene: the same network sees nearly
  // the same, mirrored borders apart.
  const auto of_run = world.read("run/run.json").at("metrics").at("overall_accuracy").get<double>();
  CHECK(overall == Approx(of_run).margin(0.03));
}

}  // namespace
}  // namespace cadastre
