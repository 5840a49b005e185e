#include "executor/torchscript/archive.h"

#include <caffe2/serialize/inline_container.h>
#include <torch/csrc/jit/serialization/import.h>
#include <torch/version.h>

#include <cstdint>
#include <fstream>
#include <string>

#include "executor/launch/host_facts.h"
#include "executor/torchscript/archive_checksums.h"
#include "planner/error.h"
#include "planner/table.h"

namespace cadastre {

namespace fs = std::filesystem;

namespace {

constexpr const char* kExpected =
    "expected a TorchScript archive (torch.jit.trace or torch.jit.script, then save), found ";

/// The first line of LibTorch's message that says something of `about`, without what follows: its
/// stack. The first that says anything, where none does.
std::string line_about(const std::string& message, const std::string& about) {
  std::size_t begin = message.find(about);
  if (begin == std::string::npos) begin = 0;
  begin = message.find_first_not_of('\n', begin);
  if (begin == std::string::npos) return message;
  std::string line = message.substr(begin, message.find('\n', begin) - begin);
  while (!line.empty() && (line.back() == '.' || line.back() == ':')) line.pop_back();
  return line;
}

std::string beginning(const fs::path& file, std::size_t size) {
  std::ifstream stream(file, std::ios::binary);
  std::string bytes(size, '\0');
  stream.read(bytes.data(), static_cast<std::streamsize>(size));
  bytes.resize(static_cast<std::size_t>(stream.gcount()));
  return bytes;
}

[[noreturn]] void refuse(const fs::path& file, const std::string& found) {
  std::string message = kExpected;
  message += found;
  throw InputError(file.string(), "", message);
}

/// An archive of a few bytes may hold more than the machine: what is read is not compressed.
void check_memory(const fs::path& file) {
  const std::int64_t needed = records_bytes(file);
  const std::int64_t available = host_facts().available_memory_bytes;
  if (needed <= available) return;
  constexpr double kGiga = 1e9;
  const auto gigabytes = [](std::int64_t bytes) {
    return fixed(static_cast<double>(bytes) / kGiga, 3) + " GB";
  };
  throw InputError(file.string(), "",
                   "expected a model that fits in this machine's memory, of which " +
                       gigabytes(available) + " are free, found one of " + gigabytes(needed));
}

/// What can be said without LibTorch reading the code in it.
void check_records(const fs::path& file) {
  if (!fs::exists(file)) throw InputError(file.string(), "", "expected a file, found none");
  if (fs::is_directory(file)) refuse(file, "a directory");
  const std::string start = beginning(file, 2);
  if (start.empty()) refuse(file, "an empty file");
  if (start == "\x80\x02")
    refuse(file, "a pickle, as torch.save wrote before version 1.6; save the model itself so");
  if (start != "PK") refuse(file, "another kind of file");
  try {
    caffe2::serialize::PyTorchStreamReader reader(file.string());
    if (reader.hasRecord("constants.pkl")) {
      check_memory(file);
      check_checksums(file);
      return;
    }
    if (reader.hasRecord("data.pkl"))
      refuse(file,
             "what torch.save writes, weights or a module whose code is in Python alone; save the "
             "model itself so");
  } catch (const InputError&) {
    throw;
  } catch (const std::exception& error) {
    const std::string message = error.what();
    if (message.find("maximum supported version") != std::string::npos)
      refuse(file, "one that a newer version of PyTorch wrote (this is LibTorch " +
                       std::string(TORCH_VERSION) + "); save it with a version up to this one");
    if (message.find("hasRecord(\"version\")") != std::string::npos)
      refuse(file, "another ZIP archive");
    refuse(file, "a truncated or damaged file");
  }
  refuse(file, "another ZIP archive");
}

}  // namespace

bool looks_like_archive(const fs::path& file) {
  const std::string extension = file.extension().string();
  return extension == ".pt" || extension == ".pth" || extension == ".ts" ||
         beginning(file, 2) == "PK";
}

torch::jit::Module load_archive(const fs::path& file) {
  check_records(file);
  try {
    return torch::jit::load(file.string(), at::kCPU);
  } catch (const std::exception& error) {
    const std::string message = error.what();
    for (const char* unknown : {"Unknown builtin op", "Unknown type name", "unknown type"})
      if (message.find(unknown) != std::string::npos)
        throw InputError(file.string(), "",
                         "expected a model of PyTorch's own operations and classes, found \"" +
                             line_about(message, unknown) +
                             "\"; write custom operators and classes in Python, or leave them out");
    refuse(file, "one that LibTorch " + std::string(TORCH_VERSION) +
                     " cannot read: " + line_about(message, ""));
  }
}

}  // namespace cadastre
