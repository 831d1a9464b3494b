#include "tensor/number_text.h"

#include <charconv>
#include <clocale>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <string_view>
#include <type_traits>

#if !defined(__cpp_lib_to_chars) && defined(__APPLE__)
#include <xlocale.h>
#endif

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

enum class Parsed : uint8_t { No, Yes, OutOfRange };

#if defined(__cpp_lib_to_chars)

template <class T>
Parsed read_number(std::string_view s, T* out) {
  auto [end, status] = std::from_chars(s.data(), s.data() + s.size(), *out);
  if (s.empty() || end != s.data() + s.size()) return Parsed::No;
  if (status == std::errc::result_out_of_range) return Parsed::OutOfRange;
  return status == std::errc() ? Parsed::Yes : Parsed::No;
}

// "d.ddde+xx" with so many digits after the point; negative: as few as read back the same.
template <class T>
std::string scientific(T x, int digits) {
  char text[64];
  auto result = digits < 0 ? std::to_chars(text, text + sizeof text, x, std::chars_format::scientific)
                           : std::to_chars(text, text + sizeof text, x, std::chars_format::scientific, digits);
  return std::string(text, result.ptr);
}

#else  // a standard library without floating-point <charconv>

locale_t c_locale() {
  static const locale_t locale = newlocale(LC_ALL_MASK, "C", nullptr);
  return locale;
}

template <class T>
Parsed read_number(std::string_view s, T* out) {
  if (s.empty() || s[0] == '+' || s.find_first_of("xXpP( ") != std::string_view::npos) return Parsed::No;
  std::string text(s);
  char* end = nullptr;
  if constexpr (std::is_same_v<T, float>) *out = strtof_l(text.c_str(), &end, c_locale());
  else *out = strtod_l(text.c_str(), &end, c_locale());
  return end == text.c_str() + text.size() ? Parsed::Yes : Parsed::No;
}

template <class T>
std::string scientific(T x, int digits) {
  char text[64];
  for (int d = digits < 0 ? 0 : digits;; ++d) {
    std::snprintf(text, sizeof text, "%.*e", d, double(x));
    for (char* c = text; *c; ++c)
      if (*c == ',') *c = '.';
    T back = 0;
    if (digits >= 0 || d >= 17 || (read_number(std::string_view(text), &back) == Parsed::Yes && back == x)) return text;
  }
}

#endif

template <class T>
bool parse(const std::string& text, T* out) {
  std::string_view s = trimmed(text);
  Parsed parsed = s.find('(') == std::string_view::npos ? read_number(s, out) : Parsed::No;
  if (parsed == Parsed::OutOfRange) {
    T magnitude = is_tiny(s) ? T(0) : std::numeric_limits<T>::infinity();
    *out = s[0] == '-' ? -magnitude : magnitude;
  }
  return parsed != Parsed::No;
}

// The shortest "d.ddde+xx" that rounds to x in the precision of dtype.
std::string shortest(double x, DType dtype) {
  if (dtype == DType::Double) return scientific(x, -1);
  if (dtype == DType::Float16 || dtype == DType::BFloat16) {
    for (int digits = 0; digits < 8; ++digits) {
      std::string text = scientific(x, digits);
      double back = 0;
      read_number(std::string_view(text), &back);
      float same = dtype == DType::Float16 ? float(Half(float(back))) : float(BFloat16(float(back)));
      if (double(same) == x) return text;
    }
  }
  return scientific(float(x), -1);
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
