#include "executor/predict/patch_axis.h"

#include <algorithm>
#include <map>
#include <utility>

namespace cadastre {

RowClasses row_classes(const std::vector<std::optional<std::vector<ReadRow>>>& reads,
                       const std::vector<const std::vector<RowPlace>*>& sources) {
  RowClasses made;
  std::map<std::vector<RowTap>, int> known;
  for (const std::optional<std::vector<ReadRow>>& of_row : reads) {
    RowPlace& place = made.places.emplace_back();
    if (!of_row) continue;
    std::vector<RowTap> taps;
    for (const ReadRow& read : *of_row)
      for (std::size_t source = 0; source < sources.size(); ++source) {
        const RowPlace& from = (*sources[source])[static_cast<std::size_t>(read.row)];
        if (taps.empty()) place.offset = from.offset;
        taps.push_back({.tap = read.tap,
                        .source = static_cast<int>(source),
                        .cls = from.cls,
                        .offset = from.offset - place.offset});
      }
    const auto [found, is_new] = known.emplace(taps, static_cast<int>(made.classes.size()));
    if (is_new)
      made.classes.push_back(
          {.taps = std::move(taps), .first = place.offset, .last = place.offset});
    place.cls = found->second;
    RowClass& of_class = made.classes[static_cast<std::size_t>(place.cls)];
    of_class.first = std::min(of_class.first, place.offset);
    of_class.last = std::max(of_class.last, place.offset);
  }
  return made;
}

}  // namespace cadastre
