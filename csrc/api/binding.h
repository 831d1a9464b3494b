// Small shapes of the interface that Cython can say: statuses out, pointers in, no templates.
#pragma once

#include "api/engine.h"

namespace engine {

Status load_file(const std::string& path, const LoadOptions& options, RefPtr<Model>* out);
// The bytes need not outlive the call.
Status load_bytes(const char* bytes, int64_t size, const LoadOptions& options, RefPtr<Model>* out);

// *out: a tensor of `rank` dimensions of empty strings.
Status make_string_tensor(const int64_t* dims, int rank, Value* out);
void set_string(Value& tensor, int64_t i, const char* text, int64_t size);
const std::string& get_string(const Tensor& tensor, int64_t i);

// *out: a tensor with memory of its own, a copy of `data`.
Status copy_tensor(DType dtype, int rank, const int64_t* dims, const void* data, Value* out);

// A sequence or map of these parts, and its parts.
Value make_parts(ValueKind kind, std::vector<Value> items);
inline void append_item(std::vector<Value>& items, const Value& item) { items.push_back(item); }
inline const Value& part(const Value& value, size_t i) { return value.parts->items[i]; }
inline size_t part_count(const Value& value) { return value.parts ? value.parts->items.size() : 0; }

}  // namespace engine
