#include "plan/pack_key.h"

#include "base/isa.h"
#include "onnx/sha256.h"

namespace engine {
namespace {

void add(Sha256& hash, const std::string& field) {
  const uint64_t size = field.size();
  hash.update(&size, sizeof(size));
  hash.update(field.data(), field.size());
}

}  // namespace

std::string pack_key(const Packing& packing) {
  Sha256 hash;
  add(hash, packing_digest());
  add(hash, isa_name(active_isa()));
  add(hash, packing.kind);
  add(hash, format("%lld bytes of %zu sources", (long long)packing.bytes, packing.sources.size()));
  for (const std::shared_ptr<const Tensor>& source : packing.sources) {
    add(hash, format("%s %s %d", dtype_name(source->dtype), source->shape.text().c_str(), source->layout.block));
    hash.update(source->data, size_t(source->bytes()));
  }
  return hex(hash.finish());
}

}  // namespace engine
