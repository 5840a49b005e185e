#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <utility>
#include <vector>

namespace cadastre {

/// Many floats: in memory, or in a file that the system keeps in memory as far as there is room.
/// Copies of the second kind share their values.
class PixelStore {
 public:
  PixelStore() = default;

  PixelStore(std::vector<float> values) : memory_(std::move(values)) {}

  PixelStore(std::initializer_list<float> values) : memory_(values) {}

  /// `size` zeros in a file of `directory` that has no name, so that it goes with the process
  /// however that ends. Throws std::runtime_error naming directory and size when there is no room.
  [[nodiscard]] static PixelStore in_file(std::size_t size, const std::filesystem::path& directory);

  /// As std::vector's: `size` values in memory.
  void assign(std::size_t size, float value) { *this = PixelStore(std::vector(size, value)); }

  [[nodiscard]] bool is_in_file() const { return mapping_ != nullptr; }

  [[nodiscard]] std::size_t size() const { return mapping_ ? mapped_size_ : memory_.size(); }

  [[nodiscard]] float* data() { return mapping_ ? mapping_.get() : memory_.data(); }

  [[nodiscard]] const float* data() const { return mapping_ ? mapping_.get() : memory_.data(); }

  float& operator[](std::size_t index) { return data()[index]; }

  float operator[](std::size_t index) const { return data()[index]; }

  [[nodiscard]] const float* begin() const { return data(); }

  [[nodiscard]] const float* end() const { return data() + size(); }

  bool operator==(const PixelStore& other) const;

 private:
  std::vector<float> memory_;
  std::shared_ptr<float[]> mapping_;
  std::size_t mapped_size_ = 0;
};

/// Memory that pixels of a scene may take before they go to a file: a quarter of what the machine
/// has free, or what the environment variable CADASTRE_SCENE_MEMORY_BYTES says.
[[nodiscard]] std::int64_t default_scene_memory_bytes();

}  // namespace cadastre
