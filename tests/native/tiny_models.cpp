#include "tiny_models.h"

#include <cstring>

namespace tiny {
namespace {

enum DType { kFloat = 1, kInt64 = 7, kBool = 9 };

// Fields of protocol buffers.
std::string varint(uint64_t v) {
  std::string out;
  for (; v >= 128; v >>= 7) out += char(v | 128);
  return out += char(v);
}
std::string number(int field, uint64_t v) { return varint(uint64_t(field) << 3) + varint(v); }
std::string bytes(int field, const std::string& content) { return varint(uint64_t(field) << 3 | 2) + varint(content.size()) + content; }

// A dimension is a number or a symbol.
std::string value(int field, const std::string& name, DType dtype, const std::vector<std::string>& dims) {
  std::string shape;
  for (const std::string& dim : dims) {
    bool digits = dim.find_first_not_of("0123456789") == std::string::npos;
    shape += bytes(1, digits ? number(1, std::stoull(dim)) : bytes(2, dim));
  }
  std::string tensor = number(1, dtype) + bytes(2, shape);
  return bytes(field, bytes(1, name) + bytes(2, bytes(1, tensor)));
}

std::string floats(const std::string& name, const std::vector<int>& dims, const std::vector<float>& values) {
  std::string raw(values.size() * sizeof(float), '\0'), out;
  std::memcpy(raw.data(), values.data(), raw.size());
  for (int dim : dims) out += number(1, uint64_t(dim));
  return bytes(5, out + number(2, kFloat) + bytes(8, name) + bytes(9, raw));
}

std::string node(const std::string& op, const std::vector<std::string>& inputs, const std::vector<std::string>& outputs,
                 const std::string& attributes = "") {
  std::string out;
  for (const std::string& input : inputs) out += bytes(1, input);
  for (const std::string& output : outputs) out += bytes(2, output);
  return bytes(1, out + bytes(4, op) + attributes);
}

std::string graph_attribute(const std::string& name, const std::string& graph) {
  return bytes(5, bytes(1, name) + bytes(6, graph) + number(20, 5));
}

std::string model(const std::string& graph) { return number(1, 9) + bytes(7, graph) + bytes(8, number(2, 17)); }

}  // namespace

std::string constant_model(float v, int n) {
  std::vector<float> weights(size_t(n) * size_t(n), v / float(n)), identity(weights.size(), 0.0f);
  for (int i = 0; i < n; ++i) identity[size_t(i) * size_t(n + 1)] = 1.0f;
  const std::string wide = std::to_string(n);
  return model(node("MatMul", {"x", "w"}, {"h"}) + node("MatMul", {"h", "e"}, {"y"}) + bytes(2, "constant") +
               floats("w", {n, n}, weights) + floats("e", {n, n}, identity) + value(11, "x", kFloat, {"m", wide}) +
               value(12, "y", kFloat, {"m", wide}));
}

std::string counting_model() {
  std::string body = node("Identity", {"go"}, {"go_on"}) + node("Add", {"v", "one"}, {"next"}) + bytes(2, "body") + floats("one", {1}, {1.0f}) +
                     value(11, "i", kInt64, {}) + value(11, "go", kBool, {}) + value(11, "v", kFloat, {"k"}) + value(12, "go_on", kBool, {}) +
                     value(12, "next", kFloat, {"k"});
  return model(node("Loop", {"n", "", "x"}, {"y"}, graph_attribute("body", body)) + bytes(2, "counting") + value(11, "n", kInt64, {}) +
               value(11, "x", kFloat, {"k"}) + value(12, "y", kFloat, {"k"}));
}

}  // namespace tiny
