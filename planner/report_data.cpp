#include "planner/report_data.h"

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "planner/error.h"

#if CADASTRE_WITH_ZLIB
#include <zlib.h>
#endif

namespace cadastre {

namespace {

constexpr std::string_view kDigits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

#if CADASTRE_WITH_ZLIB

std::string deflated(const std::string& text) {
  uLongf size = compressBound(static_cast<uLong>(text.size()));
  std::string packed(size, '\0');
  if (compress2(reinterpret_cast<Bytef*>(packed.data()), &size,
                reinterpret_cast<const Bytef*>(text.data()), static_cast<uLong>(text.size()),
                Z_DEFAULT_COMPRESSION) != Z_OK)
    throw InputError("", "", "the report's data could not be compressed: out of memory");
  packed.resize(size);
  return packed;
}

#endif

}  // namespace

std::string base64(const std::string& bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k)
      group = group << 8 | (k < count ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k)
      text += k <= count ? kDigits[group >> (18 - 6 * k) & 63U] : '=';
  }
  return text;
}

#if CADASTRE_WITH_ZLIB

std::string pack_report_data(const std::string& json) {
  return R"({"deflate":")" + base64(deflated(json)) + R"("})";
}

#else

std::string pack_report_data(const std::string& json) { return json; }

#endif

}  // namespace cadastre
