#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>

#include "executor/launch/rank_link.h"
#include "executor/launch/shared_store.h"

namespace cadastre {

/// The values that the ranks of a run share, asked for over a rank's connection to the coordinator:
/// whoever is on it has proved the run's key. Several threads may ask at the same time.
class LinkStore {
 public:
  explicit LinkStore(RankLink& link);
  ~LinkStore();
  LinkStore(const LinkStore&) = delete;
  LinkStore& operator=(const LinkStore&) = delete;

  /// Throws std::runtime_error when there is no answer in time.
  StoreAnswer ask(const StoreRequest& request, std::chrono::milliseconds timeout);

  /// For ranks to meet at, as long as this object lives.
  [[nodiscard]] MeetingPlace place();

 private:
  void receive(const Frame& frame);

  RankLink& link_;
  std::mutex mutex_;
  std::condition_variable received_;
  std::int64_t last_number_ = 0;
  std::set<std::int64_t> awaited_;
  std::map<std::int64_t, StoreAnswer> answers_;  ///< by the request's number
};

}  // namespace cadastre
