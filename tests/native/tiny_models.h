// Small models as the bytes of ONNX files, for programs without Python.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tiny {

// y = x @ W @ identity, float32 [?, n] -> [?, n]: with x of ones every element of y is `value`, which tells the weights that answered.
std::string constant_model(float value, int n);

// y = x + 1, added n times in a Loop; inputs n (int64) and x (float32 [?]).
std::string counting_model();

}  // namespace tiny
