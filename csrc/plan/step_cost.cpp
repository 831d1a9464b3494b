#include "plan/step_cost.h"

#include <algorithm>
#include <span>
#include <string_view>

#include "ops/elementwise_program.h"

namespace engine {
namespace {

// A step's operands and results by position; shapes that are not known have no elements.
class Operands {
 public:
  Operands(const Plan& plan, const Step& step) : plan_(plan), step_(step), node_(plan.graph.nodes[size_t(step.node)]) {}

  const Node& node() const { return node_; }
  int inputs() const { return step_.inputs - step_.captures; }
  int outputs() const { return step_.outputs; }
  const TypeInfo* in(int i) const { return i < inputs() ? type(step_.refs + i) : nullptr; }
  const TypeInfo* out(int o) const { return o < outputs() ? type(step_.refs + step_.inputs + o) : nullptr; }
  static double elements(const TypeInfo* t) { return t && t->static_shape() ? double(t->shape.elements()) : 0; }
  static double bytes(const TypeInfo* t) { return t ? elements(t) * double(dtype_size(t->dtype)) : 0; }
  double in_elements(int i) const { return elements(in(i)); }
  double out_elements(int o) const { return elements(out(o)); }
  // Null when the shape is not known or has fewer dimensions.
  const Shape* shape(int i, int rank_from = 0) const {
    const TypeInfo* t = in(i);
    return t && t->static_shape() && t->shape.rank() >= rank_from ? &t->shape : nullptr;
  }
  int64_t integer(const char* name) const {
    const Attribute* a = node_.attributes ? find_attribute(*node_.attributes, name) : nullptr;
    return a && !a->ints.empty() ? a->ints[0] : 0;
  }
  std::vector<int64_t> integers(const char* name) const {
    const Attribute* a = node_.attributes ? find_attribute(*node_.attributes, name) : nullptr;
    return a ? a->ints : std::vector<int64_t>();
  }

