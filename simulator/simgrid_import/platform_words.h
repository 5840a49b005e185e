#pragma once

#include <pugixml.hpp>
#include <string>

namespace cadastre {

/// Checks that `platform` is made of the elements and attributes of SimGrid's platform files (its
/// DTD, versions 4 and 4.1), each where it may be. Their order, and what their values mean, is left
/// to SimGrid. Throws InputError, naming `file` and the line in `text`.
void check_platform_words(const pugi::xml_node& platform, const std::string& text,
                          const std::string& file);

/// `line N`: where `node` begins in the text that was parsed.
[[nodiscard]] std::string line_of(const pugi::xml_node& node, const std::string& text);

}  // namespace cadastre
