// A model that Python saved: from its archive to a map, and back to Python.
#include <cstdlib>

#include "tests/command_line/world_directory.h"
#include "tests/support/directories.h"

namespace cadastre {
namespace {

namespace fs = std::filesystem;
using test::Finished;
using test::RunningProgram;
using test::WorldDirectory;

class PytorchWorld : public WorldDirectory {
 public:
  PytorchWorld() {
    for (const char* candidate : {"python3", "/usr/bin/python3"})
      if (python_.empty() &&
          std::system((std::string(candidate) + " -c 'import torch' 2>/dev/null").c_str()) == 0)
        python_ = candidate;
    if (python_.empty()) {
      WARN("skipped: no Python here has PyTorch (python3-torch)");
      return;
    }
    const fs::path models = source_directory() / "tests/executor/torchscript/small_models.py";
    REQUIRE(std::system((python_ + " -B '" + models.string() + "' '" + path("saved").string() +
                         "' sensors 2>/dev/null")
                            .c_str()) == 0);
    for (const char* kind : {"script", "trace"})
      fs::copy_file(path("saved") / ("sensors." + std::string(kind) + ".pt"),
                    path(std::string(kind) + ".pt"));
  }

  [[nodiscard]] bool is_there() const { return !python_.empty(); }

  Finished take(const std::vector<std::string>& arguments) const {
    Finished finished = RunningProgram(path(""), arguments).wait(std::chrono::seconds(300));
    INFO(arguments.front() << ": " << finished.err);
    REQUIRE(finished.status == 0);
    return finished;
  }

  /// In the world's directory, with torch imported.
  [[nodiscard]] bool holds_in_python(const std::string& program) const {
    write_file(path("check.py"), "import torch\n" + program);
    return std::system(("cd '" + path("").string() + "' && " + python_ + " -B check.py").c_str()) ==
           0;
  }

 private:
  std::string python_;
};

TEST_CASE("a model that PyTorch saved is planned, trained, mapped with and saved for PyTorch",
          "[executor][torchscript]") {
  const PytorchWorld world;
  if (!world.is_there()) return;
  world.take({"profile", "script.pt", "--input-shape", "image=2,5,5", "--input-shape",
              "height=1,10,10", "--batch-sizes", "4,8", "--quiet", "-o", "pytorch-profile.json"});
  for (const char* strategy : {"single", "branch", "pipeline"}) {
    const std::string name = strategy;
    world.take({"plan", "--profile", "pytorch-profile.json", "--cluster", "cluster.json",
                "--strategy", name, "--batch-size", "24", "--quiet", "-o", name + ".json"});
    world.take({"run", "--plan", name + ".json", "--model", "script.pt", "--data", "scene",
                "--steps", "20", "--local", "--quiet", "-o", name});
  }
  CHECK(world.read("pipeline/run.json").at("stages").size() > 1);
  CHECK(world.holds_in_python(
      "runs = [torch.load(f'{name}/weights.pt') for name in "
      "('single', 'branch', 'pipeline')]\n"
      "for other in runs[1:]:\n"
      "    assert other.keys() == runs[0].keys()\n"
      "    for key, value in other.items():\n"
      "        assert torch.allclose(value, runs[0][key], 1e-4, 1e-5), key\n"));
  world.take({"predict", "--run", "pipeline", "--quiet", "-o", "map.tif"});
  CHECK(world.read("map.json").at("accuracy").at("overall_accuracy").get<double>() > 0.5);

  world.take({"export", "pytorch", "pipeline", "--model", "script.pt", "-o", "trained.pt"});
  CHECK(world.holds_in_python(
      "before = torch.jit.load('script.pt').state_dict()\n"
      "trained = torch.jit.load('trained.pt')\n"
      "weights = torch.load('pipeline/weights.pt')\n"
      "state = trained.state_dict()\n"
      "assert all(torch.equal(state[key], value) for key, value in weights.items())\n"
      "assert not torch.equal(state['scores.weight'], before['scores.weight'])\n"
      "assert state['image.1.num_batches_tracked'].item() == 20\n"
      "import sys\n"
      "sys.path.insert(0, '" +
      (source_directory() / "tests/executor/torchscript").string() +
      "')\n"
      "from small_models import Sensors\n"
      "plain = Sensors()\n"
      "plain.load_state_dict(weights, strict=False)\n"
      "inputs = torch.randn(3, 2, 5, 5), torch.randn(3, 1, 10, 10)\n"
      "assert torch.allclose(plain.eval()(*inputs), trained.eval()(*inputs), 1e-5, 1e-6)\n"));
}

TEST_CASE("a run of an imported model is refused without its weights, or with another's",
          "[executor][torchscript]") {
  const PytorchWorld world;
  if (!world.is_there()) return;
  world.take({"profile", "trace.pt", "--input-shape", "2,5,5", "--input-shape", "1,10,10",
              "--batch-sizes", "4", "--quiet", "-o", "pytorch-profile.json"});
  world.take({"plan", "--profile", "pytorch-profile.json", "--cluster", "cluster.json",
              "--strategy", "single", "--batch-size", "8", "--quiet", "-o", "single.json"});
  world.check_refused({"run", "--plan", "single.json", "--data", "scene", "--steps", "2", "--local",
                       "--quiet", "-o", "run"},
                      "expected --model with the file that trace was imported from, whose weights "
                      "training begins with, or --random-weights, found none");
  world.check_refused({"run", "--plan", "single.json", "--model", "model.json", "--data", "scene",
                       "--steps", "2", "--local", "--quiet", "-o", "run"},
                      "model.json: expected the model that the plan was made for (trace, …");
  world.check_refused({"profile", "model.json", "--input-shape", "2,5,5", "-o", "p.json"},
                      "--input-shape: expected a model that PyTorch saved, found the document "
                      "model.json, which has the shapes of its inputs");
  world.check_refused({"profile", "trace.pt", "--input-shape", "2,x,5", "-o", "p.json"},
                      "--input-shape: expected [NAME=]C,H,W of whole numbers from 1, found "
                      "\"2,x,5\"");
  world.check_refused({"profile", "trace.pt", "-o", "p.json"},
                      "trace.pt: expected 2 input shapes, for image, height, found 0; give "
                      "--input-shape [NAME=]C,H,W for each");
}

}  // namespace
}  // namespace cadastre
