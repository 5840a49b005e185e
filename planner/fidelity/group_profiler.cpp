#include "planner/fidelity/group_profiler.h"

#include <chrono>
#include <deque>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "planner/fidelity/command.h"
#include "planner/fidelity/host_speed.h"
#include "planner/files.h"
#include "planner/json_reader.h"
#include "planner/refusal.h"

namespace cadastre {

namespace {

namespace fs = std::filesystem;

using Words = std::vector<std::string>;

/// `cadastre ARGUMENTS…`, bound to processors of this machine.
Words on_processors(const std::vector<int>& processors, const Words& arguments) {
  std::string list;
  for (const int processor : processors)
    list += (list.empty() ? "" : ",") + std::to_string(processor);
  Words words = {"taskset", "-c", list, program_directory() / "cadastre"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  return words;
}

/// The micro-batches that a group's plans may have: halves of the batch, as long as the model's
/// groups of samples allow.
std::string batch_sizes_text(std::int64_t batch_size, std::int64_t granularity) {
  constexpr int kMostSizes = 5;
  std::string text = std::to_string(batch_size);
  std::int64_t size = batch_size;
  for (int i = 1; i < kMostSizes && size % 2 == 0 && (size / 2) % granularity == 0; ++i) {
    size /= 2;
    text += "," + std::to_string(size);
  }
  return text;
}

}  // namespace

GroupProfiler::GroupProfiler(const FidelityGroup& group, const ModelGraph& model,
                             const Cluster& stated, const FidelityMethod& method,
                             std::filesystem::path directory, std::filesystem::path scene,
                             const Testbed& testbed, Yardstick& yardstick)
    : group_(group),
      model_(model),
      stated_(stated),
      method_(method),
      directory_(std::move(directory)),
      scene_(std::move(scene)),
      testbed_(testbed),
      yardstick_(yardstick) {
  write_file(model_file(), json_text(to_json(model_)));
}

void GroupProfiler::profile_whole_processors(std::int64_t number) {
  const int num_threads = profiled_threads(stated_);
  by_whole_processors(num_threads, number, ProfileKind::kAlone);
  if (num_threads > 1) by_whole_processors(1, number, ProfileKind::kByOneThread);
  const int num_others = num_processors(stated_) - num_threads;
  if (num_others == 0) return;
  const Words words = on_processors(
      profiled_processors(stated_, num_threads, testbed_.processors()).others, endless_passes(1));
  beside(std::vector<Words>(static_cast<std::size_t>(num_others), words),
         [&] { by_whole_processors(num_threads, number, ProfileKind::kBesideOthers); });
}

void GroupProfiler::profile_host(std::size_t h, std::int64_t number) {
  const Host& host = stated_.hosts[h];
  std::vector<Words> others;
  for (std::size_t other = 0; other < stated_.hosts.size(); ++other)
    if (other != h)
      others.push_back(
          testbed_.words_on(stated_.hosts[other].name, endless_passes(stated_.hosts[other].cores)));
  by_host(host, number, ProfileKind::kAlone);
  if (!others.empty()) beside(others, [&] { by_host(host, number, ProfileKind::kBesideOthers); });
}

void GroupProfiler::by_whole_processors(int num_threads, std::int64_t number, ProfileKind kind) {
  const std::vector<int> processors =
      profiled_processors(stated_, num_threads, testbed_.processors()).own;
  const Words words =
      on_processors(processors, profile_words(num_threads, method_.profile_repeats, number, kind));
  beside_yardstick(processors, profile_file(directory_, number, kind), [&] {
    const CommandResult done = run_command(words, directory_ / "profile.log");
    stop_if_interrupted();
    check_was_done(done, "profile");
  });
}

void GroupProfiler::by_host(const Host& host, std::int64_t number, ProfileKind kind) {
  // A slow host's profile takes minutes, and is worth the ratio to the others of its round.
  const std::int64_t repeats = (method_.profile_repeats + 1) / 2;
  beside_yardstick(
      testbed_.processors().at(host.name), profile_file(directory_, number, kind, host.name), [&] {
        testbed_.run_on(host.name, profile_words(host.cores, repeats, number, kind, host.name));
      });
}

void GroupProfiler::beside_yardstick(const std::vector<int>& processors, const fs::path& profile,
                                     const std::function<void()>& what) {
  yardstick_.begin();
  what();
  if (const auto seconds = mean_of(yardstick_.seconds(method_.quantile), processors))
    yardsticks_s_[profile.filename().string()] = *seconds;
}

/// Does `what` while those commands, which never end, run.
void GroupProfiler::beside(const std::vector<Words>& commands,
                           const std::function<void()>& what) const {
  std::deque<BackgroundCommand> others;
  for (const Words& words : commands)
    others.emplace_back(words, directory_ / ("beside-" + std::to_string(others.size()) + ".log"));
  constexpr std::chrono::seconds kUntilTheyCompute(3);
  std::this_thread::sleep_for(kUntilTheyCompute);
  for (const BackgroundCommand& other : others) other.check_runs();
  what();
  for (const BackgroundCommand& other : others) other.check_runs();
}

Words GroupProfiler::profile_words(int num_threads, std::int64_t repeats, std::int64_t number,
                                   ProfileKind kind, const std::string& host) const {
  Words words = words_of(batch_sizes_text(group_.batch_size, model_.batch_norm_group_samples),
                         num_threads, repeats, profile_file(directory_, number, kind, host));
  words.insert(words.end(), {"--quantile", number_text(method_.quantile)});
  return words;
}

Words GroupProfiler::endless_passes(int num_threads) const {
  constexpr std::int64_t kHours = 100000;
  return words_of(std::to_string(group_.batch_size), num_threads, kHours,
                  directory_ / "never-written.json");
}

Words GroupProfiler::words_of(const std::string& batch_sizes, int num_threads, std::int64_t repeats,
                              const std::filesystem::path& output) const {
  return {"profile",
          model_file(),
          "--quiet",
          "--data",
          scene_,
          "--batch-sizes",
          batch_sizes,
          "--threads",
          std::to_string(num_threads),
          "--repeats",
          std::to_string(repeats),
          "-o",
          output};
}

}  // namespace cadastre
