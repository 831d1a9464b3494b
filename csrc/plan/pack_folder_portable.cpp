#include "plan/pack_folder.h"

#if !ENGINE_SHARED_PACKS

namespace engine {

Result<RefPtr<PackFolder>> PackFolder::open(const std::string&, int64_t) {
  return error(Code::FileNotFound, "a cache folder is of no use here: this system shares no packed constants");
}

PackFolder::~PackFolder() = default;
Result<RefPtr<Buffer>> PackFolder::find(const std::string&, int64_t) { return RefPtr<Buffer>(); }
Result<RefPtr<Buffer>> PackFolder::store(const std::string&, const void*, int64_t) {
  return error(Code::FileNotFound, "this system shares no packed constants");
}

}  // namespace engine

#endif
