#pragma once

#include <cstdint>
#include <filesystem>

namespace cadastre {

/// Reads the whole ZIP file, which LibTorch does without a look at the checksums in it: a flipped
/// bit of a weight would be trained. Throws InputError in the name of `file`, with the record,
/// where what is read is not what was written. A record without a checksum (0) passes.
void check_checksums(const std::filesystem::path& file);

/// What the records of the ZIP file come to in memory, as it says. Throws InputError likewise.
[[nodiscard]] std::int64_t records_bytes(const std::filesystem::path& file);

}  // namespace cadastre
