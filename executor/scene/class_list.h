#pragma once

#include <array>
#include <string>
#include <vector>

#include "executor/scene/found_file.h"
#include "planner/scene.h"

namespace cadastre {

/// The classes of a label raster: its values but 0, with the names and colours that it has, else
/// "class 3" and a colour unlike the others'. Throws InputError where a value cannot be an id.
[[nodiscard]] std::vector<LandCoverClass> classes_of_raster(const FoundFile& labels);

/// The classes of label polygons: ids as the attribute has them when they are numbers, else its
/// texts, numbered from 1 on in their order. Throws InputError where it has none, or too many.
[[nodiscard]] std::vector<LandCoverClass> classes_of_vector(const FoundFile& labels,
                                                            const std::string& layer,
                                                            const std::string& attribute);

/// Names, adds or colours classes: ID=NAME or ID=NAME=#rrggbb each. Throws InputError.
void name_classes(const std::vector<std::string>& given, std::vector<LandCoverClass>& classes);

/// The i-th of colours that are told apart: hues by the golden angle, in turn lighter and darker.
[[nodiscard]] std::array<int, 3> distinct_color(std::size_t i);

}  // namespace cadastre
