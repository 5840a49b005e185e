#pragma once

#include <string>
#include <vector>

#include "executor/scene/scene_guess.h"

namespace cadastre {

/// Modalities of rasters of measurements: each file one, but files of one grid whose names differ
/// only in a band (LC08_B2.TIF, LC08_B3.TIF), or that are of one STAC item, are one together, in
/// the order of their bands. Alpha bands are left out. Sets what each file was taken as.
[[nodiscard]] std::vector<Modality> group_modalities(std::vector<TakenFile*>& files);

/// The modality that NAME=FILE[,FILE…][:BAND,BAND…] says. Throws InputError.
[[nodiscard]] Modality modality_by_hand(const std::string& text);

}  // namespace cadastre
