// A checksum against damage, as fast as memory gives the bytes. No protection against whoever wants two contents to have one.
#pragma once

#include <cstddef>
#include <cstdint>

namespace engine {

// Of `size` bytes; no alignment is wanted. Contents that differ in one aligned word of 8 bytes never have the same.
uint64_t checksum(const void* data, size_t size);

}  // namespace engine
