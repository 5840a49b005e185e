#include "planner/fidelity/host_speed.h"

#include "planner/fidelity/profile_files.h"
#include "planner/files.h"
#include "planner/json_reader.h"
#include "planner/planner.h"
#include "tests/planner/fidelity/two_sizes.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/worlds.h"

namespace cadastre {
namespace {

using Catch::WithinRel;
using test::two_sizes;

}  // namespace

TEST_CASE("of hosts with parts of processors one of each kind is measured", "[planner]") {
  Cluster stated = worlds::hosts({1, 0.5, 0.25, 0.5});
  CHECK(hosts_to_measure(stated) == std::vector<std::size_t>{1, 2});
  stated.hosts[3].cores = 2;
  CHECK(hosts_to_measure(stated) == std::vector<std::size_t>{1, 2, 3});
  CHECK(hosts_to_measure(worlds::two_hosts()).empty());
}

TEST_CASE("models are profiled with the threads of the first host of whole processors",
          "[planner]") {
  Cluster stated = worlds::hosts({0.5, 1, 1, 1});
  stated.hosts[0].cores = 8;
  stated.hosts[1].cores = 2;
  stated.hosts[2].cores = 4;
  stated.hosts[3].cores = 2;
  CHECK(profiled_threads(stated) == 2);
  CHECK(hosts_to_measure(stated) == std::vector<std::size_t>{0, 2});
  // Without a measurement, as fast as so many of the profile's threads; messages take one.
  const Cluster cluster = with_speeds(stated, {{2, 1.5}});
  CHECK(cluster.hosts[0].relative_speed == 2);
  CHECK(transport_speed(cluster.hosts[0]) == 0.5);
  CHECK(cluster.hosts[1] == stated.hosts[1]);
  CHECK(cluster.hosts[2].relative_speed == 1.5);
  CHECK(transport_speed(cluster.hosts[2]) == 1);
  CHECK(cluster.hosts[3] == stated.hosts[3]);
  CHECK(profiled_host(stated) == 1);
  CHECK(profiled_threads(worlds::hosts({0.5, 0.25})) == 1);
  CHECK(profiled_host(worlds::hosts({0.5, 0.25})) == 0);
}

TEST_CASE("models are profiled by as many of a host's processors as they have threads",
          "[planner]") {
  Cluster stated = worlds::hosts({1, 0.5, 0.5});
  stated.hosts[0].cores = 2;
  const std::map<std::string, std::vector<int>> of_hosts = {
      {stated.hosts[0].name, {4, 5}}, {stated.hosts[1].name, {6}}, {stated.hosts[2].name, {6}}};
  const ProfiledProcessors by_two = profiled_processors(stated, 2, of_hosts);
  CHECK(by_two.own == std::vector<int>{4, 5});
  CHECK(by_two.others == std::vector<int>{6, 6});
  const ProfiledProcessors by_one = profiled_processors(stated, 1, of_hosts);
  CHECK(by_one.own == std::vector<int>{4});
  CHECK(by_one.others == std::vector<int>{5, 6, 6});
  // A host with one and a half: one is profiled, and the other is there for what computes beside.
  Cluster part = worlds::hosts({0.75});
  part.hosts[0].cores = 2;
  const ProfiledProcessors of_part =
      profiled_processors(part, profiled_threads(part), {{part.hosts[0].name, {0, 1}}});
  CHECK(of_part.own == std::vector<int>{0});
  CHECK(of_part.others == std::vector<int>{1});
}

TEST_CASE("a host's speed is by the seconds of a sample, all sizes alike", "[planner]") {
  // 0.25 s a sample in both sizes here; 0.5 and 1 s there.
  CHECK_THAT(relative_speed(two_sizes(2, 8), two_sizes(1, 2)), WithinRel(1 / 3.0, 1e-12));
  CHECK(relative_speed(two_sizes(1, 2), two_sizes(1, 2)) == 1);
}

TEST_CASE("hosts like a measured one are as fast, but for messages", "[planner]") {
  Cluster stated = worlds::hosts({1, 0.5, 0.4, 0.5});
  stated.hosts[3].transport_speed = 0.9;
  // What one host is measured to be is not what another is stated to be.
  const Cluster measured = with_speeds(stated, {{1, 0.4}, {2, 0.3}});
  CHECK(measured.hosts[0] == stated.hosts[0]);
  CHECK(measured.hosts[1].relative_speed == 0.4);
  CHECK(measured.hosts[1].transport_speed == 0.5);
  CHECK(measured.hosts[2].relative_speed == 0.3);
  CHECK(measured.hosts[3].relative_speed == 0.4);
  CHECK(measured.hosts[3].transport_speed == 0.9);
}

TEST_CASE("a group's hosts are as fast as in the median round", "[planner]") {
  const TemporaryDirectory directory;
  const auto write = [](const std::filesystem::path& file, const Profile& what) {
    write_file(file, json_text(to_json(what)));
  };
  const Cluster stated = worlds::hosts({1, 0.5});
  const ProfilePlace place{.group = directory.path(), .count = 3, .yardsticks_s = {}};
  CHECK(with_measured_speeds(stated, place, ProfileKind::kAlone) == stated);
  for (const int number : {1, 2, 3}) {
    write(profile_file(directory.path(), number, ProfileKind::kAlone), two_sizes(1, 2));
    write(profile_file(directory.path(), number, ProfileKind::kAlone, "node2"),
          two_sizes(1 + number, 2 + 2 * number));
  }
  const Cluster measured = with_measured_speeds(stated, place, ProfileKind::kAlone);
  CHECK(measured.hosts[0].relative_speed == 1);
  CHECK_THAT(measured.hosts[1].relative_speed, WithinRel(1 / 3.0, 1e-12));
  // Nothing says what it is beside others, nor what whole processors are: as fast as alone.
  CHECK(with_measured_speeds(stated, place, ProfileKind::kBesideOthers) == measured);
  write(profile_file(directory.path(), 2, ProfileKind::kBesideOthers, "node2"), two_sizes(4, 8));
  write(profile_file(directory.path(), 2, ProfileKind::kBesideOthers), two_sizes(1.5, 3));
  const std::map<std::size_t, double> beside =
      measured_speeds(stated, place, ProfileKind::kBesideOthers);
  REQUIRE(beside.count(1) == 1);
  CHECK_THAT(beside.at(1), WithinRel(1.5 / 4, 1e-12));
  CHECK(read_profiles(place, ProfileKind::kAlone).size() == 3);
  CHECK(read_profiles(place, ProfileKind::kBesideOthers).size() == 1);
}

TEST_CASE("profiles are read as of a moment that is as usual", "[planner]") {
  const TemporaryDirectory directory;
  // Processors were half as fast beside the third, and beside that of the host.
  ProfilePlace place{.group = directory.path(), .count = 3, .yardsticks_s = {}};
  CHECK(usual_yardstick_s(place) == 0);
  const auto write = [&](const std::filesystem::path& file, const Profile& what, double seconds) {
    write_file(file, json_text(to_json(what)));
    place.yardsticks_s[file.filename().string()] = seconds;
  };
  write(profile_file(directory.path(), 1, ProfileKind::kAlone), two_sizes(1, 2), 0.5);
  write(profile_file(directory.path(), 2, ProfileKind::kAlone), two_sizes(1, 2), 0.5);
  write(profile_file(directory.path(), 3, ProfileKind::kAlone), two_sizes(2, 4), 1);
  write(profile_file(directory.path(), 1, ProfileKind::kAlone, "node2"), two_sizes(8, 16), 1);
  place.yardsticks_s["of another kind"] = 0.5;
  CHECK(usual_yardstick_s(place) == 0.5);
  for (const auto& [number, profile] : read_profiles(place, ProfileKind::kAlone)) {
    INFO("profile " << number);
    CHECK(profile == two_sizes(1, 2));
  }
  // 8 s on the host while the yardstick took twice as long: 4 s in the moment of the others' 1.
  const Cluster stated = worlds::hosts({1, 0.5});
  CHECK(measured_speeds(stated, place, ProfileKind::kAlone).at(1) == 0.25);
  CHECK(host_profiles(stated, place, ProfileKind::kAlone).at(1).on_host == two_sizes(4, 8));
  place.yardsticks_s.clear();
  CHECK(measured_speeds(stated, place, ProfileKind::kAlone).at(1) == 0.125);
}

TEST_CASE("slowed hosts compute more slowly, and hand over messages as before", "[planner]") {
  const Cluster stated = worlds::hosts({1, 0.5, 1});
  const Cluster made = slowed(stated, {{stated.hosts[0].name, 2}, {stated.hosts[1].name, 0.5}});
  CHECK(made.hosts[0].relative_speed == 0.5);
  CHECK(transport_speed(made.hosts[0]) == 1);
  CHECK(made.hosts[1].relative_speed == 1);
  CHECK(transport_speed(made.hosts[1]) == 0.5);
  CHECK(made.hosts[2] == stated.hosts[2]);
}

TEST_CASE("a host is as fast as its profile at the passes that a plan gives it", "[planner]") {
  const Cluster stated = worlds::hosts({1, 0.5});
  const auto speeds = [&](std::int64_t micro_batches) {
    const PlanDocument plan =
        make_plan(two_sizes(1, 2), stated,
                  {.batch_size = 8, .strategy = "pipeline", .micro_batches = {micro_batches}});
    const HostProfile node2{.on_host = two_sizes(4, 6), .on_whole = two_sizes(1, 2)};
    return with_speeds_at_work(plan, stated, {{1, node2}}).hosts;
  };
  CHECK(speeds(1)[0] == stated.hosts[0]);
  CHECK_THAT(speeds(1)[1].relative_speed, WithinRel(2 / 6.0, 1e-12));
  CHECK_THAT(speeds(2)[1].relative_speed, WithinRel(1 / 4.0, 1e-12));
  CHECK(speeds(2)[1].transport_speed == 0.5);
}

TEST_CASE("a host takes a part of the seconds that others cost it", "[planner]") {
  const Cluster stated = worlds::hosts({1, 0.5});
  const Cluster alone = with_speeds(stated, {{1, 0.5}});
  Cluster beside = with_speeds(stated, {{1, 0.25}});
  beside.hosts[1].speed_spread = 0.5;
  CHECK(between(alone, beside, 0) == alone);
  const Cluster half = between(alone, beside, 0.5);
  CHECK(half.hosts[0] == alone.hosts[0]);
  CHECK_THAT(half.hosts[1].relative_speed, WithinRel(1 / 3.0, 1e-12));
  CHECK(half.hosts[1].transport_speed == 0.5);
  CHECK(half.hosts[1].speed_spread == 0.25);
}

}  // namespace cadastre
