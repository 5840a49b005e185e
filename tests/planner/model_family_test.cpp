#include "planner/model_family/model_family.h"

#include <algorithm>

#include "tests/support/catch.h"
#include "tests/support/documents.h"

using namespace cadastre;
using documents::refusal_of;
using documents::with;
using documents::without;
using nlohmann::json;

namespace {

/// Two modalities, the second of 2 × 2 pixels per reference pixel.
json document(const std::string& name) {
  return {{"format", "cadastre-model/1"},
          {"name", "made"},
          {"inputs",
           {{{"name", "optical"}, {"shape", {4, 9, 9}}}, {{"name", "lidar"}, {"shape", {2, 18, 18}}}}},
          {"family", {{"name", name}, {"num_classes", 5}, {"patch", 9}}},
          {"batch_norm_group_samples", 4}};
}

ModelGraph made(const json& from) {
  return model_from_json(JsonPlace(from, "model.json", ""));
}

std::string refused(const json& from) { return refusal_of(from, model_from_json); }

std::int64_t num_layers(const ModelGraph& model, const std::string& prefix) {
  return std::count_if(model.layers.begin(), model.layers.end(),
                       [&](const Layer& layer) { return layer.id.starts_with(prefix); });
}

}  // namespace

TEST_CASE("every member of a family scores the classes it is asked for", "[planner]") {
  for (const char* name : {"paper", "residual"})
    for (const char* fusion : {"early", "middle", "late"}) {
      INFO(name << ", " << fusion);
      const ModelGraph model = made(with(document(name), "/family/fusion", fusion));
      CHECK(score_shape(model) == Shape{5});
      CHECK(model.batch_norm_group_samples == 4);
      // It is written as layers, and those are the same model.
      const json written = to_json(model);
      CHECK_FALSE(written.contains("family"));
      CHECK(made(written) == model);
    }
}

TEST_CASE("modalities have layers of their own up to where they meet", "[planner]") {
  for (const char* name : {"paper", "residual"}) {
    INFO(name);
    const auto of_lidar = [&](const char* fusion) {
      return num_layers(made(with(document(name), "/family/fusion", fusion)), "lidar.");
    };
    CHECK(of_lidar("early") < of_lidar("middle"));
    CHECK(of_lidar("middle") < of_lidar("late"));
  }
}

TEST_CASE("a dense member scores every pixel of the reference grid", "[planner]") {
  for (const char* fusion : {"early", "middle", "late"}) {
    INFO(fusion);
    json dense = with(document("residual"), "/family/target", "dense");
    dense["family"]["fusion"] = fusion;
    dense["family"]["fused_depth"] = 3;
    const ModelGraph model = made(dense);
    CHECK(score_shape(model) == Shape{5, 9, 9});
    std::int64_t most_dilation = 0;
    for (const Layer& layer : model.layers)
      if (const auto* conv = std::get_if<Conv2d>(&layer.operation))
        most_dilation = std::max(most_dilation, conv->dilation);
    CHECK(most_dilation == 4);  // 1, 2, 4
  }
  CHECK(refused(with(document("paper"), "/family/target", "dense")) ==
        "/family/target: expected \"pixel\" for the family \"paper\", which has fully connected "
        "layers, found \"dense\"; the family \"residual\" has dense members");
}

TEST_CASE("a single modality and a patch of one pixel are enough", "[planner]") {
  for (const char* name : {"paper", "residual"})
    for (const char* fusion : {"early", "middle", "late"}) {
      INFO(name << ", " << fusion);
      json alone = document(name);
      alone["inputs"] = {{{"name", "optical"}, {"shape", {4, 1, 1}}}};
      alone["family"]["patch"] = 1;
      alone["family"]["fusion"] = fusion;
      CHECK(score_shape(made(alone)) == Shape{5});
    }
}

TEST_CASE("a modality's width is its own where it is given", "[planner]") {
  const ModelGraph model = made(with(document("residual"), "/family/widths", {{"lidar", 7}}));
  const auto width = [&](const char* id) {
    return model.layers.at(static_cast<std::size_t>(layer_index(model, id))).output_shape.front();
  };
  CHECK(width("lidar.embed.conv") == 7);
  CHECK(width("optical.embed.conv") == ModelFamily{}.width);
  CHECK(refused(with(document("residual"), "/family/widths", {{"lidr", 7}})) ==
        "/family/widths/lidr: expected an input of the model, found none of that name, did you "
        "mean \"lidar\"?");
}

TEST_CASE("what is no family is refused by name", "[planner]") {
  CHECK(refused(with(document("resnet"), "/family/patch", 9)) ==
        "/family/name: expected one of paper or residual, found \"resnet\"");
  CHECK(refused(with(document("paper"), "/family/fusion", "none")) ==
        "/family/fusion: expected one of early, middle or late, found \"none\"");
  CHECK(refused(with(document("paper"), "/family/patch", 4)) ==
        "/family/patch: expected the side of every input in pixels of the reference grid, of which "
        "\"optical\" has a whole number of parts, found 4");
  CHECK(refused(with(document("paper"), "/family/num_classes", 1)) ==
        "/family/num_classes: expected an integer from 2 to 65536, found 1");
  CHECK(refused(without(document("paper"), "/family/patch")) ==
        "/family: expected the key \"patch\", found none");
  CHECK(refused(with(document("paper"), "/layers", json::array())) ==
        "/: expected \"layers\", or a \"family\" that gives them, found both");
}

TEST_CASE("a family's parameters come back as they were written", "[planner]") {
  const ModelFamily family{.name = ModelFamily::Name::kPaper,
                           .fusion = Fusion::kLate,
                           .num_classes = 7,
                           .patch = 11,
                           .width = 3,
                           .fused_width = 5,
                           .depth = 2,
                           .fused_depth = 4,
                           .dropout = 0.25,
                           .widths = {{"sar", 9}}};
  const json written = to_json(family);
  CHECK(family_from_json(JsonPlace(written, "model.json", "")) == family);
}
