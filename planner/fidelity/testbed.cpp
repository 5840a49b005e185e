#include "planner/fidelity/testbed.h"

#include <sched.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <system_error>

#include "planner/error.h"
#include "planner/fidelity/command.h"
#include "planner/files.h"
#include "planner/json_reader.h"
#include "planner/refusal.h"
#include "planner/subprocess.h"

namespace cadastre {

namespace fs = std::filesystem;

namespace {

constexpr const char* kPython = "python3";
constexpr const char* kWeight = "10000";  // before whatever else this machine does

/// Where it is installed beside this program or, in a build directory, in the source tree.
fs::path testbed_program() {
  const fs::path installed = (program_directory() / CADASTRE_INSTALLED_TESTBED).lexically_normal();
  std::error_code ignored;
  const fs::path directory =
      fs::is_directory(installed, ignored) ? installed : fs::path(CADASTRE_TESTBED_DIR);
  return directory / "testbed.py";
}

int usable_processors() {
  cpu_set_t processors;
  CPU_ZERO(&processors);
  if (::sched_getaffinity(0, sizeof processors, &processors) == 0) return CPU_COUNT(&processors);
  return static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN));
}

constexpr double kRounding = 1e-9;

double processors_of(const Cluster& cluster) {
  double processors = 0;
  for (const Host& host : cluster.hosts) processors += host.cores * host.relative_speed;
  return processors;
}

}  // namespace

int num_processors(const Cluster& cluster) {
  return static_cast<int>(std::ceil(processors_of(cluster) * (1 - kRounding)));
}

void check_fits_machine(const Cluster& cluster, const std::string& file,
                        const std::string& pointer) {
  const double processors = processors_of(cluster);
  std::int64_t memory_bytes = 0;
  for (const Host& host : cluster.hosts) memory_bytes += host.memory_bytes;
  if (const int usable = usable_processors(); processors > usable * (1 + kRounding))
    throw InputError(
        file, pointer + "/hosts",
        "expected hosts with " + std::to_string(usable) +
            " processors together (cores x relative_speed), as this machine has, found " +
            number_text(processors));
  const std::int64_t machine_bytes =
      std::int64_t{::sysconf(_SC_PHYS_PAGES)} * ::sysconf(_SC_PAGESIZE);
  if (memory_bytes > machine_bytes)
    throw InputError(file, pointer + "/hosts",
                     "expected hosts with " + std::to_string(machine_bytes) +
                         " bytes of memory together, as this machine has, found " +
                         std::to_string(memory_bytes));
  if (!cluster.machines.empty())
    throw InputError(file, pointer + "/machines",
                     "expected none: every host of a testbed has a machine of its own");
}

void check_may_make_hosts() {
  if (::geteuid() != 0)
    throw InputError("", "",
                     "expected root, who alone can make hosts on this machine (network namespaces "
                     "and control groups); run it with sudo");
}

Testbed::Testbed(const Cluster& cluster, fs::path directory)
    : directory_(std::move(directory)), name_("fidelity-" + std::to_string(::getpid())) {
  check_may_make_hosts();
  fs::create_directories(directory_);
  const fs::path nominal = directory_ / "nominal.json";
  write_file(nominal, json_text(to_json(cluster)));
  const CommandResult made = run_command(
      {kPython, testbed_program(), "up", nominal, "--name", name_, "--weight", kWeight, "--pin"},
      directory_ / "testbed.log");
  if (made.status == 2) throw InputError("", "", made.last_line);
  if (made.status != 0) throw std::runtime_error("no testbed: " + made.last_line);
  try {
    read_hosts();
  } catch (...) {
    remove();
    throw;
  }
}

void Testbed::read_hosts() {
  const fs::path addressed = directory_ / "addresses.json";
  if (run_command({kPython, testbed_program(), "cluster", name_}, addressed).status != 0)
    throw std::runtime_error("the testbed does not tell its addresses");
  cluster_ = read_cluster(addressed);
  std::string hosts;
  for (const Host& host : cluster_.hosts) hosts += host.name + "\n";
  write_file(hosts_file(), hosts);
  const fs::path bound = directory_ / "processors.json";
  if (run_command({kPython, testbed_program(), "processors", name_}, bound).status != 0)
    throw std::runtime_error("the testbed does not tell its hosts' processors");
  const nlohmann::json document = parse_json(read_file(bound), bound.string());
  for (const auto& [host, list] : JsonPlace(document, bound.string(), "").object().members())
    for (const JsonPlace& number : list.array())
      processors_[host].push_back(static_cast<int>(number.integer(0)));
}

Testbed::~Testbed() { remove(); }

void Testbed::remove() const {
  try {
    const CommandResult removed =
        run_command({kPython, testbed_program(), "down", name_}, directory_ / "testbed-down.log");
    if (removed.status != 0)
      std::fprintf(stderr, "note: the testbed %s was not removed: %s\n", name_.c_str(),
                   removed.last_line.c_str());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "note: the testbed %s was not removed: %s\n", name_.c_str(), error.what());
  }
}

void Testbed::run(const std::vector<std::string>& arguments) const {
  run_on(cluster_.hosts.front().name, arguments);
}

void Testbed::run_on(const std::string& host, const std::vector<std::string>& arguments) const {
  const char* const path = std::getenv("PATH");
  // Its `ssh` is the testbed's.
  const std::string search = "PATH=/run/cadastre-testbed/" + name_ + "/bin:" +
                             (path == nullptr ? std::string("/usr/bin:/bin") : std::string(path));
  const CommandResult done =
      run_command(words_on(host, arguments), directory_ / "command.log", {search});
  check_was_done(done, arguments.front());
}

std::vector<std::string> Testbed::words_on(const std::string& host,
                                           const std::vector<std::string>& arguments) const {
  std::vector<std::string> words = {
      kPython, testbed_program(), "exec", name_, host, "--", program_directory() / "cadastre"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  return words;
}

}  // namespace cadastre
