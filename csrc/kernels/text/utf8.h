// UTF-8 code points and simple case mapping, without locale.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace engine {

// A byte that is no part of well-formed UTF-8 is read as kBadByte + the byte, and written back as that byte.
inline constexpr uint32_t kBadByte = 0x110000;

// The code point at text[*at]; *at moves behind it. REQUIRES: *at < text.size().
uint32_t next_code_point(std::string_view text, size_t* at);
void append_code_point(std::string* text, uint32_t code_point);

uint32_t to_upper(uint32_t code_point);
uint32_t to_lower(uint32_t code_point);
std::string to_upper(std::string_view text);
std::string to_lower(std::string_view text);

}  // namespace engine
