#pragma once

#include <string>

namespace cadastre {

/// Lets SimGrid write what its actors do, and the use of hosts and links, to `file` in the Paje
/// format, which ViTE and pajeng show. After the making of the engine, before that of its platform;
/// the file is whole when the engine is gone.
void trace_to(const std::string& file);

}  // namespace cadastre
