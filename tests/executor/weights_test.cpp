#include "executor/weights.h"

#include <torch/torch.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "planner/files.h"
#include "tests/executor/small_networks.h"
#include "tests/support/catch.h"
#include "tests/support/documents.h"
#include "tests/support/temporary_directory.h"

using namespace cadastre;

namespace {

/// A trained-looking network: running statistics that are not the initial ones.
StageNetwork some_network(std::uint64_t seed) {
  const ModelGraph model = small::every_kind();
  StageNetwork network = whole_network(model, seed);
  static_cast<void>(network.forward(small::random_inputs(model, 8), {.samples = {0, 8}}));
  network.update_running_statistics();
  return network;
}

}  // namespace

TEST_CASE("weights are the same after writing and reading", "[executor]") {
  const TemporaryDirectory directory;
  const std::filesystem::path file = directory.path() / "new" / "weights.pt";
  const StageNetwork network = some_network(1);
  const Weights written = stage_weights(network);
  REQUIRE(written.size() == 11 + 4);
  write_weights(file, written);
  StageNetwork other = whole_network(small::every_kind(), 2);
  set_weights(other, read_weights(file), file);
  const Weights read = stage_weights(other);
  REQUIRE(read.size() == written.size());
  for (const auto& [name, tensor] : written) {
    INFO(name);
    CHECK(torch::equal(read.at(name), tensor));
  }
}

TEST_CASE("the parts of several stages make the whole", "[executor]") {
  const ModelGraph model = small::every_kind();
  const StageNetwork first(model, {0, 1, 2, 3, 4, 5, 6}, 1);
  const StageNetwork second(model, {7, 8, 9, 10, 11, 12, 13, 14}, 1);
  const Weights merged = merge_weights({stage_weights(first), stage_weights(second)});
  const Weights whole = stage_weights(whole_network(model, 1));
  REQUIRE(merged.size() == whole.size());
  for (const auto& [name, tensor] : whole) CHECK(torch::equal(merged.at(name), tensor));
  CHECK_THROWS_WITH(merge_weights({stage_weights(first), stage_weights(first)}),
                    "two stages hold the parameter a.conv1.bias");
}

TEST_CASE("weight files that do not fit are refused", "[executor]") {
  const TemporaryDirectory directory;
  const std::filesystem::path file = directory.path() / "weights.pt";
  const StageNetwork network = some_network(1);
  write_weights(file, stage_weights(network));
  const std::string content = read_file(file);
  const std::string name = file.string();
  const auto read = [&] { static_cast<void>(read_weights(file)); };

  write_file(file, content.substr(0, content.size() / 2));
  CHECK(documents::refusal(read) ==
        name + ": expected weights as PyTorch saves them, found a damaged or other file");
  write_file(file, "");
  CHECK(documents::refusal(read) ==
        name + ": expected weights as PyTorch saves them, found an empty file");
  std::filesystem::remove(file);
  CHECK(documents::refusal(read).starts_with(name + ": "));

  StageNetwork target = whole_network(small::every_kind(), 2);
  const Weights before = stage_weights(target);
  const auto set = [&](const Weights& weights) {
    return documents::refusal([&] { set_weights(target, weights, file); });
  };
  Weights weights = stage_weights(network);
  weights.erase("b.norm.running_var");
  CHECK(set(weights) == name + ": expected a tensor \"b.norm.running_var\", found none");
  weights = stage_weights(network);
  weights["head.weight"] = torch::zeros({5, 7});
  CHECK(set(weights) == name + ": expected \"head.weight\" with shape [5, 112], found [5, 7]");
  for (const auto& [key, tensor] : stage_weights(target))
    CHECK(torch::equal(tensor, before.at(key)));
}

TEST_CASE("Python's torch.load opens the weights", "[executor]") {
  if (std::system("python3 -c 'import torch' >/dev/null 2>&1") != 0) {
    WARN("skipped: python3 has no torch");
    return;
  }
  const TemporaryDirectory directory;
  const std::filesystem::path file = directory.path() / "weights.pt";
  const StageNetwork network = some_network(1);
  write_weights(file, stage_weights(network));
  const std::string sum = std::to_string(network.parameters()[0].tensor.sum().item<double>());
  const std::string command = "python3 -c \"import torch; w = torch.load('" + file.string() +
                              "', weights_only=True); assert len(w) == 15; assert "
                              "tuple(w['head.weight'].shape) == (5, 112); assert "
                              "abs(float(w['" +
                              network.parameters()[0].name + "'].sum()) - " + sum + ") < 1e-4\"";
  CHECK(std::system(command.c_str()) == 0);
}
