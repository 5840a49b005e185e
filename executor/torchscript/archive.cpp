#include "executor/torchscript/archive.h"

#include <caffe2/serialize/inline_container.h>
#include <torch/csrc/jit/serialization/import.h>
#include <torch/version.h>

#include <fstream>
#include <string>

#include "planner/error.h"

namespace cadastre {

namespace fs = std::filesystem;

namespace {

constexpr const char* kExpected =
    "expected a TorchScript archive (torch.jit.trace or torch.jit.script, then save), found ";

/// The first line of LibTorch's message, which goes on with its own stack.
std::string first_line(const std::string& message) { return message.substr(0, message.find('\n')); }

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
    if (reader.hasRecord("constants.pkl")) return;
    if (reader.hasRecord("data.pkl"))
      refuse(file, "weights alone, as torch.save writes them; save the model itself so");
  } catch (const InputError&) {
    throw;
  } catch (const std::exception& error) {
    const std::string message = error.what();
    if (message.find("version") != std::string::npos)
      refuse(file, "one that a newer version of PyTorch wrote (this is LibTorch " +
                       std::string(TORCH_VERSION) + "); save it with a version up to this one");
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
    if (message.find("Unknown builtin op") != std::string::npos ||
        message.find("unknown type") != std::string::npos ||
        message.find("Unknown type name") != std::string::npos)
      throw InputError(file.string(), "",
                       "expected a model of PyTorch's own operations and modules, found " +
                           first_line(message) +
                           "; custom operators and classes cannot be imported");
    refuse(file, "one that LibTorch " + std::string(TORCH_VERSION) +
                     " cannot read: " + first_line(message));
  }
}

}  // namespace cadastre
