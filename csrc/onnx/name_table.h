// A table keyed by names from a file. The hash has a key of its own in each process, so that no file can be made of
// names that collide.
#pragma once

#include <functional>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "onnx/text.h"

namespace engine::onnx {

struct NameHash {
  using is_transparent = void;
  size_t operator()(Bytes name) const;
};

// Keys are views: the bytes must outlive the table.
template <class T>
using NameTable = std::unordered_map<Bytes, T, NameHash>;
using NameSet = std::unordered_set<std::string, NameHash, std::equal_to<>>;

}  // namespace engine::onnx
