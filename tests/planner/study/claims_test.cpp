#include "planner/study/claims.h"

#include <nlohmann/json.hpp>

#include "planner/study/result.h"
#include "planner/study/study.h"
#include "tests/support/catch.h"
#include "tests/support/documents.h"

using namespace cadastre;

namespace {

ComparedArchitecture architecture(const std::string& strategy, double bytes, double utilization,
                                  std::optional<double> accuracy = std::nullopt) {
  return {.strategy = strategy,
          .step_s = 1,
          .traffic_bytes_per_sample = bytes,
          .utilization = utilization,
          .num_hosts = 3,
          .accuracy = accuracy};
}

ComparedSetting setting(const std::string& name, std::vector<ComparedArchitecture> architectures,
                        const std::string& surroundings = "here") {
  return {.name = name,
          .surroundings = surroundings,
          .network = "",
          .is_base = false,
          .architectures = std::move(architectures)};
}

std::vector<std::string> verdicts(const std::vector<ComparedSetting>& settings) {
  std::vector<std::string> found;
  for (const StudyClaim& claim : judged_claims(settings)) found.push_back(claim.verdict);
  return found;
}

}  // namespace

TEST_CASE("how a model is divided matters where traffic or use differ twofold", "[planner]") {
  CHECK(verdicts({setting("a", {architecture("branch", 100, 0.5),
                                architecture("pipeline", 200, 0.5)})})[0] == "holds");
  CHECK(verdicts({setting("a", {architecture("branch", 100, 0.2),
                                architecture("pipeline", 100, 0.4)})})[0] == "holds");
  CHECK(verdicts({setting("a", {architecture("branch", 0, 0), architecture("pipeline", 0, 0)})})[0] ==
        "does not hold");
  const ComparedSetting alike = setting(
      "b", {architecture("branch", 100, 0.5), architecture("pipeline", 199, 0.9)});
  CHECK(verdicts({alike})[0] == "does not hold");
  CHECK(verdicts({alike, setting("a", {architecture("branch", 1, 0.5),
                                       architecture("hybrid", 9, 0.5)})})[0] == "holds in part");
}

TEST_CASE("data parallelism and a single host are no divisions of the model", "[planner]") {
  CHECK(verdicts({setting("a", {architecture("branch", 100, 0.5), architecture("single", 0, 1),
                                architecture("auto", 1, 1),
                                architecture("data-parallel", 900, 0.5)})})[0] == "unknown");
}

TEST_CASE("tuning is judged among settings with the same surroundings", "[planner]") {
  const auto at = [](const std::string& name, double bytes, const std::string& surroundings) {
    return setting(name, {architecture("branch", bytes, 0.5)}, surroundings);
  };
  CHECK(verdicts({at("batch 8", 100, "here"), at("batch 64", 80, "here")})[1] == "holds");
  CHECK(verdicts({at("batch 8", 100, "here"), at("batch 64", 95, "here")})[1] == "does not hold");
  // Another network is no hyper-parameter.
  CHECK(verdicts({at("100Mbps", 100, "slow"), at("1Gbps", 50, "fast")})[1] == "unknown");
}

TEST_CASE("data parallelism is beaten by less traffic and busier hosts together", "[planner]") {
  const ComparedArchitecture data = architecture("data-parallel", 100, 0.5, 0.8);
  const auto against = [&](const ComparedArchitecture& other) {
    return verdicts({setting("a", {data, other})})[2];
  };
  CHECK(against(architecture("branch", 50, 0.6, 0.82)) == "holds");
  // As accurate: synchronous data parallelism computes the same function.
  CHECK(against(architecture("branch", 50, 0.6, 0.8)) == "holds in part");
  CHECK(against(architecture("branch", 50, 0.4, 0.8)) == "does not hold");
  CHECK(against(architecture("branch", 200, 0.6, 0.8)) == "does not hold");
  // Accuracy that nobody measured is no accuracy that is as good.
  CHECK(against(architecture("branch", 50, 0.6)) == "holds in part");
  CHECK(against(architecture("single", 0, 1, 0.9)) == "unknown");
}

