// What a packed form is known by outside of its process: a digest of all that decides its bytes.
#pragma once

#include <string>

#include "ops/op.h"

namespace engine {

// 64 hexadecimal digits: SHA-256 over this build's way of packing, the instruction set, the kind, and the sources with their
// types, shapes and bytes. Reads all bytes of the sources.
std::string pack_key(const Packing& packing);

// Of the sources from which this build was made, as far as they decide how constants are packed.
const char* packing_digest();

}  // namespace engine
