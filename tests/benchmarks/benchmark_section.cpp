#include "tests/benchmarks/benchmark_section.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <exception>
#include <stdexcept>

#include "planner/table.h"

namespace cadastre::benchmarks {

namespace {

double cpu_now_s() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

struct Child {
  std::string output;
  double peak_bytes = 0;
};

/// What `work` returns in a child, and the child's peak memory.
Child run_child(const std::function<std::string()>& work) {
  int ends[2];
  if (pipe(ends) != 0) throw std::runtime_error("no pipe");
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error("no child process");
  if (child == 0) {
    close(ends[0]);
    try {
      const std::string output = work();
      std::size_t written = 0;
      while (written < output.size()) {
        const ssize_t num = write(ends[1], output.data() + written, output.size() - written);
        if (num <= 0) _exit(1);
        written += static_cast<std::size_t>(num);
      }
      _exit(0);
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s\n", error.what());
      _exit(1);
    }
  }
  close(ends[1]);
  Child result;
  char buffer[4096];
  for (ssize_t num = 0; (num = read(ends[0], buffer, sizeof buffer)) > 0;)
    result.output.append(buffer, static_cast<std::size_t>(num));
  close(ends[0]);
  int status = 0;
  rusage usage{};
  wait4(child, &status, 0, &usage);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) throw std::runtime_error("a child failed");
  constexpr double kKibi = 1024;
  result.peak_bytes = kKibi * static_cast<double>(usage.ru_maxrss);
  return result;
}

}  // namespace

Measured measure(const std::function<nlohmann::json()>& work, double repeat_s) {
  const double idle_bytes = run_child([] { return std::string(); }).peak_bytes;
  // Peak memory of one run alone, so that repeats cannot add to it.
  const double peak_bytes = run_child([&] { return work().dump(); }).peak_bytes;
  const Child child = run_child([&] {
    std::vector<double> cpu_s;
    nlohmann::json answer;
    double total_s = 0;
    while (cpu_s.empty() || total_s < repeat_s) {
      const double before_s = cpu_now_s();
      answer = work();
      cpu_s.push_back(cpu_now_s() - before_s);
      total_s += cpu_s.back();
    }
    std::sort(cpu_s.begin(), cpu_s.end());
    return nlohmann::json{{"answer", std::move(answer)}, {"cpu_s", cpu_s[cpu_s.size() / 2]}}.dump();
  });
  const nlohmann::json output = nlohmann::json::parse(child.output);
  return {.answer = output.at("answer"),
          .cpu_s = output.at("cpu_s").get<double>(),
          .peak_bytes = std::max(0.0, peak_bytes - idle_bytes)};
}

std::string ratio(double reference, double ours, double least_reference) {
  if (reference < least_reference || ours <= 0) return "-";
  return fixed(reference / ours, reference / ours < 10 ? 1 : 0) + "×";
}

}  // namespace cadastre::benchmarks