TEST_CASE("tuning starts at the study's own setting, and other networks are told apart",
          "[planner]") {
  ComparedSetting base = setting("base", {architecture("branch", 100, 0.5)});
  base.is_base = true;
  const ComparedSetting worse = setting("batch 8", {architecture("branch", 400, 0.5)});
  ComparedSetting narrow = setting("narrow", {architecture("branch", 50, 0.5)});
  narrow.network = "half";
  const StudyClaim claim = judged_claims({worse, base, narrow})[1];
  CHECK(claim.verdict == "holds in part");
  CHECK(claim.evidence ==
        std::vector<std::string>{
            "base: branch, the same network: from 100 B a sample to 400 B at best (batch 8), "
            "300.0 % more",
            "base: branch, with another network: from 100 B a sample to 50 B at best (narrow), "
            "50.0 % less"});
  CHECK(claim.when ==
        std::vector<std::string>{
            "tuning that leaves the network as it is (batch, averaging period) saves a tenth of the "
            "traffic a sample or more: not in the only comparison",
            "another network (width, point of fusion) saves a tenth of the traffic a sample or "
            "more: in the only comparison (branch)"});
}

TEST_CASE("comparisons that come out alike count once, measured and simulated ones apart",
          "[planner]") {
  const std::vector<ComparedArchitecture> alike = {architecture("branch", 50, 0.6),
                                                   architecture("data-parallel", 100, 0.5)};
  const std::vector<ComparedArchitecture> other = {architecture("branch", 50, 0.4),
                                                   architecture("data-parallel", 100, 0.5)};
  const StudyClaim claim =
      judged_claims({setting("a", alike), setting("averages rarely", alike), setting("b", other),
                     setting("m", alike, "measured")})[2];
  CHECK(claim.evidence.size() == 3);
  CHECK(claim.when.front() ==
        "less traffic and busier hosts than data-parallel: in 2 of 3 comparisons, namely: a; m; "
        "not: b");
}

TEST_CASE("evidence tells the figures that it rests on", "[planner]") {
  const std::vector<StudyClaim> claims = judged_claims(
      {setting("measured", {architecture("branch", 1000, 0.5, 0.9), architecture("hybrid", 4000, 0.25),
                            architecture("data-parallel", 2000, 0.4, 0.8)})});
  CHECK(claims[0].evidence ==
        std::vector<std::string>{
            "measured: a sample moves 1000 B under branch and 3.906 KiB under hybrid (4.0 times); the "
            "hosts in use compute 25.0 % of a step under hybrid and 50.0 % under branch"});
  CHECK(claims[2].evidence ==
        std::vector<std::string>{
            "measured: branch moves 1000 B a sample, and its 3 hosts compute 50.0 % of a step in "
            "the mean; data-parallel moves 1.953 KiB a sample, and its 3 hosts compute 40.0 % of a "
            "step in the mean; a step of branch takes 1.0 times as long as one of data-parallel",
            "measured: branch is 90.0 % accurate, data-parallel 80.0 %"});
}

TEST_CASE("a study's rows are settings, by values, and surroundings apart from parameters",
          "[planner]") {
  const auto column = [](const std::string& name, const std::string& pointer) {
    const nlohmann::json text = pointer;
    return StudyColumn{
        .name = name, .pointers = {study_pointer(JsonPlace(text, "s", ""))}, .values = {}, .place = ""};
  };
  Study study;
  study.columns = {column("bandwidth", "/cluster/network/bandwidth_bytes_per_s"),
                   column("batch", "/settings/batch_size")};
  StudyResult result;
  result.columns = {"bandwidth", "batch"};
  for (const int bandwidth : {1, 2})
    for (const int batch : {4, 8})
      for (const char* strategy : {"branch", "data-parallel"}) {
        StudyRow row{.values = {nlohmann::json(bandwidth), nlohmann::json(batch)},
                     .strategy = strategy,
                     .outcome = {}};
        row.outcome.plan.batch_size = batch;
        row.outcome.figures.traffic_bytes_per_step = 80;
        result.rows.push_back(row);
      }
  result.rows.front().outcome.kind = StudyOutcomeKind::kNoPlan;
  const std::vector<ComparedSetting> settings = compared_settings(study, result);
  REQUIRE(settings.size() == 4);
  CHECK(settings[0].architectures.size() == 1);  // the other has no plan
  CHECK(settings[1].name == "simulated, bandwidth = 1, batch = 8");
  CHECK(settings[1].architectures[0].traffic_bytes_per_sample == 10);
  CHECK(settings[0].surroundings == settings[1].surroundings);
  CHECK(settings[0].surroundings != settings[2].surroundings);
}

TEST_CASE("a claim is read as it was written", "[planner]") {
  const StudyClaim claim{
      .claim = "c", .verdict = "holds in part", .when = {"never"}, .evidence = {"one", "two"}};
  CHECK(documents::reread(to_json(claim), claim_from_json) == claim);
  CHECK(documents::refusal_of({{"claim", "c"}, {"verdict", "maybe"}, {"evidence", {"x"}}},
                              claim_from_json)
            .find("/verdict: expected one of holds, holds in part, does not hold or unknown") == 0);
}
