#include "executor/launch/host_names.h"

#include <algorithm>
#include <map>
#include <set>

namespace cadastre {

std::vector<std::string> names_of_hosts(const std::vector<RemoteHost>& hosts) {
  std::map<std::string, int> num_uses;
  for (const RemoteHost& host : hosts)
    ++num_uses[host.host.empty() ? short_name(host.destination) : host.host];
  std::vector<std::string> names;
  for (const RemoteHost& host : hosts) {
    const std::string brief = short_name(host.destination);
    if (!host.host.empty())
      names.push_back(host.host);
    else
      names.push_back(num_uses[brief] == 1 ? brief : host.destination);
  }
  return names;
}

std::vector<std::string> names_of_machines(const std::vector<std::string>& machines) {
  std::vector<std::string> brief;
  for (const std::string& machine : machines) brief.push_back(short_name(machine));
  std::set<std::string> taken(brief.begin(), brief.end());
  std::map<std::string, int> num_uses;
  std::vector<std::string> names;
  for (const std::string& name : brief) {
    if (std::count(brief.begin(), brief.end(), name) == 1) {
      names.push_back(name);
      continue;
    }
    std::string numbered;
    do {
      numbered = name;
      numbered += '-';
      numbered += std::to_string(++num_uses[name]);
    } while (!taken.insert(numbered).second);
    names.push_back(numbered);
  }
  return names;
}

}  // namespace cadastre
