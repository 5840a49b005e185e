#pragma once

#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "executor/predict/tile_blender.h"
#include "executor/predict/tile_grid.h"
#include "executor/predict/tile_scores.h"

namespace cadastre {

/// A map, or the work for it, cannot be written; what() names the map's file.
class MapWriteError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// What a map holds of every pixel.
struct MapLayers {
  std::vector<std::uint8_t> class_ids;  ///< [class index] value in the map
  bool confidence = false;              ///< the greatest probability
  bool probabilities = false;           ///< one band per class
  bool operator==(const MapLayers&) const = default;
};

/// The work for a map that is not finished, in MAP.partial/ beside it: rows that are done, as plain
/// values, and the tiles that later rows need. A prediction that ends early leaves it, and one of
/// the same fingerprint goes on from it. Held by one process at a time.
class PartialMap {
 public:
  enum class Resume { kYes, kNo };

  /// Takes up what a prediction of the same `fingerprint` has left, or clears what another one
  /// has. Throws MapWriteError when there is no room for the rows, InputError when another process
  /// is at it.
  PartialMap(const std::filesystem::path& map, const TileGrid& tiles, MapLayers layers,
             const std::string& fingerprint, Resume resume);
  ~PartialMap();
  PartialMap(const PartialMap&) = delete;
  PartialMap& operator=(const PartialMap&) = delete;

  /// From which tile row on tiles are needed.
  [[nodiscard]] std::int64_t first_tile_row() const;

  /// Tiles from there on that are kept, ascending. Damaged ones are forgotten.
  [[nodiscard]] std::vector<std::int64_t> kept_tiles() const;
  [[nodiscard]] TileScores kept(std::int64_t tile) const;

  void keep(const TileScores& scores);
  void write(const MapRows& rows);

  /// Everything is to go, with this object.
  void discard() { is_discarded_ = true; }

  [[nodiscard]] const std::filesystem::path& directory() const { return directory_; }

  /// What is sieved is a copy, so that a prediction that is cut off meanwhile finds its rows:
  /// copies them to a file that is `class_file()` from now on. Throws MapWriteError.
  void copy_classes_to_sieve();

  /// (R, C) bytes; (R, C) float32; (R, K, C) float32.
  [[nodiscard]] std::filesystem::path class_file() const {
    return directory_ / (is_sieved_ ? "sieved.raw" : "classes.raw");
  }

  [[nodiscard]] std::filesystem::path confidence_file() const {
    return directory_ / "confidence.raw";
  }

  [[nodiscard]] std::filesystem::path probability_file() const {
    return directory_ / "probabilities.raw";
  }

 private:
  void open(Resume resume);
  void close();
  void open_directory();
  bool take_up(const std::string& fingerprint);
  void write_state() const;
  int open_rows(const std::filesystem::path& file, std::int64_t num_bytes) const;
  void write_at(int descriptor, const void* values, std::size_t num_bytes,
                std::int64_t offset) const;
  [[noreturn]] void fail(int cause) const;
  [[nodiscard]] std::filesystem::path tile_file(std::int64_t tile) const;

  std::filesystem::path map_;
  std::filesystem::path directory_;
  TileGrid tiles_;
  MapLayers layers_;
  std::string fingerprint_;
  bool is_discarded_ = false;
  bool is_sieved_ = false;
  std::int64_t num_rows_done_ = 0;  // tile rows
  int lock_ = -1;
  int classes_ = -1;
  int confidence_ = -1;
  int probabilities_ = -1;
};

}  // namespace cadastre
