#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "executor/launch/frame.h"

namespace cadastre {

/// What a rank asks of the values that all ranks of a run share, through which they find each
/// other. The requests are those of a c10d::Store.
struct StoreRequest {
  enum class Kind {
    kSet,         ///< `key` := `value`
    kGet,         ///< its value, once it has one
    kAdd,         ///< adds `amount` to the number that it holds, 0 at first; the sum
    kCompareSet,  ///< `value`, where it holds `expected`; what it holds then
    kCheck,       ///< 1 when all of `keys` have values, else 0
    kWait,        ///< answered when they have
    kErase,       ///< 1 when it had a value, else 0
    kCount,       ///< how many have one
  };

  Kind kind = Kind::kCount;
  std::vector<std::string> keys;  ///< one, but for `kCheck`, `kWait` and `kCount`
  std::string value;
  std::string expected;
  std::int64_t amount = 0;
};

struct StoreAnswer {
  std::string value;
  std::int64_t number = 0;
};

/// How a rank asks. Throws std::runtime_error when there is no answer in time.
using AskStore =
    std::function<StoreAnswer(const StoreRequest& request, std::chrono::milliseconds timeout)>;

/// Where the ranks of a run find each other.
struct MeetingPlace {
  AskStore ask;
  std::string key;  ///< the run's, by which they prove themselves to each other
};

/// The values.
class SharedStore {
 public:
  /// Nothing where the answer has to wait for others to set something. Throws FrameError when a key
  /// is missing, or what is added to is no number.
  [[nodiscard]] std::optional<StoreAnswer> answer(const StoreRequest& request);

 private:
  [[nodiscard]] bool has_all(const std::vector<std::string>& keys) const;

  std::map<std::string, std::string> values_;
};

/// The values as the coordinator has them, asked in frames.
class StoreDesk {
 public:
  struct Reply {
    int rank = 0;
    Frame frame;
  };

  /// What `rank` asks for, and whom else that lets go on. Throws FrameError.
  [[nodiscard]] std::vector<Reply> handle(int rank, const Frame& frame);

 private:
  struct Waiting {
    int rank = 0;
    std::int64_t number = 0;
    StoreRequest request;
  };

  SharedStore store_;
  std::list<Waiting> waiting_;
};

/// `number` tells a rank's answers apart.
[[nodiscard]] Frame to_frame(const StoreRequest& request, std::int64_t number);
[[nodiscard]] StoreRequest store_request_from(const Frame& frame);

}  // namespace cadastre
