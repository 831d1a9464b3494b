// The SHA-256 of files' bytes, and what it is held against.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/memory.h"
#include "base/status.h"

namespace engine::onnx {

// 64 lower-case digits. Takes the pages of a mapped file as it goes, so that few are resident at any time.
std::string digest_of(const Buffer& buffer);

// DigestMismatch, naming `where` and both digests, unless `found` is what `expected` says; empty: anything will do.
Status check_digest(const std::string& found, const std::string& expected, const std::string& where);

// A location or file name relative to a folder, without "." and empty parts: the same text for all ways to write it, as
// long as no ".." is in it.
std::string plain_location(std::string_view location);

// The digests that external files must have, by plain location.
struct ExternalDigests {
  bool required = false;  // files that are not listed are refused
  std::map<std::string, std::string, std::less<>> by_location;
};

}  // namespace engine::onnx
