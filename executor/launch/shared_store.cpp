#include "executor/launch/shared_store.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace cadastre {

namespace {

constexpr const char* kAnswerType = "stored";

Frame answer_frame(const StoreAnswer& answer, std::int64_t number) {
  return {.header = {{"type", kAnswerType}, {"request", number}, {"number", answer.number}},
          .payload = answer.value};
}

std::int64_t number_of(const std::string& text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size())
    throw FrameError("expected a number to add to in the shared store");
  return number;
}

bool is_of_one_key(StoreRequest::Kind kind) {
  return kind != StoreRequest::Kind::kCheck && kind != StoreRequest::Kind::kWait &&
         kind != StoreRequest::Kind::kCount;
}

}  // namespace

bool SharedStore::has_all(const std::vector<std::string>& keys) const {
  return std::all_of(keys.begin(), keys.end(),
                     [&](const std::string& key) { return values_.count(key) > 0; });
}

std::optional<StoreAnswer> SharedStore::answer(const StoreRequest& request) {
  if (is_of_one_key(request.kind) && request.keys.size() != 1)
    throw FrameError("expected a request to the shared store for one key");
  switch (request.kind) {
    case StoreRequest::Kind::kSet:
      values_[request.keys[0]] = request.value;
      return StoreAnswer{};
    case StoreRequest::Kind::kGet:
      if (!has_all(request.keys)) return std::nullopt;
      return StoreAnswer{.value = values_[request.keys[0]]};
    case StoreRequest::Kind::kAdd: {
      std::string& value = values_.try_emplace(request.keys[0], "0").first->second;
      const std::int64_t sum = number_of(value) + request.amount;
      value = std::to_string(sum);
      return StoreAnswer{.value = {}, .number = sum};
    }
    case StoreRequest::Kind::kCompareSet: {
      const auto found = values_.find(request.keys[0]);
      // As c10d has it: a key without a value is set only where nothing is expected.
      if (found == values_.end() && !request.expected.empty())
        return StoreAnswer{.value = request.expected};
      if (found == values_.end() || found->second == request.expected)
        values_[request.keys[0]] = request.value;
      return StoreAnswer{.value = values_[request.keys[0]]};
    }
    case StoreRequest::Kind::kCheck:
      return StoreAnswer{.value = {}, .number = has_all(request.keys) ? 1 : 0};
    case StoreRequest::Kind::kWait:
      if (!has_all(request.keys)) return std::nullopt;
      return StoreAnswer{};
    case StoreRequest::Kind::kErase:
      return StoreAnswer{.value = {},
                         .number = static_cast<std::int64_t>(values_.erase(request.keys[0]))};
    case StoreRequest::Kind::kCount:
      return StoreAnswer{.value = {}, .number = static_cast<std::int64_t>(values_.size())};
  }
  throw FrameError("expected a request that the shared store knows");
}

std::vector<StoreDesk::Reply> StoreDesk::handle(int rank, const Frame& frame) {
  const StoreRequest request = store_request_from(frame);
  const auto number = frame.header.at("request").get<std::int64_t>();
  std::vector<Reply> replies;
  if (const std::optional<StoreAnswer> answer = store_.answer(request))
    replies.push_back({.rank = rank, .frame = answer_frame(*answer, number)});
  else
    waiting_.push_back({.rank = rank, .number = number, .request = request});
  waiting_.remove_if([&](const Waiting& waiting) {
    const std::optional<StoreAnswer> answer = store_.answer(waiting.request);
    if (answer)
      replies.push_back({.rank = waiting.rank, .frame = answer_frame(*answer, waiting.number)});
    return answer.has_value();
  });
  return replies;
}

Frame to_frame(const StoreRequest& request, std::int64_t number) {
  return {.header = {{"type", "store"},
                     {"request", number},
                     {"kind", static_cast<int>(request.kind)},
                     {"keys", request.keys},
                     {"amount", request.amount},
                     {"expected_bytes", request.expected.size()}},
          .payload = request.expected + request.value};
}

StoreRequest store_request_from(const Frame& frame) {
  try {
    const auto kind = frame.header.at("kind").get<int>();
    if (kind < 0 || kind > static_cast<int>(StoreRequest::Kind::kCount))
      throw FrameError("expected a request that the shared store knows");
    const auto expected_bytes = frame.header.at("expected_bytes").get<std::size_t>();
    if (expected_bytes > frame.payload.size())
      throw FrameError("expected the value of a request to the shared store");
    return {.kind = static_cast<StoreRequest::Kind>(kind),
            .keys = frame.header.at("keys").get<std::vector<std::string>>(),
            .value = frame.payload.substr(expected_bytes),
            .expected = frame.payload.substr(0, expected_bytes),
            .amount = frame.header.at("amount").get<std::int64_t>()};
  } catch (const nlohmann::json::exception& error) {
    throw FrameError(error.what());
  }
}

}  // namespace cadastre
