#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace cadastre {

/// What ranks and coordinator tell each other over their connection: an object with a `"type"`, and
/// bytes that go with it as they are.
struct Frame {
  nlohmann::json header;
  std::string payload;

  /// The `"type"`; empty without one.
  [[nodiscard]] std::string type() const;
};

/// Four letters, the two sizes as little-endian numbers of 8 bytes, the header as JSON text, the
/// payload.
[[nodiscard]] std::string encode(const Frame& frame);

/// The same up to a payload of so many bytes, which follows.
[[nodiscard]] std::string encode_beginning(const nlohmann::json& header, std::size_t payload_bytes);

/// What came is no frame.
class FrameError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Puts frames together from the bytes of a connection.
class FrameReader {
 public:
  /// Larger frames are refused, so that a stranger does not fill the memory.
  explicit FrameReader(std::size_t most_bytes) : most_bytes_(most_bytes) {}

  void set_most_bytes(std::size_t most_bytes) { most_bytes_ = most_bytes; }

  void add(std::string_view bytes);

  /// The next frame that is complete. Throws FrameError.
  [[nodiscard]] std::optional<Frame> next();

 private:
  struct Begun {
    Frame frame;
    std::size_t missing_bytes = 0;  ///< of its payload

    /// How many of these are the payload's.
    std::size_t take(std::string_view bytes);
  };

  void begin();

  std::size_t most_bytes_;
  std::string unread_;
  std::size_t begin_ = 0;       ///< of what is unread in it; none where a payload is incomplete
  std::optional<Begun> begun_;  ///< its payload is filled as it comes, without a detour
};

}  // namespace cadastre
