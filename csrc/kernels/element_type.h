// The element types that kernels know, by their storage.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace engine {

// boolean is a byte, 0 or 1. f16 and bf16 are bit patterns in uint16_t.
enum class ElementType : uint8_t { f32, f64, f16, bf16, i8, i16, i32, i64, u8, u16, u32, u64, boolean };
inline constexpr int kElementTypes = 13;

}  // namespace engine
