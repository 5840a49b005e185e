// Networks that people have (tests/torchscript/models.py). With CADASTRE_ZOO, a folder of archives
// that models.py made, those there and a line for each; else a few small ones.
#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "tests/executor/torchscript/archives.h"
#include "tests/support/catch.h"

namespace cadastre {
namespace {

namespace fs = std::filesystem;
using archives::Arithmetic;
using archives::Step;

constexpr double kTolerance = 1e-5;
constexpr int kNumCuts = 20;

fs::path zoo() {
  if (const char* folder = std::getenv("CADASTRE_ZOO"); folder != nullptr) return folder;
  return archives::zoo_folder();
}

/// A traced module has its mode in its code: the scripted one tells what training gives.
fs::path trained_module(const fs::path& folder, const std::string& name) {
  const fs::path scripted = folder / (name.substr(0, name.find('.')) + ".script.pt");
  return fs::exists(scripted) ? scripted : folder / (name + ".pt");
}

double loss_difference(const Step& a, const Step& b) { return std::abs(a.loss - b.loss) / b.loss; }

TEST_CASE("networks that people have give the module's loss and gradients, cut at twenty places",
          "[executor][torchscript][property]") {
  const fs::path folder = zoo();
  if (folder.empty()) return;
  const bool tells = std::getenv("CADASTRE_ZOO") != nullptr;
  if (tells)
    // gradient: layers and module in float32; double: both in double precision; reversed: the
    // module from itself; ours, module's: in float32 from the module in double precision.
    std::printf("%-26s %6s  %8s %8s %8s  %8s  %8s %8s %8s\n", "largest differences of", "layers",
                "loss", "gradient", "cuts", "double", "reversed", "ours", "module's");
  for (const std::string& name : archives::names(folder)) {
    INFO(name);
    const ImportedModel imported = archives::imported(folder, name);
    const fs::path module = trained_module(folder, name);
    const Step expected = archives::step_of_module(module, imported.model);
    std::vector<int> all;
    for (std::size_t i = 0; i < imported.model.layers.size(); ++i)
      all.push_back(static_cast<int>(i));
    const Step whole = archives::divided_step(imported, {all}, archives::kNumSamples);
    const double loss = loss_difference(whole, expected);
    const double gradient = archives::largest_difference(whole.gradients, expected.gradients);
    CHECK(loss < kTolerance);

    double cuts = 0;
    for (int cut = 0; cut < kNumCuts; ++cut) {
      const auto stages =
          archives::random_stages(imported.model, 2 + cut % 3, static_cast<std::uint64_t>(cut));
      const Step divided = archives::divided_step(imported, stages, archives::kNumSamples);
      cuts = std::max({cuts, loss_difference(divided, whole),
                       archives::largest_difference(divided.gradients, whole.gradients),
                       archives::largest_difference(divided.buffers, whole.buffers)});
    }
    CHECK(cuts < kTolerance);

    // Deep networks magnify roundings, and where one turns the sign of an activation next to zero,
    // or another pixel of a pool becomes the greatest, gradients jump: of the module as well. In
    // double precision the layers' are the module's.
    const Step exact = archives::step_of_module(module, imported.model, Arithmetic::kDouble);
    const Step layers = archives::double_step(imported);
    const double in_double = archives::largest_difference(layers.gradients, exact.gradients);
    CHECK(loss_difference(layers, exact) < kTolerance);
    CHECK(in_double < kTolerance);
    if (!tells) continue;
    const Step reversed = archives::step_of_module(module, imported.model, Arithmetic::kReversed);
    std::printf("%-26s %6zu  %8.1e %8.1e %8.1e  %8.1e  %8.1e %8.1e %8.1e\n", name.c_str(),
                all.size(), loss, gradient, cuts, in_double,
                archives::largest_difference(reversed.gradients, expected.gradients),
                archives::largest_difference(whole.gradients, exact.gradients),
                archives::largest_difference(expected.gradients, exact.gradients));
    std::fflush(stdout);
  }
}

}  // namespace
}  // namespace cadastre
