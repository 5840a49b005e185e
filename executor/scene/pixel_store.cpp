#include "executor/scene/pixel_store.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <string>

#include "planner/error.h"

namespace cadastre {

namespace fs = std::filesystem;

namespace {

struct File {
  int descriptor = -1;

  ~File() {
    if (descriptor >= 0) ::close(descriptor);
  }
};

[[noreturn]] void fail(const fs::path& directory, std::size_t bytes, int error) {
  std::string message = directory.string() + ": expected room for " +
                        std::to_string((bytes + 999'999) / 1'000'000) +
                        " MB of pixels, found: " + std::strerror(error);
  message += "; set TMPDIR to a directory with more room";
  throw std::runtime_error(message);
}

}  // namespace

PixelStore PixelStore::in_file(std::size_t size, const fs::path& directory) {
  const std::size_t bytes = std::max<std::size_t>(1, size) * sizeof(float);
  std::string name = (directory / "cadastre-pixels-XXXXXX").string();
  File file;
  file.descriptor = ::mkostemp(name.data(), O_CLOEXEC);
  if (file.descriptor < 0) fail(directory, bytes, errno);
  ::unlink(name.c_str());
  // Now, rather than by SIGBUS when a page is written.
  if (const int error = ::posix_fallocate(file.descriptor, 0, static_cast<off_t>(bytes)))
    fail(directory, bytes, error);
  void* const start =
      ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.descriptor, 0);
  if (start == MAP_FAILED) fail(directory, bytes, errno);
  PixelStore store;
  store.mapped_size_ = size;
  store.mapping_ = std::shared_ptr<float[]>(static_cast<float*>(start),
                                            [bytes](float* mapped) { ::munmap(mapped, bytes); });
  return store;
}

bool PixelStore::operator==(const PixelStore& other) const {
  return std::equal(begin(), end(), other.begin(), other.end());
}

std::int64_t default_scene_memory_bytes() {
  constexpr char kVariable[] = "CADASTRE_SCENE_MEMORY_BYTES";
  if (const char* text = std::getenv(kVariable)) {
    std::int64_t bytes = 0;
    const char* const end = text + std::strlen(text);
    const auto [stopped, error] = std::from_chars(text, end, bytes);
    if (error != std::errc() || stopped != end || bytes < 0)
      throw InputError(
          "", "", std::string(kVariable) + ": expected a number of bytes, found \"" + text + "\"");
    return bytes;
  }
  std::ifstream facts("/proc/meminfo");
  std::string line;
  while (std::getline(facts, line))
    if (line.rfind("MemAvailable:", 0) == 0)
      return std::strtoll(line.c_str() + std::strlen("MemAvailable:"), nullptr, 10) * 1024 / 4;
  return ::sysconf(_SC_PHYS_PAGES) * ::sysconf(_SC_PAGESIZE) / 8;
}

}  // namespace cadastre
