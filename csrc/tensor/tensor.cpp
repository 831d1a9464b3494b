#include "tensor/tensor.h"

#include <algorithm>
#include <cstring>
#include <memory>

namespace engine {
namespace {

constexpr int64_t kStringsAtOnce = 4096;

// A buffer of constructed strings.
class StringBuffer : public RefCounted {
 public:
  explicit StringBuffer(RefPtr<Buffer> memory) : memory_(std::move(memory)) {}
  ~StringBuffer() override { std::destroy_n(strings(), count_); }

  // False when go_on said no.
  bool construct(int64_t count, GoOn go_on) {
    while (count_ < count) {
      int64_t n = std::min(kStringsAtOnce, count - count_);
      std::uninitialized_value_construct_n(strings() + count_, n);
      count_ += n;
      if (count_ < count && go_on.ask && !go_on.ask(go_on.arg)) return false;
    }
    return true;
  }

 private:
  std::string* strings() const { return reinterpret_cast<std::string*>(memory_->data()); }

  RefPtr<Buffer> memory_;
  int64_t count_ = 0;
};

}  // namespace

Result<Tensor> make_tensor(DType dtype, const Shape& shape, MemoryAccount* account, const char* what, GoOn go_on) {
  Tensor t;
  t.dtype = dtype;
  t.shape = shape;
  ENGINE_ASSIGN(int64_t bytes, checked_bytes(shape, dtype_size(dtype)));
  ENGINE_ASSIGN(RefPtr<Buffer> memory, Buffer::allocate(bytes, account, what));
  if (dtype == DType::String) {
    char* data = memory->data();
    auto strings = make_ref<StringBuffer>(std::move(memory));
    if (!strings->construct(shape.elements(), go_on)) return Status(Code::Cancelled, "stopped while strings were made");
    memory = Buffer::view(data, bytes, RefPtr<RefCounted>(strings.get()));
  }
  t.data = memory->data();
  t.buffer = std::move(memory);
  return t;
}

int64_t integer_at(const Tensor& t, int64_t i) {
  switch (t.dtype) {
    case DType::Int64: return t.as<int64_t>()[i];
    case DType::Int32: return t.as<int32_t>()[i];
    case DType::Int16: return t.as<int16_t>()[i];
    case DType::Int8: return t.as<int8_t>()[i];
    case DType::Int4: return int8_t(t.as<uint8_t>()[i] << 4) >> 4;
    case DType::Int2: return int8_t(t.as<uint8_t>()[i] << 6) >> 6;
    case DType::Uint64: return int64_t(t.as<uint64_t>()[i]);
    case DType::Uint32: return t.as<uint32_t>()[i];
    case DType::Uint16: return t.as<uint16_t>()[i];
    case DType::Uint8:
    case DType::Uint4:
    case DType::Uint2: return t.as<uint8_t>()[i];
    case DType::Bool: return t.as<uint8_t>()[i] != 0;
    default: return 0;
  }
}

double number_at(const Tensor& t, int64_t i) {
  switch (t.dtype) {
    case DType::Float: return t.as<float>()[i];
    case DType::Double: return t.as<double>()[i];
    case DType::Float16: return t.as<Half>()[i];
    case DType::BFloat16: return t.as<BFloat16>()[i];
    case DType::Uint64: return double(t.as<uint64_t>()[i]);
    default: return double(integer_at(t, i));
  }
}

bool same_tensor(const Tensor& a, const Tensor& b) {
  if (a.dtype != b.dtype || !(a.shape == b.shape)) return false;
  if (a.dtype == DType::String) return std::equal(a.as<std::string>(), a.as<std::string>() + a.elements(), b.as<std::string>());
  return a.bytes() == 0 || std::memcmp(a.data, b.data, size_t(a.bytes())) == 0;
}

void copy_elements(const Tensor& from, void* to) {
  if (from.dtype == DType::String) {
    std::copy_n(from.as<std::string>(), from.elements(), static_cast<std::string*>(to));
  } else if (from.bytes() > 0) {
    std::memcpy(to, from.data, size_t(from.bytes()));
  }
}

}  // namespace engine
