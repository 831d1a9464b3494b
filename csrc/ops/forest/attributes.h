// Reads the attributes of the tree ensemble operators into a ForestModel.
#pragma once

#include "ops/forest/runner.h"

namespace engine {

// TreeEnsembleClassifier ("class") and TreeEnsembleRegressor ("target"): nodes_* and <prefix>_*, floats or *_as_tensor.
// `targets` is the number of classes or targets.
Status read_forest(const InferContext& c, const std::string& prefix, int64_t targets, ForestModel* out);

// TreeEnsemble (ai.onnx.ml 5).
Status read_forest_5(const InferContext& c, ForestModel* out);

// The numbers of a floats attribute or, where that is absent, of the tensor attribute <name>_as_tensor.
Result<std::vector<double>> forest_numbers(const InferContext& c, const std::string& name);

}  // namespace engine
