#include "executor/torchscript/archive_checksums.h"

#include <minizip/unzip.h>

#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "planner/error.h"

namespace cadastre {

namespace {

struct Close {
  void operator()(void* archive) const { unzClose(archive); }
};

using Archive = std::unique_ptr<void, Close>;

/// Whether all of the archive's current record can be read, and has its checksum.
bool is_sound(void* archive, std::vector<char>& buffer) {
  if (unzOpenCurrentFile(archive) != UNZ_OK) return false;
  int num_read = 1;
  while (num_read > 0)
    num_read = unzReadCurrentFile(archive, buffer.data(), static_cast<unsigned>(buffer.size()));
  // It is on closing that minizip compares.
  return unzCloseCurrentFile(archive) == UNZ_OK && num_read == 0;
}

[[noreturn]] void refuse(const std::filesystem::path& file, const std::string& found) {
  std::string message = "expected an archive as it was written, found ";
  message += found;
  throw InputError(file.string(), "", message + "; copy the file again, or save it again");
}

struct Record {
  std::string name;
  unz_file_info64 facts{};
};

/// `visit(archive, record)` for each, the archive standing at it.
void for_each_record(const std::filesystem::path& file,
                     const std::function<void(void*, const Record&)>& visit) {
  const Archive archive(unzOpen64(file.c_str()));
  if (archive == nullptr) refuse(file, "a truncated or damaged file");
  std::vector<char> name(std::numeric_limits<unsigned short>::max() + std::size_t{1});
  int found = unzGoToFirstFile(archive.get());
  for (; found == UNZ_OK; found = unzGoToNextFile(archive.get())) {
    Record record;
    if (unzGetCurrentFileInfo64(archive.get(), &record.facts, name.data(), name.size() - 1, nullptr,
                                0, nullptr, 0) != UNZ_OK)
      refuse(file, "a damaged list of its records");
    record.name = name.data();
    visit(archive.get(), record);
  }
  if (found != UNZ_END_OF_LIST_OF_FILE) refuse(file, "a damaged list of its records");
}

}  // namespace

void check_checksums(const std::filesystem::path& file) {
  constexpr std::size_t kBufferBytes = std::size_t{1} << 20;
  std::vector<char> buffer(kBufferBytes);
  for_each_record(file, [&](void* archive, const Record& record) {
    if (record.facts.crc == 0 || is_sound(archive, buffer)) return;
    refuse(file, "other bytes in its record " + record.name + " than its checksum was taken of");
  });
}

std::int64_t records_bytes(const std::filesystem::path& file) {
  std::int64_t bytes = 0;
  for_each_record(file, [&](void*, const Record& record) {
    bytes += static_cast<std::int64_t>(record.facts.uncompressed_size);
  });
  return bytes;
}

}  // namespace cadastre
