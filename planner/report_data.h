#pragma once

#include <string>

namespace cadastre {

/// A report's data as it is put into the page: {"deflate": BASE64 of the zlib stream (RFC 1950) of
/// `json`}, which the page inflates by itself. In builds without zlib `json` itself, which the page
/// takes too.
[[nodiscard]] std::string pack_report_data(const std::string& json);

[[nodiscard]] std::string base64(const std::string& bytes);  ///< RFC 4648, with padding

}  // namespace cadastre
