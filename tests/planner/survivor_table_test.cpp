// Which losses there are, and what `cadastre plan --survivors` says of them.

#include "planner/survivor_table.h"

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "planner/files.h"
#include "planner/json_reader.h"
#include "tests/command_line/program.h"
#include "tests/support/catch.h"
#include "tests/support/documents.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/worlds.h"

namespace cadastre {

TEST_CASE("losses are each host, then each pair", "[planner]") {
  const Cluster three = worlds::hosts({1, 1, 1});
  using Losses = std::vector<std::vector<std::string>>;
  CHECK(losses(three, 1) == Losses{{"node1"}, {"node2"}, {"node3"}});
  CHECK(losses(three, 2) == Losses{{"node1"},
                                   {"node2"},
                                   {"node3"},
                                   {"node1", "node2"},
                                   {"node1", "node3"},
                                   {"node2", "node3"}});
  CHECK(documents::refusal([&] { static_cast<void>(losses(three, 3)); }) ==
        "--survivors: expected fewer lost hosts than the cluster has (3), found 3");
  const Cluster many = worlds::hosts(std::vector<double>(50, 1));
  CHECK(losses(many, 1).size() == 50);
  CHECK(documents::refusal([&] {
          static_cast<void>(losses(many, 2));
        }).starts_with("--survivors: expected 1000 losses at most, "));
}

TEST_CASE("`plan --survivors` says what follows, and refuses where nothing may", "[planner]") {
  const TemporaryDirectory directory;
  Cluster cluster = worlds::hosts({1, 0.5, 0.5});
  const auto write = [&] {
    write_file(directory.path() / "cluster.json", json_text(to_json(cluster)));
  };
  write_file(directory.path() / "profile.json", json_text(to_json(worlds::chain({0.01, 0.02}))));
  const auto plan = [&](std::vector<std::string> more) {
    std::vector<std::string> words = {
        "plan",         "--profile", "profile.json", "--cluster", "cluster.json",
        "--batch-size", "8",         "--quiet",      "-o",        "plan.json"};
    words.insert(words.end(), more.begin(), more.end());
    return test::run_program(directory.path(), words);
  };
  // Only node1 has memory for anything: its loss is the end, of the others nothing follows.
  for (std::size_t h : {1, 2}) cluster.hosts[h].memory_bytes = 1000;
  write();
  const test::Finished refused = plan({"--survivors", "1", "--require-survivors"});
  CHECK(refused.status == 2);
  CHECK(
      refused.err.starts_with("error: cluster.json: expected a cluster on which a plan follows "
                              "every loss, found none: without node1 no plan was found"));
  CHECK(refused.err.find("without node2") == std::string::npos);
  CHECK_FALSE(std::filesystem::exists(directory.path() / "plan.json"));

  const test::Finished told = plan({"--survivors", "1", "--json"});
  INFO(told.err);
  REQUIRE(told.status == 0);
  const nlohmann::json survivors = parse_json(told.out, "answer").at("survivors");
  REQUIRE(survivors.size() == 3);
  CHECK(survivors[0].at("lost") == nlohmann::json{"node1"});
  CHECK(survivors[0].at("fits") == false);
  CHECK(survivors[1].at("fits") == true);
  CHECK_THAT(survivors[1].at("slowdown").get<double>(), WithinRel(1.0, 1e-9));
  CHECK(std::filesystem::exists(directory.path() / "plan.json"));

  const test::Finished alone = plan({"--require-survivors"});
  CHECK(alone.status == 2);
  CHECK(alone.err ==
        "error: --require-survivors: expected --survivors K beside it, which says how "
        "many hosts may be lost\n");
  CHECK(plan({"--survivors", "3"}).status == 2);
  CHECK(plan({"--survivors", "0"}).status == 2);
}

}  // namespace cadastre
