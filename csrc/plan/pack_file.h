// The format of a file that holds one packed constant: a header of kPackHeader bytes, then the bytes.
//
// What the fields say, all in this machine's byte order: magic and format, the key (pack_key.h), the number of bytes that follow,
// their checksum, and the checksum of all that.
#pragma once

#include <cstdint>
#include <string>

#include "base/status.h"

namespace engine {

inline constexpr int64_t kPackHeader = 4096;  // bytes: what follows is as aligned as a mapping is, up to that

// Writes the header of `bytes` bytes at `data` under `key` to `header`, which has room for kPackHeader bytes.
void write_pack_header(const std::string& key, const void* data, int64_t bytes, char* header);

// Checks a file of `size` bytes at `file`, the bytes that follow the header included. InvalidModel says what is wrong with it.
Status check_pack_file(const char* file, int64_t size, const std::string& key, int64_t bytes);

}  // namespace engine
