#include "executor/launch/link_store.h"

#include <stdexcept>
#include <utility>

namespace cadastre {

namespace {

constexpr const char* kAnswerType = "stored";

}  // namespace

LinkStore::LinkStore(RankLink& link) : link_(link) {
  link_.hand_over(kAnswerType, [this](const Frame& frame) { receive(frame); });
}

LinkStore::~LinkStore() { link_.hand_over(kAnswerType, {}); }

StoreAnswer LinkStore::ask(const StoreRequest& request, std::chrono::milliseconds timeout) {
  std::int64_t number = 0;
  {
    const std::lock_guard lock(mutex_);
    number = ++last_number_;
    awaited_.insert(number);
  }
  link_.send(to_frame(request, number));
  std::unique_lock lock(mutex_);
  const bool is_there =
      received_.wait_for(lock, timeout, [&] { return answers_.count(number) > 0; });
  awaited_.erase(number);
  if (!is_there)
    throw std::runtime_error("the coordinator had no answer within " +
                             std::to_string(timeout.count()) + " ms, as another rank is not there");
  return std::move(answers_.extract(number).mapped());
}

MeetingPlace LinkStore::place() {
  return {.ask = [this](const StoreRequest& request,
                        std::chrono::milliseconds timeout) { return ask(request, timeout); },
          .key = link_.launch().key};
}

void LinkStore::receive(const Frame& frame) {
  const auto number = frame.header.at("request").get<std::int64_t>();
  const StoreAnswer answer{.value = frame.payload,
                           .number = frame.header.at("number").get<std::int64_t>()};
  const std::lock_guard lock(mutex_);
  // Nobody waits any more for one that came too late.
  if (awaited_.count(number) == 0) return;
  answers_.emplace(number, answer);
  received_.notify_all();
}

}  // namespace cadastre
