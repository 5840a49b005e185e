#include "executor/predict/partial_map.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "planner/error.h"
#include "planner/files.h"

namespace cadastre {

namespace fs = std::filesystem;

namespace {

constexpr const char* kStateName = "state.json";
constexpr const char* kTileEnding = ".tile";

std::size_t most_probable(const float* probabilities, std::size_t num_classes,
                          std::size_t distance) {
  std::size_t best = 0;
  for (std::size_t k = 1; k < num_classes; ++k)
    if (probabilities[k * distance] > probabilities[best * distance]) best = k;
  return best;
}

}  // namespace

PartialMap::PartialMap(const fs::path& map, const TileGrid& tiles, MapLayers layers,
                       const std::string& fingerprint, Resume resume)
    : map_(map),
      directory_(map.string() + ".partial"),
      tiles_(tiles),
      layers_(std::move(layers)),
      fingerprint_(fingerprint) {
  try {
    open(resume);
  } catch (const MapWriteError&) {
    discard();  // it would keep the disk full
    close();
    throw;
  } catch (...) {
    close();
    throw;
  }
}

void PartialMap::open(Resume resume) {
  open_directory();
  if (resume == Resume::kNo || !take_up(fingerprint_)) {
    std::error_code error;
    for (const fs::directory_entry& entry : fs::directory_iterator(directory_, error))
      if (entry.path().filename() != "lock") fs::remove_all(entry.path(), error);
    num_rows_done_ = 0;
    write_state();
  }
  const std::int64_t num_pixels = tiles_.num_rows * tiles_.num_columns;
  const auto num_classes = static_cast<std::int64_t>(layers_.class_ids.size());
  constexpr auto kFloatBytes = static_cast<std::int64_t>(sizeof(float));
  classes_ = open_rows(class_file(), num_pixels);
  if (layers_.confidence) confidence_ = open_rows(confidence_file(), num_pixels * kFloatBytes);
  if (layers_.probabilities)
    probabilities_ = open_rows(probability_file(), num_pixels * num_classes * kFloatBytes);
}

PartialMap::~PartialMap() { close(); }

void PartialMap::close() {
  for (const int descriptor : {classes_, confidence_, probabilities_})
    if (descriptor >= 0) ::close(descriptor);
  std::error_code ignored;
  if (is_discarded_) fs::remove_all(directory_, ignored);
  if (lock_ >= 0) ::close(lock_);
}

void PartialMap::fail(int cause) const {
  throw MapWriteError(map_.string() + ": cannot be written: " + std::strerror(cause));
}

void PartialMap::open_directory() {
  std::error_code error;
  fs::create_directories(directory_, error);
  if (error) fail(error.value());
  lock_ = ::open((directory_ / "lock").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0666);
  if (lock_ < 0) fail(errno);
  if (::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    ::close(lock_);
    throw InputError(map_.string(), "",
                     "expected no other prediction of this map, found one under way");
  }
}

bool PartialMap::take_up(const std::string& fingerprint) {
  try {
    const nlohmann::json state = nlohmann::json::parse(read_file(directory_ / kStateName));
    num_rows_done_ = state.at("tile_rows").get<std::int64_t>();
    return state.at("fingerprint") == fingerprint && num_rows_done_ >= 0 &&
           num_rows_done_ <= tiles_.num_tile_rows();
  } catch (const std::exception&) {
    return false;  // none, or not ours: the map is made anew
  }
}

void PartialMap::write_state() const {
  try {
    write_file(directory_ / kStateName,
               nlohmann::json{{"fingerprint", fingerprint_}, {"tile_rows", num_rows_done_}}.dump());
  } catch (const std::runtime_error&) {
    fail(errno != 0 ? errno : EIO);
  }
}

int PartialMap::open_rows(const fs::path& file, std::int64_t num_bytes) const {
  const int descriptor = ::open(file.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0666);
  if (descriptor < 0) fail(errno);
  // Where the file system can say so, now rather than after hours.
  if (::fallocate(descriptor, 0, 0, num_bytes) != 0 && errno != EOPNOTSUPP && errno != ENOSYS) {
    const int cause = errno;
    ::close(descriptor);
    fail(cause);
  }
  return descriptor;
}

void PartialMap::write_at(int descriptor, const void* values, std::size_t num_bytes,
                          std::int64_t offset) const {
  const char* next = static_cast<const char*>(values);
  while (num_bytes > 0) {
    const ssize_t written = ::pwrite(descriptor, next, num_bytes, offset);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) fail(errno);
    next += written;
    offset += written;
    num_bytes -= static_cast<std::size_t>(written);
  }
}

std::int64_t PartialMap::first_tile_row() const {
  return tiles_.ramp > 0 ? std::max<std::int64_t>(0, num_rows_done_ - 1) : num_rows_done_;
}

