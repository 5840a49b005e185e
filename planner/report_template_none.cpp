#include "planner/report_template.h"

namespace cadastre {

std::string_view report_template() { return {}; }

}  // namespace cadastre
