// The elements of a tensor as files hold them, put into memory.
#pragma once

#include "onnx/wire.h"
#include "tensor/tensor.h"

namespace engine::onnx {

// The shape, when its elements (dimensions of zero apart) can be counted in bits and bytes without overflow;
// InvalidModel otherwise, and for negative dimensions or more than kMaxRank.
Result<Shape> checked_shape(const int64_t* dims, int64_t rank, DType dtype);

// Bytes that `elements` take in raw_data: packed for types of less than a byte. REQUIRES: no overflow (checked by the
// caller), no strings.
int64_t packed_bytes(DType dtype, int64_t elements);

// True when an element in a file is an element in memory: whole bytes, any bits valid.
bool same_in_memory(DType dtype);

// Fills `tensor` from raw_data. Bools become 0 or 1; packed elements one byte each, the first in the lowest bits,
// signed integers sign-extended. REQUIRES: raw.size() == packed_bytes of the tensor; no strings.
void fill_from_raw(Bytes raw, const Tensor& tensor);

// The field of TensorProto that holds elements of `dtype` when raw_data does not.
uint32_t typed_field(DType dtype);

// The number of entries that field holds for `elements`: two for a complex number, one for two 4-bit ones.
int64_t typed_entries(DType dtype, int64_t elements);

// The number of entries in this occurrence of the field.
Status count_entries(const Field& field, int64_t* count);

// Fills `tensor` from the occurrences of its typed field in `message` (a TensorProto).
// REQUIRES: they hold typed_entries of the tensor.
Status fill_from_typed(Bytes message, const Tensor& tensor);

}  // namespace engine::onnx
