#include "plan/pack_file.h"

#include <cstring>

#include "base/checksum.h"

namespace engine {
namespace {

constexpr char kMagic[] = "engine packed constant, format 1";

struct Header {
  char magic[40];
  char key[64];
  int64_t bytes;
  uint64_t content;  // checksum of what follows the header
  uint64_t self;     // checksum of the fields above
};
static_assert(sizeof(Header) == 128 && sizeof(kMagic) <= sizeof(Header::magic));

uint64_t self_of(const Header& header) { return checksum(&header, offsetof(Header, self)); }

Status refused(const char* reason) { return Status(Code::InvalidModel, reason); }

}  // namespace

void write_pack_header(const std::string& key, const void* data, int64_t bytes, char* header) {
  Header h{};
  std::memcpy(h.magic, kMagic, sizeof(kMagic));
  std::memcpy(h.key, key.data(), sizeof(h.key));
  h.bytes = bytes;
  h.content = checksum(data, size_t(bytes));
  h.self = self_of(h);
  std::memset(header, 0, size_t(kPackHeader));
  std::memcpy(header, &h, sizeof(h));
}

Status check_pack_file(const char* file, int64_t size, const std::string& key, int64_t bytes) {
  if (size < kPackHeader) return refused("it is too short");
  Header h;
  std::memcpy(&h, file, sizeof(h));
  if (std::memcmp(h.magic, kMagic, sizeof(kMagic)) != 0) return refused("it holds no packed constant of this format");
  if (h.self != self_of(h)) return refused("its header is damaged");
  if (std::memcmp(h.key, key.data(), sizeof(h.key)) != 0) return refused("it holds another constant than its name says");
  if (h.bytes != bytes || size != kPackHeader + bytes) return refused("it has another size than it should");
  if (h.content != checksum(file + kPackHeader, size_t(bytes))) return refused("its content is damaged");
  return {};
}

}  // namespace engine
