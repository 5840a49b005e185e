#include "simulator/paje_trace.h"

#include <simgrid/s4u.hpp>

namespace cadastre {

void trace_to(const std::string& file) {
  using simgrid::s4u::Engine;
  Engine::set_config("tracing:yes");
  Engine::set_config("tracing/filename:" + file);
  Engine::set_config("tracing/platform:yes");
  Engine::set_config("tracing/uncategorized:yes");
  Engine::set_config("tracing/actor:yes");
}

}  // namespace cadastre
