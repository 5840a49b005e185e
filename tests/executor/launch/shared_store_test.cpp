#include "executor/launch/shared_store.h"

#include "tests/support/catch.h"

namespace cadastre {
namespace {

using Kind = StoreRequest::Kind;

StoreRequest request(Kind kind, std::vector<std::string> keys, const std::string& value = "",
                     const std::string& expected = "") {
  return {.kind = kind, .keys = std::move(keys), .value = value, .expected = expected};
}

TEST_CASE("what is set is got, compared, counted and erased", "[executor]") {
  SharedStore store;
  CHECK_FALSE(store.answer(request(Kind::kGet, {"a"})));
  CHECK(store.answer(request(Kind::kSet, {"a"}, std::string("1\0\xff", 3))));
  CHECK(store.answer(request(Kind::kGet, {"a"}))->value == std::string("1\0\xff", 3));
  CHECK(store.answer(request(Kind::kCheck, {"a"}))->number == 1);
  CHECK(store.answer(request(Kind::kCheck, {"a", "b"}))->number == 0);
  CHECK_FALSE(store.answer(request(Kind::kWait, {"a", "b"})));
  CHECK(store.answer(request(Kind::kCompareSet, {"b"}, "new", "old"))->value == "old");
  CHECK(store.answer(request(Kind::kCompareSet, {"b"}, "new"))->value == "new");
  CHECK(store.answer(request(Kind::kCompareSet, {"b"}, "newer", "old"))->value == "new");
  CHECK(store.answer(request(Kind::kCompareSet, {"b"}, "newer", "new"))->value == "newer");
  CHECK(store.answer(request(Kind::kWait, {"a", "b"})));
  CHECK(store.answer(request(Kind::kCount, {}))->number == 2);
  CHECK(store.answer(request(Kind::kErase, {"a"}))->number == 1);
  CHECK(store.answer(request(Kind::kErase, {"a"}))->number == 0);
}

TEST_CASE("numbers are added up, and what is none is refused", "[executor]") {
  SharedStore store;
  StoreRequest add = request(Kind::kAdd, {"n"});
  add.amount = 3;
  CHECK(store.answer(add)->number == 3);
  add.amount = -5;
  CHECK(store.answer(add)->number == -2);
  CHECK(store.answer(request(Kind::kGet, {"n"}))->value == "-2");
  CHECK(store.answer(request(Kind::kSet, {"n"}, "two")));
  CHECK_THROWS_AS(static_cast<void>(store.answer(add)), FrameError);
  CHECK_THROWS_AS(static_cast<void>(store.answer(request(Kind::kGet, {}))), FrameError);
}

TEST_CASE("who waits for a value is answered when another rank sets it", "[executor]") {
  StoreDesk desk;
  CHECK(desk.handle(1, to_frame(request(Kind::kGet, {"a"}), 7)).empty());
  CHECK(desk.handle(2, to_frame(request(Kind::kWait, {"a", "b"}), 8)).empty());
  const auto first = desk.handle(0, to_frame(request(Kind::kSet, {"a"}, "of rank 0"), 1));
  REQUIRE(first.size() == 2);
  CHECK(first[0].rank == 0);
  CHECK(first[1].rank == 1);
  CHECK(first[1].frame.type() == "stored");
  CHECK(first[1].frame.header["request"] == 7);
  CHECK(first[1].frame.payload == "of rank 0");
  const auto second = desk.handle(0, to_frame(request(Kind::kSet, {"b"}), 2));
  REQUIRE(second.size() == 2);
  CHECK(second[1].rank == 2);
}

TEST_CASE("a request comes back from its frame, and a wrong one is refused", "[executor]") {
  StoreRequest asked = request(Kind::kCompareSet, {"key"}, std::string("a\0b", 3), "c");
  asked.amount = -1;
  const StoreRequest told = store_request_from(to_frame(asked, 1));
  CHECK(told.kind == asked.kind);
  CHECK(told.keys == asked.keys);
  CHECK(told.value == asked.value);
  CHECK(told.expected == asked.expected);
  CHECK(told.amount == asked.amount);
  for (const auto& [key, value] : std::vector<std::pair<std::string, nlohmann::json>>{
           {"kind", 99}, {"kind", "get"}, {"keys", "key"}, {"expected_bytes", 100}}) {
    Frame frame = to_frame(asked, 1);
    frame.header[key] = value;
    CHECK_THROWS_AS(static_cast<void>(store_request_from(frame)), FrameError);
  }
}

}  // namespace
}  // namespace cadastre
