#include "tensor/broadcast.h"

namespace engine {
namespace {

// Strides of an operand over the output's dimensions: 0 where it is repeated.
void broadcast_strides(const Shape& out, const Shape& operand, int64_t* strides) {
  int64_t n = 1;
  int lead = out.rank() - operand.rank();
  for (int d = out.rank() - 1; d >= 0; --d) {
    int64_t size = d < lead ? 1 : operand[d - lead];
    strides[d] = size == 1 ? 0 : n;
    n *= size;
  }
}

}  // namespace

BroadcastPlan merge_broadcast(const Shape& out, std::initializer_list<const Shape*> operands) {
  BroadcastPlan b;
  b.operands = int(operands.size());
  b.elements = out.elements();
  int64_t full[BroadcastPlan::kMaxOperands][kMaxRank];
  int k = 0;
  for (const Shape* shape : operands) broadcast_strides(out, *shape, full[k++]);

  // From the last dimension on: a dimension joins the one inside it when every operand steps over both alike.
  Shape dims;
  int64_t strides[BroadcastPlan::kMaxOperands][kMaxRank];
  for (int d = out.rank() - 1; d >= 0; --d) {
    if (out[d] == 1) continue;
    int last = dims.rank() - 1;
    bool joins = last >= 0;
    for (k = 0; joins && k < b.operands; ++k) joins = full[k][d] == strides[k][last] * dims[last];
    if (joins) {
      dims[last] *= out[d];
      continue;
    }
    for (k = 0; k < b.operands; ++k) strides[k][dims.rank()] = full[k][d];
    dims.push_back(out[d]);
  }
  if (dims.rank() == 0 || b.elements == 0) {
    for (k = 0; k < b.operands; ++k) b.varies[k] = true;
    b.inner = b.elements > 0 ? b.elements : 1;
    return b;
  }
  b.inner = dims[0];
  for (k = 0; k < b.operands; ++k) b.varies[k] = strides[k][0] != 0;
  b.rank = dims.rank() - 1;
  for (int d = 0; d < b.rank; ++d) {
    b.dims[d] = dims[b.rank - d];
    for (k = 0; k < b.operands; ++k) b.strides[k][d] = strides[k][b.rank - d];
  }
  return b;
}

}  // namespace engine
