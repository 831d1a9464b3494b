// Numbers to text and back, whatever the locale.
#pragma once

#include <string>

#include "tensor/dtype.h"

namespace engine {

// Reads the whole text: a decimal number with optional sign, fraction and exponent, or inf, infinity or nan in any case; spaces
// around it are skipped. Out of range gives infinity or zero. False when it is none.
bool parse_float(const std::string& text, float* out);
bool parse_double(const std::string& text, double* out);
// The same for integers from -2^63 to 2^64 - 1 (the upper half wraps); a text with a fraction or exponent is truncated.
bool parse_integer(const std::string& text, int64_t* out);

// As numpy prints an element of that precision: the fewest digits that read back the same, "1.0", "1e-05", "inf", "nan".
// dtype: Double, Float16, BFloat16, or any other for float precision.
std::string format_float(double x, DType dtype);

}  // namespace engine
