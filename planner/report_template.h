#pragma once

#include <string_view>

namespace cadastre {

/// The report viewer as one HTML page with a marker where the data goes (see `make_report`); empty
/// in builds without the viewer (CADASTRE_WEB=OFF).
[[nodiscard]] std::string_view report_template();

}  // namespace cadastre
