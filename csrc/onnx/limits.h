// Every bound that the reader holds a file to, each with its reason. A file that exceeds one is an InvalidModel.
#pragma once

#include <cstdint>

namespace engine::limits {

// The model file itself: protobuf's own limit. Larger models keep their weights in external files.
inline constexpr int64_t kModelBytes = (int64_t(1) << 31) - 1;

// Files from this size on are mapped; smaller ones are read into memory, which costs little and cannot be changed under
// us.
inline constexpr int64_t kMapFrom = int64_t(64) << 20;

// Bodies inside bodies, and calls of functions inside functions, together: each level costs stack in every recursive
// walk of the graph. Real models stay below ten.
inline constexpr int kDepth = 48;

// Sequence of optional of sequence ...: operators take two levels.
inline constexpr int kTypeDepth = 8;

// Nodes in the file, and nodes plus calls once functions are inlined ("billion laughs"). The largest exports have about
// 10^5.
inline constexpr int64_t kNodes = 1'000'000;

// Values, and inputs and outputs of nodes counted together, once functions are inlined.
inline constexpr int64_t kValues = 8'000'000;

// Per node. The largest operators (TreeEnsemble) have about twenty.
inline constexpr int64_t kAttributes = 1024;

// Names of values, nodes, operators, attributes, domains, symbols.
inline constexpr int64_t kNameBytes = 64 << 10;

// Location of external data: the longest path that systems take.
inline constexpr int64_t kPathBytes = 4096;

inline constexpr int64_t kFunctions = 100'000;
inline constexpr int64_t kOpsetImports = 10'000;
inline constexpr int64_t kMetadataEntries = 100'000;
inline constexpr int64_t kExternalFiles = 10'000;

// Memory of what is decoded (names, nodes, attributes, tensors that are copied or made dense): a small file may ask for
// this much ...
inline constexpr int64_t kDecodedBytesFloor = int64_t(256) << 20;
// ... a larger one for this many times its size (an empty string: 2 bytes in a file, 32 in memory), external files for
// twice theirs.
inline constexpr int64_t kDecodedBytesPerModelByte = 16;
inline constexpr int64_t kDecodedBytesPerExternalByte = 2;

// Format versions. Opsets before kOldestOpset are read, and left to the operators to refuse.
inline constexpr int64_t kOldestIr = 3;
inline constexpr int64_t kOverridableFromIr = 4;  // before, an input that has an initializer is a constant
inline constexpr int64_t kNewestIr = 14;
inline constexpr int64_t kNewestOpset = 28;

}  // namespace engine::limits
