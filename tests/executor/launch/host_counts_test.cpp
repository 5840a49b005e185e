#include "executor/host_counts.h"

#include "executor/launch/host_facts.h"
#include "tests/support/catch.h"

namespace cadastre {
namespace {

TEST_CASE("what interfaces sent and received is added up without the loopback", "[executor]") {
  const HostCounts counts = interface_counts(
      "Inter-|   Receive                            |  Transmit\n"
      " face |bytes packets errs drop fifo frame compressed multicast|bytes packets errs drop fifo\n"
      "    lo:     900  9 0 0 0 0 0 0      900  9 0 0 0 0 0 0\n"
      "  eth0: 1000  1 0 0 0 0 0 0      20  1 0 0 0 0 0 0\n"
      " link1:300  1 0 0 0 0 0 0     4000  1 0 0 0 0 0 0\n"
      "  bad0: 1 2 3\n");
  CHECK(counts.received_bytes == 1300);
  CHECK(counts.sent_bytes == 4020);
  CHECK(interface_counts("").sent_bytes == 0);
}

TEST_CASE("counts are of what came between", "[executor]") {
  const HostCounts before = host_counts();
  double sum = 0;
  while (host_counts().cpu_s - before.cpu_s < 0.01) sum += 1;
  const HostCounts between = difference(host_counts(), before);
  CHECK(sum > 0);
  CHECK(between.cpu_s >= 0.01);
  CHECK(between.sent_bytes >= 0);
}

TEST_CASE("a quota below the processors there are is what a process may use", "[executor]") {
  HostFacts facts;
  facts.cores = 2;
  CHECK(usable_processors(facts) == 2);
  facts.quota_cores = 0.5;
  CHECK(usable_processors(facts) == 0.5);
  facts.quota_cores = 8;
  CHECK(usable_processors(facts) == 2);
}

}  // namespace
}  // namespace cadastre
