// SparseTensorProto, made dense.
#include "base/checked.h"
#include "onnx/decoder.h"
#include "onnx/tensor_data.h"

namespace engine::onnx {
namespace {

struct Parts {
  Bytes values, indices;
  bool has_values = false, has_indices = false;
  Shape shape;
};

Status read_parts(Bytes bytes, Parts* parts) {
  WireReader reader(bytes);
  Field field;
  while (!reader.done()) {
    ENGINE_TRY(reader.next(&field));
    if (field.number == 1) {
      ENGINE_TRY(read_bytes(field, &parts->values));
      if (std::exchange(parts->has_values, true)) return error(Code::InvalidModel, "a sparse tensor has values twice");
    } else if (field.number == 2) {
      ENGINE_TRY(read_bytes(field, &parts->indices));
      if (std::exchange(parts->has_indices, true))
        return error(Code::InvalidModel, "a sparse tensor has indices twice");
    } else if (field.number == 3) {
      bool fits = true;
      ENGINE_TRY(each_varint(field, [&](uint64_t v) {
        fits = fits && parts->shape.rank() < kMaxRank && int64_t(v) >= 0;
        if (fits) parts->shape.push_back(int64_t(v));
      }));
      if (!fits)
        return error(Code::InvalidModel, "a sparse tensor's dimensions are negative, or more than %d", kMaxRank);
    }
  }
  if (!parts->has_values) return error(Code::InvalidModel, "a sparse tensor has no values");
  return {};
}

// Where stored element `i` goes: from an index into all elements, or from one index an axis. -1 when out of range.
int64_t position(const Tensor& indices, int64_t i, const Shape& shape) {
  const int64_t* at = indices.as<int64_t>();
  if (indices.shape.rank() == 1) return at[i] >= 0 && at[i] < shape.elements() ? at[i] : -1;
  int64_t flat = 0;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    int64_t index = at[i * shape.rank() + axis];
    if (index < 0 || index >= shape[axis]) return -1;
    flat = flat * shape[axis] + index;
  }
  return flat;
}

Status check_indices(const Tensor& indices, int64_t count, const Shape& shape) {
  if (indices.dtype != DType::Int64)
    return error(Code::InvalidModel, "a sparse tensor's indices are %s, not int64", dtype_name(indices.dtype));
  bool flat = indices.shape == Shape{count}, by_axis = indices.shape == Shape{count, int64_t(shape.rank())};
  if (!flat && !by_axis)
    return error(Code::InvalidModel, "a sparse tensor has %lld values in %d dimensions, and indices of shape %s",
                 (long long)count, shape.rank(), indices.shape.text().c_str());
  return {};
}

void copy_element(const Tensor& from, int64_t i, const Tensor& to, int64_t j) {
  if (from.dtype == DType::String) {
    to.as<std::string>()[j] = from.as<std::string>()[i];
  } else {
    size_t size = size_t(dtype_size(from.dtype));
    std::memcpy(to.as<char>() + size_t(j) * size, from.as<char>() + size_t(i) * size, size);
  }
}

}  // namespace

Result<Tensor> Decoder::decode_sparse_tensor(Bytes bytes, Bytes* name) {
  Parts parts;
  ENGINE_TRY(read_parts(bytes, &parts));
  Bytes unused;
  ENGINE_ASSIGN(Tensor values, decode_tensor(parts.values, name));
  if (values.shape.rank() != 1)
    return error(Code::InvalidModel, "a sparse tensor's values have shape %s, not one dimension",
                 values.shape.text().c_str());
  ENGINE_ASSIGN(Shape shape, checked_shape(parts.shape.begin(), parts.shape.rank(), values.dtype));
  const int64_t count = values.elements();
  Tensor indices;
  if (parts.has_indices) {
    ENGINE_ASSIGN(indices, decode_tensor(parts.indices, &unused));
    ENGINE_TRY(check_indices(indices, count, shape));
  } else if (count > 0) {
    return error(Code::InvalidModel, "a sparse tensor has values and no indices");
  }
  ENGINE_ASSIGN(Tensor dense, new_tensor(values.dtype, shape));
  if (values.dtype != DType::String && dense.bytes() > 0) std::memset(dense.data, 0, size_t(dense.bytes()));
  int64_t before = -1;
  for (int64_t i = 0; i < count; ++i) {
    int64_t at = position(indices, i, shape);
    if (at <= before)
      return error(Code::InvalidModel,
                   "a sparse tensor's index %lld is out of range of %s, or not above the one before", (long long)i,
                   shape.text().c_str());
    copy_element(values, i, dense, at);
    before = at;
  }
  return dense;
}

}  // namespace engine::onnx
