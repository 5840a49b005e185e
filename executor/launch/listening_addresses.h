#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "executor/launch/socket.h"

namespace cadastre {

/// The numeric addresses at which a coordinator has to listen that its ranks call `name`: those of
/// this machine that the name stands for here. Where it stands for none of them (translated
/// addresses), or as a name only for loopback ones (Debian's `127.0.1.1 lab1` in /etc/hosts), it
/// may stand for others elsewhere: for any of the machine's interfaces that are up, or that of
/// `interface`, where that is not empty. Never the one that stands for all. Throws
/// std::runtime_error for a name that does not resolve, InputError for an interface that is not
/// there, where it is needed.
[[nodiscard]] std::vector<std::string> listening_addresses(const std::string& name,
                                                           const std::string& interface);

/// Listens on each of the addresses, at one port; 0: a free one. Throws std::runtime_error with
/// address, port and cause.
[[nodiscard]] std::vector<Socket> listen_on_each(const std::vector<std::string>& addresses,
                                                 std::uint16_t port);

}  // namespace cadastre
