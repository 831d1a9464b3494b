#include "onnx/file_digest.h"

#include <algorithm>

#include "base/file_buffer.h"
#include "onnx/sha256.h"

namespace engine::onnx {
namespace {

#if defined(_WIN32)
constexpr std::string_view kSeparators = "/\\";
#else
constexpr std::string_view kSeparators = "/";
#endif

}  // namespace

std::string digest_of(const Buffer& buffer) {
  constexpr int64_t kPart = int64_t(8) << 20;
  Sha256 hash;
  for (int64_t at = 0; at < buffer.size(); at += kPart) {
    int64_t n = std::min(kPart, buffer.size() - at);
    hash.update(buffer.data() + at, size_t(n));
    drop_file_pages(&buffer, buffer.data() + at, n);
  }
  return hex(hash.finish());
}

Status check_digest(const std::string& found, const std::string& expected, const std::string& where) {
  if (expected.empty()) return {};
  ENGINE_ASSIGN(std::string wanted, parse_sha256(expected));
  if (found == wanted) return {};
  return error(Code::DigestMismatch, "%s has SHA-256 %s, expected %s", where.c_str(), found.c_str(), wanted.c_str());
}

std::string plain_location(std::string_view location) {
  std::string plain;
  for (size_t at = 0; at < location.size();) {
    size_t end = std::min(location.find_first_of(kSeparators, at), location.size());
    std::string_view part = location.substr(at, end - at);
    if (!part.empty() && part != ".") {
      if (!plain.empty()) plain += '/';
      plain += part;
    }
    at = end + 1;
  }
  return plain;
}

}  // namespace engine::onnx
