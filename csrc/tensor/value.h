// What flows between nodes at run time: a tensor, a sequence, an empty optional or a map.
#pragma once

#include <memory>
#include <vector>

#include "tensor/tensor.h"

namespace engine {

enum class ValueKind : uint8_t { None, Tensor, Sequence, Map };

struct Value;

// The parts of a value that is no tensor. Immutable once shared.
struct ValueParts {
  std::vector<Value> items;  // Sequence: the elements. Map: two tensors, keys (int64 or string) and values, both 1-D.
};

// An optional is its content, or kind None when empty. A value owns what it refers to, but for tensors in an arena.
struct Value {
  ValueKind kind = ValueKind::None;
  Tensor tensor;
  std::shared_ptr<const ValueParts> parts;
};

}  // namespace engine
