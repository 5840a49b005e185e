#pragma once

#include <optional>
#include <vector>

namespace cadastre {

// How the patches of neighbouring pixels share what a network computes of them, along one axis
// (rows, say; columns are alike).
//
// Row r of a layer's map, in the patch of the pixel at y, depends on the ground around y + r, and
// on r itself only where the patch's border is near: convolutions put zeros there. So rows fall
// into classes: an image is computed of each class, once for all pixels, and row r of the patch at
// y is row y + offset of the image of its class. In the middle of a patch all rows are of one
// class.

/// Where a patch's row is found: in row y + offset of an image of class `cls`.
struct RowPlace {
  int cls = -1;  ///< -1: nobody needs the row
  int offset = 0;
  bool operator==(const RowPlace&) const = default;
};

/// One of the rows from which a row is computed.
struct RowTap {
  int tap = 0;     ///< of the kernel
  int source = 0;  ///< which input, where there are several
  int cls = 0;     ///< of that input
  int offset = 0;  ///< from the row that is computed
  auto operator<=>(const RowTap&) const = default;
};

/// Rows that are computed alike.
struct RowClass {
  std::vector<RowTap> taps;
  int first = 0;  ///< least offset of a row of the class
  int last = 0;   ///< greatest: the image has `last - first` rows more than there are pixels
};

/// A layer's rows, and what computes them.
struct RowClasses {
  std::vector<RowPlace> places;  ///< of each row of the patch's map
  std::vector<RowClass> classes;
};

/// The rows of an input that a row reads: tap and row, those in the padding left out.
struct ReadRow {
  int tap = 0;
  int row = 0;
};

/// `reads`: of each row of the map, nothing where nobody needs it. `sources`: the places of each
/// input's rows, all of which are read by the same taps.
[[nodiscard]] RowClasses row_classes(const std::vector<std::optional<std::vector<ReadRow>>>& reads,
                                     const std::vector<const std::vector<RowPlace>*>& sources);

}  // namespace cadastre
