#include "executor/launch/processor_binding.h"

#include <sched.h>

#include <cstdlib>
#include <numeric>
#include <sstream>

namespace cadastre {

std::vector<std::string> processors_for_ranks(const std::vector<int>& num_threads) {
  std::vector<std::string> lists(num_threads.size());
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0 ||
      CPU_COUNT(&allowed) < std::accumulate(num_threads.begin(), num_threads.end(), 0))
    return lists;
  int processor = 0;
  for (std::size_t rank = 0; rank < lists.size(); ++rank) {
    for (int thread = 0; thread < num_threads[rank]; ++thread, ++processor) {
      while (CPU_ISSET(static_cast<std::size_t>(processor), &allowed) == 0) ++processor;
      if (thread > 0) lists[rank] += ',';
      lists[rank] += std::to_string(processor);
    }
  }
  return lists;
}

void bind_to_given_processors() {
  const char* list = std::getenv(kProcessorsVariable);
  if (list == nullptr || *list == '\0') return;
  cpu_set_t processors;
  CPU_ZERO(&processors);
  std::istringstream numbers(list);
  for (std::string number; std::getline(numbers, number, ',');)
    CPU_SET(static_cast<std::size_t>(std::strtoul(number.c_str(), nullptr, 10)), &processors);
  // A list that the kernel refuses, such as one from another machine, binds to nothing.
  static_cast<void>(::sched_setaffinity(0, sizeof processors, &processors));
}

}  // namespace cadastre
