#include "executor/launch/hosts_file.h"

#include <algorithm>
#include <set>
#include <sstream>

#include "planner/error.h"
#include "planner/files.h"

namespace cadastre {

namespace {

std::string line_place(const std::filesystem::path& file, int line) {
  return file.string() + ":" + std::to_string(line);
}

}  // namespace

std::vector<RemoteHost> read_hosts(const std::filesystem::path& file) {
  std::vector<RemoteHost> hosts;
  std::set<std::string> seen;
  std::istringstream lines(read_file(file));
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    std::istringstream words(line.substr(0, line.find('#')));
    RemoteHost host;
    host.line = number;
    std::string more;
    if (!(words >> host.destination)) continue;
    words >> host.host;
    if (words >> more)
      throw InputError(
          line_place(file, number), "",
          "expected a destination of ssh and at most a host's name, found also \"" + more + "\"");
    // As a word of its own it would be an option of ssh.
    if (host.destination.front() == '-')
      throw InputError(line_place(file, number), "",
                       "expected a destination of ssh, found \"" + host.destination + "\"");
    const std::string& name = host.host.empty() ? host.destination : host.host;
    if (!seen.insert(name).second)
      throw InputError(line_place(file, number), "",
                       "expected each host once, found " + name + " again");
    hosts.push_back(host);
  }
  if (hosts.empty())
    throw InputError(file.string(), "", "expected a line for each host, found none");
  return hosts;
}

std::string short_name(const std::string& destination) {
  const std::string name = destination.substr(destination.find('@') + 1);
  // An address has no domain.
  if (name.find_first_not_of("0123456789.") == std::string::npos ||
      name.find(':') != std::string::npos)
    return name;
  return name.substr(0, name.find('.'));
}

std::vector<RemoteHost> hosts_for(const std::vector<RemoteHost>& hosts,
                                  const std::vector<std::string>& names,
                                  const std::filesystem::path& file) {
  const auto serves = [](const RemoteHost& host, const std::string& name) {
    if (!host.host.empty()) return host.host == name;
    return host.destination == name || short_name(host.destination) == name;
  };
  const bool named = std::any_of(hosts.begin(), hosts.end(), [&](const RemoteHost& host) {
    return !host.host.empty() ||
           std::any_of(names.begin(), names.end(),
                       [&](const std::string& name) { return serves(host, name); });
  });
  std::vector<RemoteHost> found;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto host =
        named ? std::find_if(hosts.begin(), hosts.end(),
                             [&](const RemoteHost& one) { return serves(one, names[i]); })
              : hosts.begin() + static_cast<std::ptrdiff_t>(std::min(i, hosts.size()));
    if (host == hosts.end())
      throw InputError(file.string(), "",
                       named
                           ? "expected a line for the plan's host " + names[i] + ", found none"
                           : "expected " + std::to_string(names.size()) +
                                 " hosts, as the plan has, found " + std::to_string(hosts.size()));
    found.push_back(*host);
  }
  return found;
}

}  // namespace cadastre
