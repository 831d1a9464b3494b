// Numbers as text and back, without locale.
#pragma once

#include <charconv>
#include <string>

#include "base/status.h"

namespace engine {

// The shortest text that reads back as the same number.
template <class T>
std::string number_text(T value) {
  char buffer[64];
  auto [end, status] = std::to_chars(buffer, buffer + sizeof buffer, value);
  return std::string(buffer, end);
}

// The number that the whole text says, spaces around it apart; InvalidInput when it is none.
template <class T>
Result<T> parse_number(const std::string& text) {
  const char* begin = text.data();
  const char* end = begin + text.size();
  while (begin < end && (*begin == ' ' || *begin == '\t' || *begin == '\n' || *begin == '\r')) ++begin;
  while (end > begin && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\n' || end[-1] == '\r')) --end;
  if (begin < end && *begin == '+') ++begin;
  T value{};
  auto [stop, status] = std::from_chars(begin, end, value);
  if (status != std::errc() || stop != end) return error(Code::InvalidInput, "'%s' is no number", text.substr(0, 40).c_str());
  return value;
}

}  // namespace engine
