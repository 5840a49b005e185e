#include "executor/asked_store.h"

#include <utility>

namespace cadastre {

namespace {

std::string text_of(const std::vector<uint8_t>& bytes) { return {bytes.begin(), bytes.end()}; }

std::vector<uint8_t> bytes_of(const std::string& text) { return {text.begin(), text.end()}; }

}  // namespace

AskedStore::AskedStore(AskStore ask, std::chrono::milliseconds timeout)
    : c10d::Store(timeout), ask_(std::move(ask)) {}

void AskedStore::set(const std::string& key, const std::vector<uint8_t>& value) {
  ask_({.kind = StoreRequest::Kind::kSet, .keys = {key}, .value = text_of(value)}, timeout_);
}

std::vector<uint8_t> AskedStore::compareSet(const std::string& key,
                                            const std::vector<uint8_t>& expected,
                                            const std::vector<uint8_t>& value) {
  return bytes_of(ask_({.kind = StoreRequest::Kind::kCompareSet,
                        .keys = {key},
                        .value = text_of(value),
                        .expected = text_of(expected)},
                       timeout_)
                      .value);
}

std::vector<uint8_t> AskedStore::get(const std::string& key) {
  return bytes_of(ask_({.kind = StoreRequest::Kind::kGet, .keys = {key}}, timeout_).value);
}

int64_t AskedStore::add(const std::string& key, int64_t amount) {
  StoreRequest request{.kind = StoreRequest::Kind::kAdd, .keys = {key}};
  request.amount = amount;
  return ask_(request, timeout_).number;
}

bool AskedStore::deleteKey(const std::string& key) {
  return ask_({.kind = StoreRequest::Kind::kErase, .keys = {key}}, timeout_).number != 0;
}

bool AskedStore::check(const std::vector<std::string>& keys) {
  return ask_({.kind = StoreRequest::Kind::kCheck, .keys = keys}, timeout_).number != 0;
}

int64_t AskedStore::getNumKeys() {
  return ask_({.kind = StoreRequest::Kind::kCount, .keys = {}}, timeout_).number;
}

void AskedStore::wait(const std::vector<std::string>& keys) { wait(keys, timeout_); }

void AskedStore::wait(const std::vector<std::string>& keys,
                      const std::chrono::milliseconds& timeout) {
  ask_({.kind = StoreRequest::Kind::kWait, .keys = keys}, timeout);
}

}  // namespace cadastre
