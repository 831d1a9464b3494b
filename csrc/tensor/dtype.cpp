#include "tensor/dtype.h"

namespace engine {
namespace {

struct Row {
  const char* name;
  int bits;
  int64_t bytes;
};

constexpr Row kRows[kDTypeCount] = {
    {"undefined", 0, 0},
#define ENGINE_DTYPE(name, number, bits, bytes, py) {py, bits, int64_t(bytes)},
#include "tensor/dtypes.inc"
#undef ENGINE_DTYPE
};

#define ENGINE_DTYPE(name, number, bits, bytes, py) static_assert(number == int(DType::name));
#include "tensor/dtypes.inc"
#undef ENGINE_DTYPE

}  // namespace

const char* dtype_name(DType dtype) { return kRows[int(dtype)].name; }
int64_t dtype_size(DType dtype) { return kRows[int(dtype)].bytes; }
int dtype_file_bits(DType dtype) { return kRows[int(dtype)].bits; }

DType dtype_from_onnx(int64_t number) { return number > 0 && number < kDTypeCount ? DType(number) : DType::Undefined; }

std::string dtype_set_names(DTypeSet set) {
  std::string names;
  for (int i = 1; i < kDTypeCount; ++i) {
    if (!contains(set, DType(i))) continue;
    if (!names.empty()) names += ", ";
    names += kRows[i].name;
  }
  return names;
}

}  // namespace engine
