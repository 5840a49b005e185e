#pragma once

#include <string>
#include <vector>

#include "planner/device.h"
#include "planner/profile.h"

namespace cadastre {

/// The profile of a checked model that nobody measured: every layer's work (`layer_work`) on the
/// device's roofline (`roofline.h`). Bytes are those that a measured profile has. Throws InputError
/// at `file` and `pointer`, the model's, for a layer that only a profile knows (`Profiled`).
[[nodiscard]] Profile estimated_profile(const ModelGraph& model, const Device& device,
                                        const std::string& file, const std::string& pointer);

/// `profile` carried over to a changed model: other widths, another fusion point, layers added or
/// left out. A layer that is as it was keeps its measurements. One of the same id and kind keeps
/// its rate: seconds per operation where it is a convolution or linear, per byte elsewhere, at each
/// measured size. A new one gets the median rate of its kind, or, where there was none of it, of
/// the layers counted as it is. What is not layer by layer stays per sample and per byte, but
/// loading goes with the bytes of the model's inputs. What waiting costs is the whole network's, and
/// left out for another.
///
/// Throws InputError at `file` and `pointer`, the changed model's, where the profile tells no rate:
/// a new layer known by its profile only, or a kind that nothing measured compares with.
[[nodiscard]] Profile rescaled_profile(const Profile& profile, const ModelGraph& model,
                                       const std::string& file, const std::string& pointer);

}  // namespace cadastre
