#pragma once

#include <filesystem>
#include <vector>

#include "executor/scene/found_file.h"

namespace cadastre {

/// Whether a JSON file is a STAC item (a GeoJSON feature with "stac_version" and "assets").
[[nodiscard]] bool is_stac_item(const std::filesystem::path& file);

/// The assets of a STAC item that lie on this machine, inspected, with what the item says of them:
/// key, roles, classes (the classification extension, of the asset or its bands). Assets elsewhere
/// (https://…) come back unreadable. Throws InputError when the item is malformed.
/// Source: STAC specification 1.0, its extensions "classification" and "raster".
[[nodiscard]] std::vector<FoundFile> stac_assets(const std::filesystem::path& file);

}  // namespace cadastre
