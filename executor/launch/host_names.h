#pragma once

#include <string>
#include <vector>

#include "executor/launch/hosts_file.h"

namespace cadastre {

/// What a cluster calls the machines of a hosts file: as their lines say, else by their
/// destinations without user and domain, where that tells them apart.
[[nodiscard]] std::vector<std::string> names_of_hosts(const std::vector<RemoteHost>& hosts);

/// What a cluster calls the machines that a launcher started ranks on: by their names without
/// domain; those of several ranks with the rank's number on it behind, as "lab1-2".
[[nodiscard]] std::vector<std::string> names_of_machines(const std::vector<std::string>& machines);

}  // namespace cadastre
