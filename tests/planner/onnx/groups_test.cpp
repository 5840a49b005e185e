#include "planner/onnx/groups.h"

#include <set>

#include "planner/onnx/module_path.h"
#include "tests/support/catch.h"

using namespace cadastre::onnx_import;

namespace {

using Groups = std::vector<std::vector<int>>;

GroupedNode reads(std::vector<int> inputs, std::string module = "") {
  return {.inputs = std::move(inputs), .module = std::move(module)};
}

GroupedNode cheap(std::vector<int> inputs) {
  return {.inputs = std::move(inputs), .is_cheap = true};
}

GroupedNode view(std::vector<int> inputs) { return {.inputs = std::move(inputs), .is_view = true}; }

}  // namespace

TEST_CASE("cheap nodes join what they alone read", "[planner][onnx]") {
  // conv -> relu -> conv -> add with the relu's
  CHECK(group_nodes({reads({}), cheap({0}), reads({1}), cheap({1, 2})}, {}) ==
        Groups{{0, 1}, {2}, {3}});
  // Both read node 0: were one joined to it, its layer would give two tensors.
  CHECK(group_nodes({reads({}), cheap({0}), cheap({0}), reads({1, 2})}, {}) ==
        Groups{{0}, {1}, {2}, {3}});
  // A view gives no tensor of its own.
  CHECK(group_nodes({reads({}), view({0}), reads({0}), reads({1, 2})}, {}) ==
        Groups{{0, 1}, {2}, {3}});
}

TEST_CASE("what shares a weight is one layer, with all that lies between", "[planner][onnx]") {
  CHECK(group_nodes({reads({}), reads({0}), reads({1}), reads({0}), reads({2, 3})}, {{0, 2}}) ==
        Groups{{0, 1, 2}, {3}, {4}});
  // Sets that meet are one.
  CHECK(group_nodes({reads({}), reads({0}), reads({1}), reads({2})}, {{0, 2}, {1, 3}}) ==
        Groups{{0, 1, 2, 3}});
}

TEST_CASE("a module without modules is a layer unless others lie between", "[planner][onnx]") {
  CHECK(group_nodes({reads({}, "norm"), reads({0}, "norm"), reads({1}, "head")}, {}) ==
        Groups{{0, 1}, {2}});
  CHECK(group_nodes({reads({}, "norm"), reads({0}, "other"), reads({1}, "norm")}, {}) ==
        Groups{{0}, {1}, {2}});
  // A module that holds another is not.
  CHECK(group_nodes({reads({}, "block"), reads({0}, "block"), reads({1}, "block.conv")}, {}) ==
        Groups{{0}, {1}, {2}});
}

TEST_CASE("groups never read each other in a circle, whatever the graph",
          "[planner][onnx][property]") {
  std::uint32_t state = 7;
  const auto draw = [&](std::uint32_t below) {
    state = state * 1664525u + 1013904223u;
    return (state >> 8) % below;
  };
  for (int round = 0; round < 300; ++round) {
    const std::uint32_t size = 2 + draw(14);
    std::vector<GroupedNode> nodes;
    for (std::uint32_t i = 0; i < size; ++i) {
      GroupedNode node{.is_view = draw(6) == 0,
                       .is_cheap = draw(2) == 0,
                       .module = draw(3) == 0 ? "m" + std::to_string(draw(3)) : ""};
      for (std::uint32_t k = 0; i > 0 && k < 1 + draw(2); ++k)
        node.inputs.push_back(static_cast<int>(draw(i)));
      nodes.push_back(node);
    }
    std::vector<std::vector<int>> together;
    if (draw(2) == 0) together = {{static_cast<int>(draw(size)), static_cast<int>(draw(size))}};
    const Groups groups = group_nodes(nodes, together);
    // Every node once, and after all that it reads.
    std::set<int> seen;
    for (const std::vector<int>& group : groups) {
      seen.insert(group.begin(), group.end());
      for (const int node : group)
        for (const int input : nodes[static_cast<std::size_t>(node)].inputs)
          REQUIRE(seen.contains(input));
    }
    REQUIRE(seen.size() == size);
    for (const std::vector<int>& set : together)
      for (const std::vector<int>& group : groups)
        REQUIRE(std::count(group.begin(), group.end(), set[0]) ==
                std::count(group.begin(), group.end(), set[1]));
  }
}

TEST_CASE("a node's name tells its module", "[planner][onnx]") {
  CHECK(module_path("/layer1/layer1.0/conv1/Conv") == "layer1.0.conv1");
  CHECK(module_path("/features/features.0/features.0.1/Clip") == "features.0.1");
  CHECK(module_path("/Add") == "");
  CHECK(module_path("Conv_0") == "");
}
