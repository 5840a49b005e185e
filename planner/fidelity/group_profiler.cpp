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

using Words = std::vector<std::string>;

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
                             std::filesystem::path directory, std::filesystem::path scene)
    : group_(group),
      model_(model),
      stated_(stated),
      method_(method),
      directory_(std::move(directory)),
      scene_(std::move(scene)) {
  write_file(model_file(), json_text(to_json(model_)));
}

void GroupProfiler::profile_whole_processors(std::int64_t number) const {
  const int num_threads = profiled_threads(stated_);
  const std::int64_t repeats = method_.profile_repeats;
  here(profile_words(num_threads, repeats, number, ProfileKind::kAlone));
  if (num_threads > 1) here(profile_words(1, repeats, number, ProfileKind::kByOneThread));
  if (const int others = num_processors(stated_) - num_threads; others > 0) {
    Words words = endless_passes(1);
    words.insert(words.begin(), program_directory() / "cadastre");
    beside(std::vector<Words>(static_cast<std::size_t>(others), words),
           [&] { here(profile_words(num_threads, repeats, number, ProfileKind::kBesideOthers)); });
  }
}

void GroupProfiler::profile_host(std::size_t h, std::int64_t number, const Testbed& testbed) const {
  const Host& host = stated_.hosts[h];
  // A slow host's profile takes minutes, and is worth the ratio to the others of its round.
  const std::int64_t repeats = (method_.profile_repeats + 1) / 2;
  const auto profile = [&](ProfileKind kind) {
    testbed.run_on(host.name, profile_words(host.cores, repeats, number, kind, host.name));
  };
  std::vector<Words> others;
  for (std::size_t other = 0; other < stated_.hosts.size(); ++other)
    if (other != h)
      others.push_back(
          testbed.words_on(stated_.hosts[other].name, endless_passes(stated_.hosts[other].cores)));
  profile(ProfileKind::kAlone);
  if (!others.empty()) beside(others, [&] { profile(ProfileKind::kBesideOthers); });
}

void GroupProfiler::here(const Words& arguments) const {
  run_verb(arguments, directory_ / "profile.log");
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
