#include "kernels/text/utf8.h"

#include <algorithm>

namespace engine {
namespace {

struct CaseRange {
  uint32_t first, last;
  uint32_t stride;
  int32_t add;
};

constexpr CaseRange kUpper[] = {
#define ENGINE_UPPER(first, last, stride, add) {first, last, stride, add},
#define ENGINE_LOWER(first, last, stride, add)
#include "kernels/text/case_ranges.inc"
#undef ENGINE_UPPER
#undef ENGINE_LOWER
};

constexpr CaseRange kLower[] = {
#define ENGINE_UPPER(first, last, stride, add)
#define ENGINE_LOWER(first, last, stride, add) {first, last, stride, add},
#include "kernels/text/case_ranges.inc"
#undef ENGINE_UPPER
#undef ENGINE_LOWER
};

template <size_t N>
uint32_t mapped(const CaseRange (&ranges)[N], uint32_t c) {
  const CaseRange* r = std::upper_bound(ranges, ranges + N, c, [](uint32_t v, const CaseRange& range) { return v < range.first; });
  while (r != ranges) {
    --r;
    if (c <= r->last && (c - r->first) % r->stride == 0) return uint32_t(int64_t(c) + r->add);
    if (r->stride == 1 || c > r->last) break;
  }
  return c;
}

bool is_continuation(std::string_view text, size_t at) { return at < text.size() && (uint8_t(text[at]) & 0xc0) == 0x80; }

template <class Map>
std::string map_text(std::string_view text, Map&& map) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) append_code_point(&out, map(next_code_point(text, &at)));
  return out;
}

}  // namespace

uint32_t next_code_point(std::string_view text, size_t* at) {
  uint8_t lead = uint8_t(text[*at]);
  size_t length = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
  if (length == 1) return uint8_t(text[(*at)++]);
  bool good = length > 0;
  for (size_t k = 1; k < length; ++k) good = good && is_continuation(text, *at + k);
  uint32_t c = 0;
  if (good) {
    c = lead & (0x7fu >> length);
    for (size_t k = 1; k < length; ++k) c = c << 6 | (uint8_t(text[*at + k]) & 0x3fu);
    good = (length == 2 || c >= (length == 3 ? 0x800u : 0x10000u)) && c < kBadByte && !(c >= 0xd800 && c <= 0xdfff);
  }
  *at += good ? length : 1;
  return good ? c : kBadByte + lead;
}

void append_code_point(std::string* text, uint32_t c) {
  if (c < 0x80) {
    text->push_back(char(c));
  } else if (c >= kBadByte) {
    text->push_back(char(c - kBadByte));
  } else if (c < 0x800) {
    text->push_back(char(0xc0 | c >> 6));
    text->push_back(char(0x80 | (c & 0x3f)));
  } else if (c < 0x10000) {
    text->push_back(char(0xe0 | c >> 12));
    text->push_back(char(0x80 | (c >> 6 & 0x3f)));
    text->push_back(char(0x80 | (c & 0x3f)));
  } else {
    text->push_back(char(0xf0 | c >> 18));
    text->push_back(char(0x80 | (c >> 12 & 0x3f)));
    text->push_back(char(0x80 | (c >> 6 & 0x3f)));
    text->push_back(char(0x80 | (c & 0x3f)));
  }
}

uint32_t to_upper(uint32_t c) {
  if (c < 0x80) return c >= 'a' && c <= 'z' ? c - 32 : c;
  return mapped(kUpper, c);
}

uint32_t to_lower(uint32_t c) {
  if (c < 0x80) return c >= 'A' && c <= 'Z' ? c + 32 : c;
  return mapped(kLower, c);
}

std::string to_upper(std::string_view text) {
  return map_text(text, [](uint32_t c) { return to_upper(c); });
}
std::string to_lower(std::string_view text) {
  return map_text(text, [](uint32_t c) { return to_lower(c); });
}

}  // namespace engine
