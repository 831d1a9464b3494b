#include "passes/align_constants.h"

#include <map>

#include "base/file_buffer.h"
#include "passes/product_node.h"

namespace engine {
namespace {

bool multiplies(const Node& node) { return is_product(&node) || is_node(&node, "MatMul") || is_node(&node, "Gemm"); }

// A graph and its bodies that are not compiled.
template <class Visit>
Status each_graph(Graph& graph, Visit&& visit) {
  ENGINE_TRY(visit(graph));
  for (Node& node : graph.nodes)
    for (Body& body : node.bodies)
      if (body.graph && !body.program) ENGINE_TRY(each_graph(*body.graph, visit));
  return {};
}

// The constants that are to be copied; graphs share constants, and so they do their copies.
using Copies = std::map<const Tensor*, std::shared_ptr<const Tensor>>;

Status find_read_by_others(const Graph& graph, Copies& copies) {
  auto note = [&](ValueId v, bool anywhere) {
    const Tensor* constant = graph.constant(v);
    if (constant && !is_aligned(*constant) && !(anywhere && constant->dtype == DType::Float)) copies[constant];
  };
  for (const Node& node : graph.nodes)
    for (size_t i = 0; i < node.inputs.size(); ++i) note(node.inputs[i], (i < 2 && multiplies(node)) || reads_unaligned(node, i));
  for (ValueId v : graph.outputs) note(v, false);
  return {};
}

Status replace(Graph& graph, Copies& copies, MemoryAccount* account) {
  for (GraphValue& value : graph.values) {
    auto found = value.constant ? copies.find(value.constant.get()) : copies.end();
    if (found == copies.end()) continue;
    if (!found->second) {
      ENGINE_ASSIGN(found->second, aligned_copy(*value.constant, account));
    }
    value.constant = found->second;
  }
  return {};
}

}  // namespace

bool is_aligned(const Tensor& tensor) {
  return tensor.dtype == DType::String || reinterpret_cast<uintptr_t>(tensor.data) % size_t(dtype_size(tensor.dtype)) == 0;
}

Result<std::shared_ptr<const Tensor>> aligned_copy(const Tensor& tensor, MemoryAccount* account) {
  ENGINE_ASSIGN(Tensor copy, make_tensor(tensor.dtype, tensor.shape, account, "a constant of the model"));
  copy_elements(tensor, copy.data);
  drop_file_pages(tensor.buffer.get(), tensor.data, tensor.bytes());
  return std::make_shared<const Tensor>(std::move(copy));
}

bool reads_unaligned(const Node& node, size_t input) { return input == 0 && is_node(&node, "Gather"); }

Status align_constants(Graph& graph, MemoryAccount* account) {
  Copies copies;
  ENGINE_TRY(each_graph(graph, [&](Graph& each) { return find_read_by_others(each, copies); }));
  return copies.empty() ? Status() : each_graph(graph, [&](Graph& each) { return replace(each, copies, account); });
}

}  // namespace engine
