#include "executor/launch/host_facts.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <memory>
#include <sstream>

#include "executor/launch/socket.h"
#include "executor/process_setup.h"
#include "planner/error.h"

namespace cadastre {

namespace {

struct InterfaceAddress {
  std::string interface;
  std::string address;  ///< empty: an interface without one
  bool is_up = false;
  bool is_ipv6 = false;
};

std::vector<InterfaceAddress> interface_addresses() {
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return {};
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owner(list, &::freeifaddrs);
  std::vector<InterfaceAddress> found;
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    InterfaceAddress one{
        .interface = entry->ifa_name, .address = {}, .is_up = (entry->ifa_flags & IFF_UP) != 0};
    char text[INET6_ADDRSTRLEN] = "";
    if (entry->ifa_addr != nullptr && entry->ifa_addr->sa_family == AF_INET) {
      ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(entry->ifa_addr)->sin_addr, text,
                  sizeof text);
    } else if (entry->ifa_addr != nullptr && entry->ifa_addr->sa_family == AF_INET6) {
      const in6_addr& number = reinterpret_cast<const sockaddr_in6*>(entry->ifa_addr)->sin6_addr;
      // Link-local addresses mean nothing without their interface.
      if (!IN6_IS_ADDR_LINKLOCAL(&number)) ::inet_ntop(AF_INET6, &number, text, sizeof text);
      one.is_ipv6 = true;
    }
    one.address = text;
    found.push_back(one);
  }
  std::stable_partition(found.begin(), found.end(),
                        [](const InterfaceAddress& one) { return !one.is_ipv6; });
  return found;
}

std::string first_line(const std::string& file) {
  std::ifstream stream(file);
  std::string line;
  std::getline(stream, line);
  return line;
}

/// A limit that a control group's file states; none, or "max", is no limit.
double limit_in(const std::string& file) {
  std::istringstream words(first_line(file));
  double limit = 0;
  return words >> limit && limit > 0 ? limit : std::numeric_limits<double>::infinity();
}

/// The path of this process's control group in the hierarchy of `controller` (v1), or in the
/// unified one (v2) for an empty name.
std::string control_group(const std::string& controller) {
  std::ifstream stream("/proc/self/cgroup");
  for (std::string line; std::getline(stream, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    std::istringstream names(line.substr(first + 1, second - first - 1));
    if (controller.empty() && second == first + 1) return line.substr(second + 1);
    for (std::string name; std::getline(names, name, ',');)
      if (name == controller) return line.substr(second + 1);
  }
  return "";
}

double quota_cores() {
  double cores = std::numeric_limits<double>::infinity();
  std::istringstream words(first_line("/sys/fs/cgroup" + control_group("") + "/cpu.max"));
  double quota = 0;
  double period = 0;
  if (words >> quota >> period && quota > 0 && period > 0) cores = quota / period;
  const std::string v1 = "/sys/fs/cgroup/cpu" + control_group("cpu");
  return std::min(cores, limit_in(v1 + "/cpu.cfs_quota_us") / limit_in(v1 + "/cpu.cfs_period_us"));
}

int usable_cores() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  int cores = 1;
  if (::sched_getaffinity(0, sizeof allowed, &allowed) == 0) cores = CPU_COUNT(&allowed);
  const double quota = quota_cores();
  if (std::isfinite(quota)) cores = std::min(cores, static_cast<int>(std::ceil(quota)));
  return std::max(1, cores);
}

std::int64_t available_memory_bytes() {
  double available = 0;
  std::ifstream stream("/proc/meminfo");
  constexpr double kKibi = 1024;
  for (std::string line; std::getline(stream, line);) {
    if (line.rfind("MemAvailable:", 0) != 0) continue;
    std::istringstream words(line.substr(line.find(':') + 1));
    words >> available;
    available *= kKibi;
  }
  available = std::min(available, limit_in("/sys/fs/cgroup" + control_group("") + "/memory.max"));
  available = std::min(available, limit_in("/sys/fs/cgroup/memory" + control_group("memory") +
                                           "/memory.limit_in_bytes"));
  return static_cast<std::int64_t>(available);
}

}  // namespace

HostFacts host_facts() {
  HostFacts facts;
  utsname names = {};
  if (::uname(&names) == 0) facts.name = names.nodename;
  for (const InterfaceAddress& one : interface_addresses())
    if (one.is_up && !one.address.empty() && !is_loopback(one.address))
      facts.addresses.push_back(one.address);
  facts.cores = usable_cores();
  facts.machine_cores = std::max(facts.cores, static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN)));
  if (const double quota = quota_cores(); std::isfinite(quota)) facts.quota_cores = quota;
  double load_average = 0;
  if (::getloadavg(&load_average, 1) == 1) facts.load_average = load_average;
  facts.processor = device_name();
  facts.available_memory_bytes = available_memory_bytes();
  facts.machine_id = first_line("/proc/sys/kernel/random/boot_id");
  return facts;
}

std::string interface_address(const std::string& interface) {
  std::vector<std::string> names;
  bool exists = false;
  for (const InterfaceAddress& one : interface_addresses()) {
    if (std::find(names.begin(), names.end(), one.interface) == names.end())
      names.push_back(one.interface);
    if (one.interface != interface) continue;
    exists = true;
    if (one.is_up && !one.address.empty()) return one.address;
  }
  if (exists)
    throw InputError("", "",
                     "expected an interface that is up and has an address, found " + interface +
                         ", which is not or has none");
  std::sort(names.begin(), names.end());
  std::string known;
  for (const std::string& name : names) known += (known.empty() ? "" : ", ") + name;
  throw InputError(
      "", "", "expected a network interface of this machine (" + known + "), found " + interface);
}

}  // namespace cadastre
