#include "executor/parts_of_network.h"

#include "tests/executor/small_networks.h"
#include "tests/support/catch.h"

using namespace cadastre;

TEST_CASE("half of a network's bytes is found, of parameters and of what samples keep",
          "[executor]") {
  std::vector<LayerProfile> layers(4);
  layers[0].saved_bytes_per_sample = 100;
  layers[1].saved_bytes_per_sample = 10;
  layers[2].parameter_bytes = 900;
  layers[3].parameter_bytes = 100;
  CHECK(half_of_layers(layers, 1) == 2);
  CHECK(half_of_layers(layers, 16) == 1);
  CHECK(half_of_layers({LayerProfile{}, LayerProfile{}}, 16) == 1);
}

TEST_CASE("the halves of a network take steps of their own", "[executor]") {
  const ModelGraph model = small::every_kind();
  StageNetwork whole = whole_network(model, 1);
  const at::Tensor before = whole.flat_parameters().clone();
  std::vector<LayerProfile> layers;
  for (std::size_t i = 0; i < model.layers.size(); ++i)
    layers.push_back({.layer = model.layers[i].id,
                      .measurements = {{.batch_size = 4, .forward_s = 1, .backward_s = 2}},
                      .saved_bytes_per_sample = 100,
                      .parameter_bytes = parameter_bytes(model, model.layers[i])});
  int num_updates = 0;
  const PartTrial trial{.batch_size = 4, .num_micro_batches = 2, .repeats = 2};
  const std::vector<std::vector<PartOfNetwork>> times = time_parts(
      model, whole, [&] { ++num_updates; }, small::random_inputs(model, 4),
      {.samples = {.begin = 0, .end = 4}}, layers, trial);
  // Two a step, of three steps.
  CHECK(num_updates == 6);
  CHECK(at::equal(whole.flat_parameters(), before));
  REQUIRE(times.size() == 2);
  const std::size_t middle = half_of_layers(layers, 4);
  for (const std::vector<PartOfNetwork>& parts : times) {
    REQUIRE(parts.size() == 2);
    CHECK_THAT(parts[0].share + parts[1].share, WithinRel(1, 1e-12));
    CHECK_THAT(parts[0].within.forward_s * static_cast<double>(model.layers.size() - middle),
               WithinRel(parts[1].within.forward_s * static_cast<double>(middle), 1e-9));
    for (const PartOfNetwork& part : parts) {
      CHECK(part.alone.forward_s > 0);
      CHECK(part.alone.backward_s > 0);
      CHECK(part.alone.update_s > 0);
    }
  }
}
