#include "executor/launch/frame.h"

#include <cmath>

#include "executor/launch/rank_hello.h"
#include "executor/training_job.h"
#include "tests/support/catch.h"

namespace cadastre {
namespace {

constexpr std::size_t kPlenty = 1 << 20;

Frame through_wire(const Frame& frame) {
  FrameReader reader(kPlenty);
  reader.add(encode(frame));
  std::optional<Frame> read = reader.next();
  REQUIRE(read.has_value());
  CHECK_FALSE(reader.next().has_value());
  return std::move(*read);
}

TEST_CASE("a frame comes back, however its bytes arrive", "[executor]") {
  const std::string payload = std::string("a\0b\n", 4) + std::string(5000, 'x');
  const std::string bytes = encode({.header = {{"type", "one"}, {"n", 3}}, .payload = payload}) +
                            encode({.header = {{"type", "two"}}, .payload = {}});
  for (const std::size_t size : {std::size_t{1}, std::size_t{7}, bytes.size()}) {
    FrameReader reader(kPlenty);
    std::vector<Frame> frames;
    for (std::size_t i = 0; i < bytes.size(); i += size) {
      reader.add(std::string_view(bytes).substr(i, size));
      while (std::optional<Frame> frame = reader.next()) frames.push_back(std::move(*frame));
    }
    REQUIRE(frames.size() == 2);
    CHECK(frames[0].type() == "one");
    CHECK(frames[0].header["n"] == 3);
    CHECK(frames[0].payload == payload);
    CHECK(frames[1].type() == "two");
    CHECK(frames[1].payload.empty());
  }
}

TEST_CASE("what is no frame is refused at its first bytes", "[executor]") {
  for (const char* bytes : {"GET / HTTP/1.1", "CDX", "x"}) {
    FrameReader reader(kPlenty);
    reader.add(bytes);
    CHECK_THROWS_AS(static_cast<void>(reader.next()), FrameError);
  }
  FrameReader waits(kPlenty);
  waits.add("CD");
  CHECK_FALSE(waits.next().has_value());
}

TEST_CASE("a frame above the limit is refused before it is there", "[executor]") {
  FrameReader reader(100);
  reader.add(encode({.header = {}, .payload = std::string(101, 'x')}).substr(0, 20));
  CHECK_THROWS_AS(static_cast<void>(reader.next()), FrameError);
}

TEST_CASE("a header that is no object is refused", "[executor]") {
  std::string bytes = encode({.header = nlohmann::json::array({1}), .payload = {}});
  FrameReader reader(kPlenty);
  reader.add(bytes);
  CHECK_THROWS_AS(static_cast<void>(reader.next()), FrameError);
}

TEST_CASE("what ranks and coordinator say comes back", "[executor]") {
  const RankHello hello{.number = 2,
                        .num_ranks = 4,
                        .version = "0.1.0",
                        .request = "r",
                        .host = {.name = "lab3",
                                 .addresses = {"10.0.0.3"},
                                 .cores = 2,
                                 .machine_cores = 8,
                                 .available_memory_bytes = 123456789012,
                                 .machine_id = "m"},
                        .problem = "none"};
  const RankHello said = hello_from(through_wire(to_frame(hello)));
  CHECK(said.number == 2);
  CHECK(said.num_ranks == 4);
  CHECK(said.version == hello.version);
  CHECK(said.request == "r");
  CHECK(said.host == hello.host);
  CHECK(said.problem == "none");

  // Member by member: GCC 12 takes those of an aggregate for uninitialized where one throws.
  TrainingJob job;
  job.rank = 1;
  job.num_threads = 3;
  job.has_other_machines = true;
  job.training = {.epochs = 7, .learning_rate = 1.0 / 3, .seed = 9};
  job.plan = "{}\n";
  const TrainingJob told = training_job_from(through_wire(to_frame(job)));
  CHECK(told.rank == 1);
  CHECK(told.num_threads == 3);
  CHECK(told.has_other_machines);
  CHECK(told.training == job.training);
  CHECK(told.plan == "{}\n");

  const std::vector<StepReport> reports = step_reports_from(through_wire(to_frame(
      {{.step = 5, .loss_sum = 1.0 / 3, .end_s = 1e5 + 1e-9, .busy_s = 0.1, .sent_bytes = 7},
       {.step = 6, .loss_sum = std::nan("")}})));
  REQUIRE(reports.size() == 2);
  const StepReport& report = reports.front();
  CHECK(report.step == 5);
  CHECK(report.loss_sum == 1.0 / 3);
  CHECK(report.end_s == 1e5 + 1e-9);
  CHECK(report.busy_s == 0.1);
  CHECK(report.sent_bytes == 7);
  // A training that diverges says so.
  CHECK(reports.back().step == 6);
  CHECK(std::isnan(reports.back().loss_sum));
}

TEST_CASE("a frame of another kind is not taken for a hello or a job", "[executor]") {
  CHECK_THROWS_AS(static_cast<void>(hello_from({.header = {{"type", "step"}}, .payload = {}})),
                  FrameError);
  CHECK_THROWS_AS(static_cast<void>(hello_from({.header = {{"type", "hello"}}, .payload = {}})),
                  FrameError);
  CHECK_THROWS_AS(
      static_cast<void>(training_job_from({.header = {{"type", "job"}}, .payload = {}})),
      FrameError);
}

TEST_CASE("fingerprints tell texts apart", "[executor]") {
  CHECK(fingerprint("") == "cbf29ce484222325");  // FNV-1a's offset basis
  CHECK(fingerprint("a") == "af63dc4c8601ec8c");
  CHECK(fingerprint("plan 1") != fingerprint("plan 2"));
}

}  // namespace
}  // namespace cadastre
