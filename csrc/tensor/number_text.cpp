#include "tensor/number_text.h"

#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <string_view>

namespace engine {
namespace {

std::string_view trimmed(const std::string& text) {
  std::string_view s = text;
  auto space = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
  while (!s.empty() && space(s.front())) s.remove_prefix(1);
  while (!s.empty() && space(s.back())) s.remove_suffix(1);
  if (s.size() > 1 && s[0] == '+' && s[1] != '-' && s[1] != '+') s.remove_prefix(1);
  return s;
}

// Whether the exponent is negative: what is out of range is then too small, else too large.
bool is_tiny(std::string_view s) {
  size_t e = s.find_first_of("eE");
  if (e != std::string_view::npos && e + 1 < s.size()) return s[e + 1] == '-';
  size_t point = s.find('.');
  return point != std::string_view::npos && s.find_first_of("123456789") > point;
}

template <class T>
bool parse(const std::string& text, T* out) {
  std::string_view s = trimmed(text);
  auto [end, status] = std::from_chars(s.data(), s.data() + s.size(), *out);
  if (end != s.data() + s.size() || s.empty()) return false;
  if (status == std::errc::result_out_of_range) {
    T magnitude = is_tiny(s) ? T(0) : std::numeric_limits<T>::infinity();
    *out = s[0] == '-' ? -magnitude : magnitude;
    return true;
  }
  return status == std::errc();
}

// Digits of the shortest "d.ddde+xx" that rounds to x in the precision of dtype.
std::string shortest(double x, DType dtype) {
  char text[64];
  if (dtype == DType::Float16 || dtype == DType::BFloat16) {
    for (int digits = 0; digits < 8; ++digits) {
      auto result = std::to_chars(text, text + sizeof text, x, std::chars_format::scientific, digits);
      double back = 0;
      std::from_chars(text, result.ptr, back);
      float same = dtype == DType::Float16 ? float(Half(float(back))) : float(BFloat16(float(back)));
      if (double(same) == x) return std::string(text, result.ptr);
    }
  }
  auto result = dtype == DType::Double ? std::to_chars(text, text + sizeof text, x, std::chars_format::scientific)
                                       : std::to_chars(text, text + sizeof text, float(x), std::chars_format::scientific);
  return std::string(text, result.ptr);
}

std::string positional(const std::string& digits, int exponent) {
  int count = int(digits.size());
  if (exponent < 0) return std::string("0.").append(size_t(-exponent - 1), '0').append(digits);
  if (exponent >= count - 1) return digits + std::string(size_t(exponent - count + 1), '0') + ".0";
  return digits.substr(0, size_t(exponent) + 1) + "." + digits.substr(size_t(exponent) + 1);
}

}  // namespace

bool parse_float(const std::string& text, float* out) { return parse(text, out); }
bool parse_double(const std::string& text, double* out) { return parse(text, out); }

bool parse_integer(const std::string& text, int64_t* out) {
  std::string_view s = trimmed(text);
  const char* last = s.data() + s.size();
  auto [end, status] = std::from_chars(s.data(), last, *out);
  if (end == last && !s.empty() && status == std::errc()) return true;
  uint64_t wide = 0;
  auto [wide_end, wide_status] = std::from_chars(s.data(), last, wide);
  if (wide_end == last && !s.empty() && wide_status == std::errc()) {
    *out = int64_t(wide);
    return true;
  }
  double x = 0;
  if (!parse(text, &x) || !(std::fabs(x) < 0x1p63)) return false;
  *out = int64_t(x);
  return true;
}

std::string format_float(double x, DType dtype) {
  if (std::isnan(x)) return "nan";
  std::string sign = std::signbit(x) ? "-" : "";
  if (std::isinf(x)) return sign + "inf";
  if (x == 0) return sign + "0.0";
  std::string text = shortest(std::fabs(x), dtype);
  size_t e = text.find('e');
  int exponent = std::atoi(text.c_str() + e + 1);
  std::string digits = text.substr(0, 1);
  if (e > 1) digits += text.substr(2, e - 2);
  while (digits.size() > 1 && digits.back() == '0') digits.pop_back();
  if (exponent >= -4 && exponent < 16) return sign + positional(digits, exponent);
  std::string fraction;
  if (digits.size() > 1) fraction.append(1, '.').append(digits, 1);
  std::string power = std::to_string(std::abs(exponent));
  if (power.size() < 2) power.insert(power.begin(), '0');
  return sign + digits.substr(0, 1) + fraction + (exponent < 0 ? "e-" : "e+") + power;
}

}  // namespace engine
