// Arrays of text of one width, as NumPy's U and S dtypes lay them out, into tensors of strings.
#pragma once

#include <cstdint>

#include "tensor/value.h"

namespace engine {

// Items of `width` UCS-4 code points each, one after the other, as UTF-8; zeros at an item's end do not belong to it. Returns
// how many items from the first on could be said: fewer than all when one has a surrogate or what is no code point.
// REQUIRES: `out` is a tensor of that many strings.
int64_t set_wide_strings(Value& out, const uint32_t* text, int64_t width);

// The same for items of `width` bytes, taken as they are.
void set_byte_strings(Value& out, const char* text, int64_t width);

}  // namespace engine
