#pragma once

#include <torch/csrc/jit/api/module.h>

#include <filesystem>

namespace cadastre {

/// Whether the file is to be read as an archive of PyTorch, and not as a document: it begins as a
/// ZIP file does, or is named so (.pt, .pth, .ts).
[[nodiscard]] bool looks_like_archive(const std::filesystem::path& file);

/// A model that Python saved with `torch.jit.save`. Throws InputError, with what to do, when it is
/// none: a missing, truncated or other file, weights alone, or what a newer version wrote.
[[nodiscard]] torch::jit::Module load_archive(const std::filesystem::path& file);

}  // namespace cadastre
