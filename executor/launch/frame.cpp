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

std::string encode_beginning(const nlohmann::json& header, std::size_t payload_bytes) {
  const std::string header_text =
      header.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  std::string text;
  text.reserve(kPrefixBytes + header_text.size());
  text.append(kMagic);
  append_size(text, header_text.size());
  append_size(text, payload_bytes);
  text.append(header_text);
  return text;
}

std::string encode(const Frame& frame) {
  return encode_beginning(frame.header, frame.payload.size()) + frame.payload;
}

void FrameReader::add(std::string_view bytes) {
  if (begun_) bytes.remove_prefix(begun_->take(bytes));
  unread_.erase(0, std::exchange(begin_, 0));
  unread_.append(bytes);
}

std::size_t FrameReader::Begun::take(std::string_view bytes) {
  const std::string_view own = bytes.substr(0, missing_bytes);
  frame.payload.append(own);
  missing_bytes -= own.size();
  return own.size();
}

void FrameReader::begin() {
  const std::string_view unread = std::string_view(unread_).substr(begin_);
  const std::string_view magic = unread.substr(0, kMagic.size());
  if (magic != kMagic.substr(0, magic.size())) throw FrameError("expected a frame");
  if (unread.size() < kPrefixBytes) return;
  const std::uint64_t header_size = size_at(unread, kMagic.size());
  const std::uint64_t payload_size = size_at(unread, kMagic.size() + kSizeBytes);
  if (header_size > most_bytes_ || payload_size > most_bytes_)
    throw FrameError("expected a frame of at most " + std::to_string(most_bytes_) + " bytes");
  if (unread.size() - kPrefixBytes < header_size) return;
  begun_.emplace();
  begun_->frame.header = nlohmann::json::parse(unread.substr(kPrefixBytes, header_size), nullptr,
                                               /*allow_exceptions=*/false);
  if (!begun_->frame.header.is_object()) throw FrameError("expected an object in a frame's header");
  begun_->frame.payload.reserve(payload_size);
  begun_->missing_bytes = payload_size;
  begin_ += kPrefixBytes + header_size;
  begin_ += begun_->take(std::string_view(unread_).substr(begin_));
}

std::optional<Frame> FrameReader::next() {
  if (!begun_) begin();
  if (!begun_ || begun_->missing_bytes > 0) return std::nullopt;
  Frame frame = std::move(begun_->frame);
  begun_.reset();
  return frame;
}

}  // namespace cadastre
