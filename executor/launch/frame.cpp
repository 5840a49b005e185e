#include "executor/launch/frame.h"

#include <cstdint>
#include <utility>

namespace cadastre {

namespace {

constexpr std::string_view kMagic = "CDS1";
constexpr std::size_t kSizeBytes = 8;
constexpr std::size_t kPrefixBytes = kMagic.size() + 2 * kSizeBytes;

void append_size(std::string& text, std::uint64_t size) {
  for (std::size_t i = 0; i < kSizeBytes; ++i)
    text.push_back(static_cast<char>((size >> (8 * i)) & 0xff));
}

std::uint64_t size_at(std::string_view text, std::size_t position) {
  std::uint64_t size = 0;
  for (std::size_t i = 0; i < kSizeBytes; ++i)
    size |= std::uint64_t{static_cast<unsigned char>(text[position + i])} << (8 * i);
  return size;
}

}  // namespace

std::string Frame::type() const {
  const auto found = header.find("type");
  return found != header.end() && found->is_string() ? found->get<std::string>() : "";
}

std::string encode(const Frame& frame) {
  const std::string header =
      frame.header.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  std::string text;
  text.reserve(kPrefixBytes + header.size() + frame.payload.size());
  text.append(kMagic);
  append_size(text, header.size());
  append_size(text, frame.payload.size());
  text.append(header);
  text.append(frame.payload);
  return text;
}

std::optional<Frame> FrameReader::next() {
  const std::string_view unread = std::string_view(unread_).substr(begin_);
  const std::string_view magic = unread.substr(0, kMagic.size());
  if (magic != kMagic.substr(0, magic.size())) throw FrameError("expected a frame");
  if (unread.size() < kPrefixBytes) return std::nullopt;
  const std::uint64_t header_size = size_at(unread, kMagic.size());
  const std::uint64_t payload_size = size_at(unread, kMagic.size() + kSizeBytes);
  if (header_size > most_bytes_ || payload_size > most_bytes_)
    throw FrameError("expected a frame of at most " + std::to_string(most_bytes_) + " bytes");
  const std::size_t size = kPrefixBytes + header_size + payload_size;
  if (unread.size() < size) return std::nullopt;
  Frame frame{.header = nlohmann::json::parse(unread.substr(kPrefixBytes, header_size), nullptr,
                                              /*allow_exceptions=*/false),
              .payload = std::string(unread.substr(kPrefixBytes + header_size, payload_size))};
  if (!frame.header.is_object()) throw FrameError("expected an object in a frame's header");
  begin_ += size;
  if (begin_ == unread_.size() || begin_ > (1U << 20)) {
    unread_.erase(0, begin_);
    begin_ = 0;
  }
  return frame;
}

}  // namespace cadastre
