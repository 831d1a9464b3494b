#include "onnx/text.h"

#include <cstdint>
#include <cstring>

namespace engine::onnx {
namespace {

constexpr size_t kShown = 160;

// Length of the well-formed UTF-8 sequence at text[i], or 0.
size_t sequence_length(Bytes text, size_t i) {
  auto at = [&](size_t k) { return i + k < text.size() ? uint8_t(text[i + k]) : 0u; };
  auto tail = [&](size_t k) { return (at(k) & 0xc0u) == 0x80u; };
  unsigned a = at(0), b = at(1);
  if (a < 0x80) return 1;
  if (a >= 0xc2 && a <= 0xdf) return tail(1) ? 2 : 0;
  if (a == 0xe0 && b < 0xa0) return 0;
  if (a == 0xed && b > 0x9f) return 0;
  if (a >= 0xe0 && a <= 0xef) return tail(1) && tail(2) ? 3 : 0;
  if (a == 0xf0 && b < 0x90) return 0;
  if (a == 0xf4 && b > 0x8f) return 0;
  if (a >= 0xf0 && a <= 0xf4) return tail(1) && tail(2) && tail(3) ? 4 : 0;
  return 0;
}

}  // namespace

bool valid_utf8(Bytes text) {
  size_t i = 0;
  for (; i + 8 <= text.size(); i += 8) {
    uint64_t word;
    std::memcpy(&word, text.data() + i, 8);
    if (word & 0x8080808080808080u) break;
  }
  while (i < text.size()) {
    size_t n = sequence_length(text, i);
    if (n == 0) return false;
    i += n;
  }
  return true;
}

std::string shown(Bytes text) {
  std::string out;
  size_t i = 0;
  while (i < text.size() && i < kShown) {
    size_t n = sequence_length(text, i);
    uint8_t c = uint8_t(text[i]);
    if (n == 0 || c < 0x20 || c == 0x7f) {
      out += format("\\x%02x", c);
      ++i;
    } else {
      out.append(text.substr(i, n));
      i += n;
    }
  }
  if (i < text.size()) out += "...";
  return out;
}

std::string quoted(Bytes text) { return std::string("'").append(shown(text)).append("'"); }

}  // namespace engine::onnx