 private:
  const TypeInfo* type(int ref) const {
    const ValueId v = plan_.refs[size_t(ref)];
    return v < 0 ? nullptr : &plan_.slots[size_t(v)].type;
  }
  const Plan& plan_;
  const Step& step_;
  const Node& node_;
};

// What an operator takes; negative when the shapes do not tell.
using Count = double (*)(const Operands&);

// The inner dimension is the last of A, as its attributes turn it.
double product_flops(const Operands& o) {
  const Shape* a = o.shape(0, 1);
  if (!a) return -1;
  int k = a->rank() - 1;
  const std::vector<int64_t> perm = o.integers("a_perm");
  if (int(perm.size()) == a->rank()) k = int(perm.back());
  if (o.integer("transA") && a->rank() > 1) k = a->rank() - 2;
  return 2 * double((*a)[k]) * o.out_elements(0);
}

// One product for each weight and pixel: of the output, or of the input when that is what is spread out.
double conv_flops_of(const Operands& o, int weight, bool transposed) {
  const Shape* w = o.shape(weight, 3);
  const TypeInfo* pixels = transposed ? o.in(0) : o.out(0);
  if (!w || !pixels || !pixels->static_shape()) return -1;
  const int64_t block = o.integer(transposed ? "in_block" : "out_block");
  int64_t channels = (*w)[0];
  if (block > 0) channels = (channels + block - 1) / block * block;
  return channels == 0 ? 0 : 2 * Operands::elements(pixels) / double(channels) * o.in_elements(weight);
}

double conv_flops(const Operands& o) { return conv_flops_of(o, 1, o.integer("transposed") != 0); }
double transposed_conv_flops(const Operands& o) { return conv_flops_of(o, 1, true); }
double byte_conv_flops(const Operands& o) { return conv_flops_of(o, 3, false); }

// Inputs X [steps, batch, in], W and R, each used once a step and row of the batch.
double recurrent_flops(const Operands& o) {
  const Shape* x = o.shape(0, 3);
  return x ? 2 * double((*x)[0] * (*x)[1]) * (o.in_elements(1) + o.in_elements(2)) : -1;
}

// Q [heads, rows, depth] by K and the scores by V, as views turn them.
double attention_flops(const Operands& o) {
  const Shape* k = o.shape(1, 3);
  if (!k) return -1;
  const std::vector<int64_t> perm = o.integers("k_perm");
  const int keys = k->rank() - 2;
  return 4 * o.in_elements(0) * double((*k)[int(perm.size()) == k->rank() ? int(perm[size_t(keys)]) : keys]);
}

double program_flops(const Operands& o) {
  if (!o.node().attributes) return -1;
  return double(decode_elementwise(*o.node().attributes, o.inputs()).size()) * o.out_elements(0);
}

double one_an_output(const Operands& o) { return o.out_elements(0); }
double one_an_input(const Operands& o) { return o.in_elements(0); }
double five_an_input(const Operands& o) { return 5 * o.in_elements(0); }
double nothing(const Operands&) { return 0; }

// A window for each output; the input as a whole where the operator is global.
double pool_flops(const Operands& o) {
  double window = 1;
  for (int64_t size : o.integers("kernel_shape")) window *= double(size);
  return o.out_elements(0) * window;
}

struct Family {
  Count count;
  Flops known;
  std::span<const std::string_view> operators;
};

constexpr std::string_view kProducts[] = {"MatMul", "FusedMatMul", "Gemm", "FusedGemm", "QLinearMatMul", "QGemm", "MatMulInteger",
                                          "MatMulIntegerToFloat", "DynamicQuantizeMatMul", "MatMulNBits"};
constexpr std::string_view kConvs[] = {"Conv", "FusedConv", "ConvInteger"};
constexpr std::string_view kTransposedConvs[] = {"ConvTranspose"};
constexpr std::string_view kByteConvs[] = {"QLinearConv"};
constexpr std::string_view kRecurrent[] = {"LSTM", "GRU", "RNN", "DynamicQuantizeLSTM"};
constexpr std::string_view kAttention[] = {"Attention"};
constexpr std::string_view kPrograms[] = {"FusedElementwise"};
constexpr std::string_view kPools[] = {"MaxPool", "AveragePool", "LpPool", "ByteMaxPool"};
constexpr std::string_view kReductions[] = {"ReduceSum",  "ReduceMean", "ReduceMax",         "ReduceMin",     "ReduceProd",        "ReduceL1",
                                            "ReduceL2",   "ReduceSumSquare", "ArgMax",       "ArgMin",        "GlobalAveragePool", "GlobalMaxPool",
                                            "CumSum",     "DequantizedMean"};
constexpr std::string_view kRowNorms[] = {"Softmax", "LogSoftmax", "LayerNormalization", "SimplifiedLayerNormalization",
                                          "SkipLayerNormalization", "SkipSimplifiedLayerNormalization", "RMSNormalization",
                                          "InstanceNormalization", "GroupNormalization", "LpNormalization"};
constexpr std::string_view kElementwise[] = {
    "Add", "Sub", "Mul", "Div", "Pow", "Mod", "Min", "Max", "Sum", "Mean", "Neg", "Abs", "Sqrt", "Exp", "Log", "Erf", "Tanh", "Sigmoid", "Relu",
    "LeakyRelu", "Clip", "Elu", "Selu", "Gelu", "FastGelu", "BiasGelu", "QuickGelu", "HardSigmoid", "HardSwish", "Softplus", "Softsign", "Swish",
    "Mish", "PRelu", "Sin", "Cos", "Reciprocal", "Floor", "Ceil", "Round", "Sign", "Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual",
    "And", "Or", "Not", "Xor", "Where", "BatchNormalization", "QuantizeLinear", "DequantizeLinear", "QLinearAdd", "QLinearMul"};
constexpr std::string_view kMoves[] = {"Concat", "Split", "Slice", "Transpose", "Reshape", "Gather", "GatherND", "GatherElements", "Pad", "Expand",
                                       "Tile", "Cast", "Identity", "Squeeze", "Unsqueeze", "Flatten", "ToBlocked", "ToPlain", "DepthToSpace",
                                       "SpaceToDepth", "ScatterND", "ScatterElements", "ScatterRows", "Shape", "ConstantOfShape", "ByteTable"};

constexpr Family kFamilies[] = {
    {product_flops, Flops::Counted, kProducts},        {conv_flops, Flops::Counted, kConvs},
    {transposed_conv_flops, Flops::Counted, kTransposedConvs}, {byte_conv_flops, Flops::Counted, kByteConvs},
    {recurrent_flops, Flops::Counted, kRecurrent},     {attention_flops, Flops::Counted, kAttention},
    {program_flops, Flops::Estimated, kPrograms},      {pool_flops, Flops::Estimated, kPools},
    {one_an_input, Flops::Estimated, kReductions},     {five_an_input, Flops::Estimated, kRowNorms},
    {one_an_output, Flops::Estimated, kElementwise},   {nothing, Flops::Counted, kMoves},
};

const Family* family_of(std::string_view op_type) {
  for (const Family& family : kFamilies)
    if (std::find(family.operators.begin(), family.operators.end(), op_type) != family.operators.end()) return &family;
  return nullptr;
}

// These read of their first operand what they pass on.
bool reads_a_part(std::string_view op_type) {
  constexpr std::string_view kParts[] = {"Gather", "GatherND", "GatherElements", "Slice"};
  return std::find(std::begin(kParts), std::end(kParts), op_type) != std::end(kParts);
}

}  // namespace

StepCost step_cost(const Plan& plan, const Step& step) {
  const Operands operands(plan, step);
  const std::string_view op_type = operands.node().op_type;
  StepCost cost;
  double out = 0;
  for (int o = 0; o < operands.outputs(); ++o) {
    const TypeInfo* t = operands.out(o);
    out += Operands::bytes(t);
    cost.shapes_known &= !t || (t->is_tensor() && t->static_shape());
  }
  cost.bytes = out;
  for (int i = 0; i < operands.inputs(); ++i) {
    const TypeInfo* t = operands.in(i);
    const double bytes = Operands::bytes(t);
    cost.bytes += i == 0 && reads_a_part(op_type) ? std::min(out, bytes) : bytes;
    cost.shapes_known &= !t || (t->is_tensor() && t->static_shape());
  }
  const Family* family = family_of(op_type);
  const double flops = family && cost.shapes_known ? family->count(operands) : -1;
  if (flops >= 0) cost.flops = flops, cost.known = family->known;
  return cost;
}

}  // namespace engine