fs::path PartialMap::tile_file(std::int64_t tile) const {
  return directory_ / (std::to_string(tile) + kTileEnding);
}

std::vector<std::int64_t> PartialMap::kept_tiles() const {
  std::vector<std::int64_t> tiles;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory_, error)) {
    const std::string stem = entry.path().stem().string();
    if (entry.path().extension() != kTileEnding || stem.empty() ||
        stem.find_first_not_of("0123456789") != std::string::npos)
      continue;
    const std::int64_t tile = std::stoll(stem);
    if (tile / tiles_.num_tile_columns() < first_tile_row() || tile >= tiles_.num_tiles()) continue;
    try {
      static_cast<void>(kept(tile));
      tiles.push_back(tile);
    } catch (const std::runtime_error&) {
      // Written when the process was ended: it is scored again.
    }
  }
  std::sort(tiles.begin(), tiles.end());
  return tiles;
}

TileScores PartialMap::kept(std::int64_t tile) const {
  TileScores scores = tile_scores_from(read_file(tile_file(tile)));
  const Window& extent = tile_of(tiles_, tile).extent;
  const auto num_pixels = static_cast<std::size_t>(extent.num_rows * extent.num_columns);
  if (scores.tile != tile || scores.has_data.size() != num_pixels ||
      (!scores.probabilities.empty() &&
       scores.probabilities.size() != num_pixels * layers_.class_ids.size()))
    throw std::runtime_error("a tile's scores are another's");
  return scores;
}

void PartialMap::keep(const TileScores& scores) {
  const std::string bytes = encode(scores);
  const int descriptor =
      ::open(tile_file(scores.tile).c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0666);
  if (descriptor < 0) fail(errno);
  try {
    write_at(descriptor, bytes.data(), bytes.size(), 0);
  } catch (...) {
    ::close(descriptor);
    throw;
  }
  ::close(descriptor);
}

void PartialMap::copy_classes_to_sieve() {
  const fs::path rows = class_file();
  is_sieved_ = true;
  std::error_code error;
  fs::copy_file(rows, class_file(), fs::copy_options::overwrite_existing, error);
  if (error) fail(error.value());
}

void PartialMap::write(const MapRows& rows) {
  const std::size_t num_classes = layers_.class_ids.size();
  const auto num_columns = static_cast<std::size_t>(tiles_.num_columns);
  const auto num_pixels = static_cast<std::size_t>(rows.num_rows) * num_columns;
  std::vector<std::uint8_t> class_ids(num_pixels, 0);
  std::vector<float> confidence(num_pixels, 0);
  for (std::size_t pixel = 0; pixel < num_pixels; ++pixel) {
    if (rows.has_data[pixel] == 0) continue;
    const std::size_t best =
        most_probable(rows.probabilities.data() + pixel, num_classes, num_pixels);
    class_ids[pixel] = layers_.class_ids[best];
    confidence[pixel] = rows.probabilities[best * num_pixels + pixel];
  }
  const std::int64_t first = rows.first_row * tiles_.num_columns;
  constexpr auto kFloatBytes = static_cast<std::int64_t>(sizeof(float));
  write_at(classes_, class_ids.data(), num_pixels, first);
  if (layers_.confidence)
    write_at(confidence_, confidence.data(), num_pixels * sizeof(float), first * kFloatBytes);
  if (layers_.probabilities) {
    std::vector<float> lines(num_pixels * num_classes, 0);
    for (std::size_t y = 0; y < static_cast<std::size_t>(rows.num_rows); ++y)
      for (std::size_t k = 0; k < num_classes; ++k)
        for (std::size_t x = 0; x < num_columns; ++x)
          if (rows.has_data[y * num_columns + x] != 0)
            lines[(y * num_classes + k) * num_columns + x] =
                rows.probabilities[k * num_pixels + y * num_columns + x];
    write_at(probabilities_, lines.data(), lines.size() * sizeof(float),
             first * static_cast<std::int64_t>(num_classes) * kFloatBytes);
  }
  // What the state says to be done must be there, whatever ends the machine.
  for (const int descriptor : {classes_, confidence_, probabilities_})
    if (descriptor >= 0 && ::fdatasync(descriptor) != 0) fail(errno);
  num_rows_done_ = std::max(num_rows_done_, rows.tile_row + 1);
  write_state();
  std::error_code ignored;
  for (std::int64_t row = std::max<std::int64_t>(0, first_tile_row() - 2); row < first_tile_row();
       ++row)
    for (std::int64_t column = 0; column < tiles_.num_tile_columns(); ++column)
      fs::remove(tile_file(row * tiles_.num_tile_columns() + column), ignored);
}

}  // namespace cadastre
