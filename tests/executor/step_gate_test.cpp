#include "executor/step_gate.h"

#include <atomic>
#include <chrono>
#include <thread>

#include "tests/support/catch.h"

namespace cadastre {
namespace {

TEST_CASE("a rank that is held at the end of its step ends there when that was the last",
          "[executor]") {
  StepGate gate(5);
  CHECK(gate.hold() == 5);
  std::atomic<int> ended = -1;
  std::thread rank([&] { ended = gate.ends_after(6) ? 1 : 0; });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  CHECK(ended == -1);
  gate.release_until(6);
  rank.join();
  CHECK(ended == 1);
}

TEST_CASE("a rank that is behind goes on to where the others end", "[executor]") {
  StepGate gate(0);
  CHECK_FALSE(gate.ends_after(1));
  CHECK(gate.hold() == 1);
  gate.release_until(4);
  CHECK_FALSE(gate.ends_after(2));
  CHECK_FALSE(gate.ends_after(3));
  CHECK(gate.ends_after(4));
}

}  // namespace
}  // namespace cadastre
