#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace cadastre {

/// A machine to start a rank on.
struct RemoteHost {
  std::string destination;  ///< as ssh takes it: "lab1", "maria@10.0.0.3"
  std::string host;         ///< the plan's name for it; empty: by the destination, or in order
  int line = 0;             ///< in the file
  bool operator==(const RemoteHost&) const = default;
};

/// Lines `DESTINATION [HOST]`; empty ones and what follows a `#` are passed over. Throws InputError
/// with file and line for a line of more words, a host named twice, and a file without hosts.
[[nodiscard]] std::vector<RemoteHost> read_hosts(const std::filesystem::path& file);

/// The machine for each of `names`, a plan's hosts: the one whose line names it, or else whose
/// destination is (user and domain apart) it. Where no line does either, they serve in order.
/// Throws InputError naming the host that no line serves.
[[nodiscard]] std::vector<RemoteHost> hosts_for(const std::vector<RemoteHost>& hosts,
                                                const std::vector<std::string>& names,
                                                const std::filesystem::path& file);

/// The name in a destination, without user and domain.
[[nodiscard]] std::string short_name(const std::string& destination);

}  // namespace cadastre
