#include "ops/recurrent/gate_activation.h"

#include <cctype>

namespace engine {
namespace {

struct Row {
  const char* name;
  UnaryOp op;
  bool uses_alpha, uses_beta;
  float alpha, beta;
};

constexpr Row kRows[] = {
    {"relu", UnaryOp::relu, false, false, 0, 0},
    {"tanh", UnaryOp::tanh, false, false, 0, 0},
    {"sigmoid", UnaryOp::sigmoid, false, false, 0, 0},
    {"affine", UnaryOp::affine, true, true, 1, 0},
    {"leakyrelu", UnaryOp::leaky_relu, true, false, 0.01f, 0},
    {"thresholdedrelu", UnaryOp::thresholded_relu, true, false, 1, 0},
    {"scaledtanh", UnaryOp::tanh, true, true, 1, 1},
    {"hardsigmoid", UnaryOp::hard_sigmoid, true, true, 0.2f, 0.5f},
    {"elu", UnaryOp::elu, true, false, 1, 0},
    {"softsign", UnaryOp::softsign, false, false, 0, 0},
    {"softplus", UnaryOp::softplus, false, false, 0, 0},
};

const Row* find_row(const std::string& name) {
  std::string lower;
  for (char ch : name) lower += char(std::tolower(static_cast<unsigned char>(ch)));
  for (const Row& row : kRows)
    if (lower == row.name) return &row;
  return nullptr;
}

}  // namespace

void GateActivation::apply(float* x, int64_t n) const {
  if (!scaled_) return fn_(x, x, size_t(n), params_);
  UnaryFn multiply = unary_kernel(ElementType::f32, UnaryOp::mul_scalar);
  multiply(x, x, size_t(n), {params_.b, 0});
  fn_(x, x, size_t(n), {});
  multiply(x, x, size_t(n), {params_.a, 0});
}

Result<std::vector<GateActivation>> GateActivation::read(const InferContext& c, int count, std::vector<std::string> defaults) {
  std::vector<std::string> names = c.attr_strings("activations");
  if (names.empty())
    for (int i = 0; i < count; ++i) names.push_back(defaults[size_t(i) % defaults.size()]);
  if (int(names.size()) != count)
    return error(Code::InvalidModel, "attribute activations lists %zu functions, %d are wanted", names.size(), count);
  std::vector<float> alphas = c.attr_floats("activation_alpha"), betas = c.attr_floats("activation_beta");
  size_t alpha = 0, beta = 0;
  std::vector<GateActivation> out;
  for (const std::string& name : names) {
    const Row* row = find_row(name);
    if (!row) return error(Code::UnsupportedOperator, "activation '%s' is not supported", name.c_str());
    GateActivation a;
    a.op_ = row->op;
    a.fn_ = unary_kernel(ElementType::f32, row->op);
    a.params_.a = row->uses_alpha && alpha < alphas.size() ? alphas[alpha++] : row->alpha;
    a.params_.b = row->uses_beta && beta < betas.size() ? betas[beta++] : row->beta;
    a.scaled_ = std::string(row->name) == "scaledtanh";
    out.push_back(a);
  }
  return out;
}

}  // namespace engine
