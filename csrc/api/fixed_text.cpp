#include "api/fixed_text.h"

#include <string>

namespace engine {
namespace {

bool is_scalar_value(uint32_t c) { return c < 0xd800 || (c >= 0xe000 && c <= 0x10ffff); }

void append_utf8(std::string& s, uint32_t c) {
  if (c < 0x80) {
    s.push_back(char(c));
  } else if (c < 0x800) {
    s.push_back(char(0xc0 | (c >> 6)));
    s.push_back(char(0x80 | (c & 0x3f)));
  } else if (c < 0x10000) {
    s.push_back(char(0xe0 | (c >> 12)));
    s.push_back(char(0x80 | ((c >> 6) & 0x3f)));
    s.push_back(char(0x80 | (c & 0x3f)));
  } else {
    s.push_back(char(0xf0 | (c >> 18)));
    s.push_back(char(0x80 | ((c >> 12) & 0x3f)));
    s.push_back(char(0x80 | ((c >> 6) & 0x3f)));
    s.push_back(char(0x80 | (c & 0x3f)));
  }
}

bool set_one(std::string& s, const uint32_t* text, int64_t length) {
  uint32_t all = 0;
  for (int64_t i = 0; i < length; ++i) all |= text[i];
  if (all < 0x80) {
    s.resize(size_t(length));
    char* to = s.data();
    for (int64_t i = 0; i < length; ++i) to[i] = char(text[i]);
    return true;
  }
  s.clear();
  for (int64_t i = 0; i < length; ++i) {
    if (!is_scalar_value(text[i])) return false;
    append_utf8(s, text[i]);
  }
  return true;
}

template <class T>
int64_t without_zeros_at_end(const T* text, int64_t length) {
  while (length > 0 && text[length - 1] == 0) --length;
  return length;
}

}  // namespace

int64_t set_wide_strings(Value& out, const uint32_t* text, int64_t width) {
  std::string* strings = out.tensor.as<std::string>();
  const int64_t count = out.tensor.elements();
  for (int64_t i = 0; i < count; ++i, text += width) {
    if (!set_one(strings[i], text, without_zeros_at_end(text, width))) return i;
  }
  return count;
}

void set_byte_strings(Value& out, const char* text, int64_t width) {
  std::string* strings = out.tensor.as<std::string>();
  const int64_t count = out.tensor.elements();
  for (int64_t i = 0; i < count; ++i, text += width) strings[i].assign(text, size_t(without_zeros_at_end(text, width)));
}

}  // namespace engine
