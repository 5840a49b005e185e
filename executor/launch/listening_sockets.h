#pragma once

#include <vector>

namespace cadastre {

/// The descriptors of this process's TCP sockets that listen, ascending. Libraries keep theirs to
/// themselves.
[[nodiscard]] std::vector<int> listening_sockets();

/// Has the kernel drop whatever asks the listening socket for a connection from now on, as if
/// nothing were there; connections that it has accepted stay. False where this is no such socket,
/// or the kernel does not know how.
[[nodiscard]] bool refuse_connections(int listening_socket);

}  // namespace cadastre
