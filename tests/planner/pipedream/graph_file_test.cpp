#include "planner/pipedream/graph_file.h"

#include "tests/planner/pipedream/published.h"
#include "tests/support/catch.h"
#include "tests/support/documents.h"

using namespace cadastre;
using namespace cadastre::pipedream;

namespace {

std::string node_line(const std::string& id, const std::string& description = "ReLU") {
  std::string line = id;
  line += " -- " + description;
  line += " -- forward_compute_time=1.5, backward_compute_time=2, activation_size=8, ";
  line += "parameter_size=4.000";
  return line;
}

const std::string kNodes = node_line("a", "Input0") + "\n" + node_line("b") + "\n" +
                           node_line("c", "LSTM(2 -- 3)") + " -- stage_id=1\n";
const std::string kSound = kNodes + "\ta -- b\n\tb -- c\n\tb -- c\n";

std::string refused(const std::string& text) {
  return documents::refusal([&] { static_cast<void>(parse_graph_file(text, "graph.txt")); });
}

/// `kSound` with its first `from` replaced.
std::string with(const std::string& from, const std::string& to) {
  std::string text = kSound;
  text.replace(text.find(from), from.size(), to);
  return text;
}

}  // namespace

TEST_CASE("a profile of PipeDream is read", "[planner][pipedream]") {
  const GraphFile graph = parse_graph_file(kSound, "graph.txt");
  REQUIRE(graph.nodes.size() == 3);
  CHECK(graph.nodes[2] == GraphNode{.id = "c",
                                    .description = "LSTM(2 -- 3)",
                                    .forward_s = 1.5e-3,
                                    .backward_s = 2e-3,
                                    .activation_bytes = 8,
                                    .parameter_bytes = 4,
                                    .inputs = {1}});
  CHECK(is_input(graph.nodes[0]));
  CHECK(ignored_nodes(graph) == std::vector<bool>{true, false, false});
  const WeightedGraph weighted = weighted_graph(graph);
  CHECK(weighted.nodes[0].compute_s == 0);
  CHECK(weighted.nodes[1].compute_s == Approx(3.5e-3));

  // Edges may come first, lines may end as on Windows, and what is no source is no input.
  const GraphFile other = parse_graph_file("\tb -- a\r\n\n" + kNodes, "graph.txt");
  CHECK(other.nodes[0].inputs == std::vector<int>{1});
  CHECK_FALSE(is_input(other.nodes[0]));
}

TEST_CASE("several outputs of a node are summed", "[planner][pipedream]") {
  const auto activation = [](const std::string& text) {
    return parse_graph_file(with("activation_size=8", "activation_size=" + text), "g")
        .nodes[0]
        .activation_bytes;
  };
  CHECK(activation("[6291456.0; 131072.0; 131072.0]") == 6553600);
  CHECK(activation("[1]") == 1);
  CHECK(activation("1e3") == 1000);
}

TEST_CASE("a bad profile of PipeDream is refused with its line", "[planner][pipedream]") {
  CHECK(refused("") == "graph.txt: expected a line for each node, found none");
  CHECK(refused(" \n\n") == "graph.txt: expected a line for each node, found none");
  CHECK(refused("{}\n") ==
        "graph.txt: line 1: expected ID -- DESCRIPTION -- forward_compute_time=…, …, found "
        "\"{}\"");
  CHECK(refused(with(" -- ReLU", "")) ==
        "graph.txt: line 2: expected ID -- DESCRIPTION -- forward_compute_time=…, …, found "
        "\"b -- forward_compute_time=1.5, backward_compute_time=2, acti…\"");
  CHECK(refused(with("forward_compute_time=1.5", "forward_compute_time=-1")) ==
        "graph.txt: line 1: expected forward_compute_time to be a number from 0 to 1e+15, found "
        "\"-1\"");
  for (const std::string bad : {"nan", "inf", "1e400", "1e16", "", "0x10", "1 ", "1,5"}) {
    CAPTURE(bad);
    CHECK(refused(with("parameter_size=4.000", "parameter_size=" + bad))
              .starts_with("graph.txt: line 1: expected "));
  }
  CHECK(refused(with("activation_size=8", "activation_size=[8; x]")) ==
        "graph.txt: line 1: expected activation_size to be a number from 0 to 1e+15, found \"x\"");
  CHECK(refused(with("activation_size=8", "activation_size=[8")) ==
        "graph.txt: line 1: expected activation_size to be a number or [NUMBER; NUMBER], found "
        "\"[8\"");
  CHECK(refused(with("activation_size=8", "activation_size=[]")) ==
        "graph.txt: line 1: expected activation_size to be a number from 0 to 1e+15, found \"\"");
  CHECK(refused(with(", activation_size=8", "")) ==
        "graph.txt: line 1: expected activation_size=NUMBER, found none in "
        "\"forward_compute_time=1.5, backward_compute_time=2, parameter…\"");
  CHECK(refused(with("activation_size", "activation_sizes")) ==
        "graph.txt: line 1: expected one of forward_compute_time, backward_compute_time, "
        "activation_size, parameter_size, found \"activation_sizes=8\", did you mean "
        "\"activation_size\"?");
  CHECK(refused(with("activation_size", "parameter_size")) ==
        "graph.txt: line 1: expected parameter_size once, found it again");
  CHECK(refused(with("b -- ReLU", "a -- ReLU")) ==
        "graph.txt: line 2: expected an id used once, found \"a\" again");
  CHECK(refused(with("stage_id=1", "stage_id=x")) ==
        "graph.txt: line 3: expected stage_id to be a whole number from 0, found \"x\"");
  CHECK(refused(with("\ta -- b", "\ta -> b")) ==
        "graph.txt: line 4: expected a tab and ID -- ID, found \"a -> b\"");
  CHECK(refused(kNodes + "\ta -- node12\n") ==
        "graph.txt: line 4: expected the id of a node, found \"node12\"");
  CHECK(refused(kSound + "\tc -- b\n") ==
        "graph.txt: expected an acyclic graph, found the cycle b -> c -> b");
  // What is only behind a cycle is not named.
  CHECK(refused(node_line("z") + "\n" + kSound + "\tc -- b\n\tc -- z\n") ==
        "graph.txt: expected an acyclic graph, found the cycle c -> b -> c");
  CHECK(refused(kSound + "\tb -- b\n") ==
        "graph.txt: expected an acyclic graph, found the cycle b -> b");
  CHECK(refused(with("ReLU", "\xff")).starts_with("graph.txt: line 2: expected text in UTF-8"));
}

TEST_CASE("published profiles are read", "[planner][pipedream]") {
  if (!std::filesystem::exists(published_profile("vgg16"))) {
    WARN("skipped: shared/data beside the source tree has no PipeDream profiles");
    return;
  }
  const auto num_nodes = [](const std::string& name) {
    return read_graph_file(published_profile(name)).nodes.size();
  };
  CHECK(num_nodes("vgg16") == 41);
  CHECK(num_nodes("resnet50") == 177);
  CHECK(num_nodes("gnmt") == 48);
  CHECK(num_nodes("inception_v3") == 326);
}
