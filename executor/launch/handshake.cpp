#include "executor/launch/handshake.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <limits>
#include <random>
#include <string_view>
#include <utility>

namespace cadastre {

namespace {

constexpr std::size_t kNumDigits = 32;
constexpr const char* kDigits = "0123456789abcdef";
// The two sides say different things, so that neither can be answered with its own words.
constexpr const char* kCoordinatorSide = "cadastre coordinator";
constexpr const char* kRankSide = "cadastre rank";

std::string proof(const std::string& key, const std::string& side, const std::string& rank_number,
                  const std::string& coordinator_number) {
  std::string text = side;
  text += '|';
  text += rank_number;
  text += '|';
  text += coordinator_number;
  return message_authentication_code(key, text);
}

std::string text_in(const Frame& frame, const char* type, const char* name) {
  if (frame.type() != type) throw FrameError(std::string("expected a ") + type);
  const auto found = frame.header.find(name);
  if (found == frame.header.end() || !found->is_string())
    throw FrameError(std::string("expected a text \"") + name + "\" in a " + type);
  return found->get<std::string>();
}

std::string number_in(const Frame& frame, const char* type) {
  std::string number = text_in(frame, type, "number");
  const bool is_number =
      number.size() == kNumDigits && std::all_of(number.begin(), number.end(), [](char letter) {
        return std::string_view(kDigits).find(letter) != std::string_view::npos;
      });
  if (!is_number) throw FrameError(std::string("expected 32 hexadecimal digits in a ") + type);
  return number;
}

}  // namespace

std::string random_digits() {
  constexpr int kDigitsADraw = 2 * sizeof(std::random_device::result_type);
  static_assert(std::numeric_limits<std::random_device::result_type>::digits == 4 * kDigitsADraw);
  std::random_device device;
  std::string digits;
  while (digits.size() < kNumDigits) {
    std::random_device::result_type drawn = device();
    for (int i = 0; i < kDigitsADraw; ++i) {
      digits += kDigits[drawn & 15U];
      drawn >>= 4U;
    }
  }
  return digits;
}

std::string message_authentication_code(const std::string& key, const std::string& text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned int size = 0;
  if (::HMAC(::EVP_sha256(), key.data(), static_cast<int>(key.size()),
             reinterpret_cast<const unsigned char*>(text.data()), text.size(), bytes.data(),
             &size) == nullptr)
    throw std::runtime_error("libcrypto cannot compute an HMAC-SHA256");
  std::string code;
  for (unsigned int i = 0; i < size; ++i) {
    code += kDigits[bytes[i] >> 4U];
    code += kDigits[bytes[i] & 15U];
  }
  return code;
}

bool are_equal_in_constant_time(const std::string& one, const std::string& other) {
  return one.size() == other.size() && ::CRYPTO_memcmp(one.data(), other.data(), one.size()) == 0;
}

Knock::Knock(std::string key) : key_(std::move(key)), number_(random_digits()) {}

Frame Knock::frame() const {
  return {.header = {{"type", "knock"}, {"number", number_}}, .payload = {}};
}

Frame Knock::answer(const Frame& challenge) const {
  const std::string other = number_in(challenge, "challenge");
  if (!are_equal_in_constant_time(text_in(challenge, "challenge", "proof"),
                                  proof(key_, kCoordinatorSide, number_, other)))
    throw WrongKeyError("it has another key");
  return {.header = {{"type", "answer"}, {"proof", proof(key_, kRankSide, number_, other)}},
          .payload = {}};
}

Challenge::Challenge(std::string key, const Frame& knock)
    : key_(std::move(key)), rank_number_(number_in(knock, "knock")), number_(random_digits()) {}

Frame Challenge::frame() const {
  return {.header = {{"type", "challenge"},
                     {"number", number_},
                     {"proof", proof(key_, kCoordinatorSide, rank_number_, number_)}},
          .payload = {}};
}

void Challenge::check(const Frame& answer) const {
  if (!are_equal_in_constant_time(text_in(answer, "answer", "proof"),
                                  proof(key_, kRankSide, rank_number_, number_)))
    throw WrongKeyError("it has another key");
}

}  // namespace cadastre
