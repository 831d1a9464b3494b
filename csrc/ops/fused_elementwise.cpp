#include <algorithm>

#include "base/checked.h"
#include "kernels/quant/quant.h"
#include "ops/elementwise_program.h"
#include "ops/op.h"

namespace engine {

Attributes encode_elementwise(const ElementwiseProgram& program) {
  std::vector<int64_t> code;
  Attribute params;
  params.name = "params";
  params.kind = AttributeKind::Floats;
  for (const ElementwiseInstruction& i : program) {
    code.insert(code.end(), {int64_t(i.kind), i.op, i.a, i.b, i.c});
    params.floats.insert(params.floats.end(), {i.params.a, i.params.b});
  }
  return {ints_attribute("code", std::move(code)), std::move(params)};
}

ElementwiseProgram decode_elementwise(const Attributes& attributes, int inputs) {
  const Attribute* code = find_attribute(attributes, "code");
  const Attribute* params = find_attribute(attributes, "params");
  ElementwiseProgram program;
  if (!code || !params || code->ints.empty() || code->ints.size() % 5 || params->floats.size() * 5 != code->ints.size() * 2) return {};
  for (size_t k = 0; k * 5 < code->ints.size(); ++k) {
    const int64_t* at = code->ints.data() + k * 5;
    if (at[0] < 0 || at[0] > int64_t(ElementwiseKind::quantize)) return {};
    ElementwiseInstruction i{ElementwiseKind(at[0]), int(at[1]), int(at[2]), int(at[3]), int(at[4]), {params->floats[k * 2], params->floats[k * 2 + 1]}};
    int ops[] = {kUnaryOps, kBinaryOps, kCompareOps, kPredicateOps, 1, kBinaryOps, 2, 2};
    if (i.op < 0 || i.op >= ops[int(i.kind)]) return {};
    for (int o = 0; o < i.operands(); ++o)
      if (i.operand(o) >= inputs || (i.operand(o) < 0 && ~i.operand(o) >= int(k))) return {};
    if (i.kind == ElementwiseKind::quantize && (k + 1) * 5 != code->ints.size()) return {};
    if (i.kind == ElementwiseKind::dequantize && i.a < 0) return {};
    program.push_back(i);
  }
  return program;
}

double elementwise_cost(const ElementwiseInstruction& i) {
  if (i.kind == ElementwiseKind::binary) return BinaryOp(i.op) == BinaryOp::pow ? 3.0 : BinaryOp(i.op) == BinaryOp::div ? 0.15 : 0.05;
  if (i.kind == ElementwiseKind::quantize) return 0.15;
  if (i.kind != ElementwiseKind::unary) return 0.06;
  switch (UnaryOp(i.op)) {
    case UnaryOp::copy: case UnaryOp::abs: case UnaryOp::neg: case UnaryOp::relu: case UnaryOp::clip: case UnaryOp::affine:
    case UnaryOp::add_scalar: case UnaryOp::mul_scalar: case UnaryOp::square: case UnaryOp::leaky_relu:
    case UnaryOp::hard_sigmoid: case UnaryOp::hard_swish: return 0.05;
    default: return 0.4;
  }
}

namespace {

constexpr int64_t kBlock = 1024;   // elements of a register: a handful of them stay in the first-level cache
constexpr int64_t kShortRun = 64;  // inner runs shorter than this are joined with the dimensions around them
constexpr int64_t kPeriod = 512;   // and those up to this, when all that operands do then is to repeat

constexpr int64_t kTabledRun = 4096;

// How an operand meets the inner run: element by element, one element for all, laid out anew for it,
// or the same elements again and again (laid out once).
enum class Meets : uint8_t { run, scalar, expand, repeat };

struct Input {
  int64_t strides[kMaxRank] = {};  // elements, by collapsed dimension
  int64_t width = 4;               // bytes of an element
  Meets meets = Meets::run;
  int slot = -1;                   // register that holds it when it is laid out
  std::vector<int32_t> places;     // where each element of a run lies when it is expanded; empty for long runs
};

QuantScales scales_of(const UnaryParams& p) { return {&p.a, p.b != 0 ? &p.b : nullptr, false}; }

void dequantize_i8(const void* x, void* y, size_t n, const UnaryParams& p) {
  quant_kernels().dequantize_i8(static_cast<const int8_t*>(x), scales_of(p), static_cast<float*>(y), n);
}
void dequantize_u8(const void* x, void* y, size_t n, const UnaryParams& p) {
  quant_kernels().dequantize_u8(static_cast<const uint8_t*>(x), scales_of(p), static_cast<float*>(y), n);
}
void quantize_i8(const void* x, void* y, size_t n, const UnaryParams& p) {
  quant_kernels().quantize_i8(static_cast<const float*>(x), scales_of(p), static_cast<int8_t*>(y), n);
}
void quantize_u8(const void* x, void* y, size_t n, const UnaryParams& p) {
  quant_kernels().quantize_u8(static_cast<const float*>(x), scales_of(p), static_cast<uint8_t*>(y), n);
}

struct Bound {
  ElementwiseInstruction code;
  bool scalar = false;             // one element a run
  int destination = 0;             // register; -1: the output
  UnaryFn unary = nullptr;
  BinaryFn binary = nullptr;
  SelectFn select = nullptr;
};

class FusedElementwise final : public Op {
 public:
  Status infer(InferContext& c) override {
    program_ = decode_elementwise(c.node().attributes ? *c.node().attributes : Attributes(), c.input_count());
    if (program_.empty()) return error(Code::InvalidModel, "the program is malformed");
    const ElementwiseInstruction& last = program_.back();
    DType out = last.is_bool() ? DType::Bool : last.kind != ElementwiseKind::quantize ? DType::Float : last.op ? DType::Int8 : DType::Uint8;
    c.set(0, out);
    Shape shape;
    for (int i = 0; i < c.input_count(); ++i) {
      ENGINE_TRY(c.require(i, dtype_set(DType::Float, DType::Bool, DType::Uint8, DType::Int8)));
      if (!c.known(i)) return {};
      ENGINE_ASSIGN(shape, broadcast_shapes(shape, c.shape(i)));
    }
    c.set(0, out, shape);
    for (int i = 0; i < c.input_count(); ++i)
      if (c.shape(i) == shape && c.dtype(i) == out) c.allow_in_place(0, i);
    return {};
  }

  Status prepare(PrepareContext& c) override {
    collapse(c);
    bind();
    for (const Bound& b : bound_)
      if (!b.unary && !b.binary && !b.select) return error(Code::InternalError, "an instruction has no kernel");
    c.need_scratch((registers_ + expanded_) * kBlock * int64_t(sizeof(float)));
    return {};
  }

  Status run(OpRun& r) const override {
    int64_t blocks_a_run = ceil_div(inner_, block_);
    return r.parallel(runs_ * blocks_a_run, cost_ * double(std::min(inner_, block_)) + 4.0 * double(bound_.size()),
                      [&](int64_t begin, int64_t end, int worker) { blocks(r, begin, end, blocks_a_run, r.scratch<float>(worker)); });
  }

 private:
  // Merges neighbouring dimensions in which every input steps alike; the last one that is left is the inner run.
  void collapse(PrepareContext& c) {
    const Shape& shape = c.output_shape(0);
    int rank = shape.rank(), n = c.input_count();
    inputs_.assign(size_t(n), Input());
    std::vector<std::vector<int64_t>> strides(static_cast<size_t>(n), std::vector<int64_t>(static_cast<size_t>(rank), 0));
    for (int i = 0; i < n; ++i) {
      const Shape& s = c.shape(i);
      int64_t own[kMaxRank];
      contiguous_strides(s, own);
      inputs_[size_t(i)].width = dtype_size(c.dtype(i));
      for (int d = 0; d < s.rank(); ++d)
        if (s[d] != 1) strides[size_t(i)][size_t(d + rank - s.rank())] = own[d];
    }
    dims_ = Shape();
    for (int d = 0; d < rank; ++d) {
      if (shape[d] == 1) continue;
      bool merges = dims_.rank() > 0;
      for (int i = 0; i < n && merges; ++i) merges = inputs_[size_t(i)].strides[dims_.rank() - 1] == strides[size_t(i)][size_t(d)] * shape[d];
      if (merges) dims_[dims_.rank() - 1] *= shape[d];
      else dims_.push_back(shape[d]);
      for (int i = 0; i < n; ++i) inputs_[size_t(i)].strides[dims_.rank() - 1] = strides[size_t(i)][size_t(d)];
    }
    if (dims_.rank() == 0) dims_.push_back(1);
    choose_run();
    output_width_ = dtype_size(c.output_dtype(0));
  }

  // How an operand meets a run of the dimensions from `first` on.
  Meets meets(const Input& in, int first) const {
    bool all = true, none = true, repeats = true;
    const int last = dims_.rank() - 1;
    int64_t step = 1;
    for (int d = last; d >= first; --d) {
      all &= in.strides[d] == step || dims_[d] == 1;
      none &= in.strides[d] == 0;
      repeats &= d == last ? in.strides[d] == 1 : in.strides[d] == 0;
      step *= dims_[d];
    }
    return all ? Meets::run : none ? Meets::scalar : repeats && dims_[last] <= kPeriod ? Meets::repeat : Meets::expand;
  }

  bool only_repeats(int first) const {
    return std::all_of(inputs_.begin(), inputs_.end(), [&](const Input& in) { return meets(in, first) != Meets::expand; });
  }

  // The inner run: the last dimension, and those before it while it is short. Where operands repeat, blocks are of whole periods.
  void choose_run() {
    outer_ = dims_.rank() - 1;
    inner_ = dims_.back();
    while (outer_ > 0 && (inner_ < kShortRun || (inner_ <= kPeriod && only_repeats(outer_ - 1)))) inner_ *= dims_[--outer_];
    runs_ = dims_.elements(0, outer_);
    expanded_ = 0;
    block_ = kBlock;
    for (Input& in : inputs_) {
      in.meets = meets(in, outer_);
      if (in.meets == Meets::repeat) block_ = kBlock / dims_.back() * dims_.back();
      if (in.meets == Meets::expand || in.meets == Meets::repeat) in.slot = int(expanded_++);
      if (in.meets == Meets::expand && inner_ <= kTabledRun) fill_places(in);
    }
  }

  void fill_places(Input& in) const {
    in.places.resize(size_t(inner_));
    for (int64_t k = 0; k < inner_; ++k) {
      int64_t place = 0;
      for (int64_t rest = k, d = dims_.rank() - 1; d >= outer_; --d) {
        place += rest % dims_[int(d)] * in.strides[d];
        rest /= dims_[int(d)];
      }
      in.places[size_t(k)] = int32_t(place);
    }
  }

  // Elements [from, from + n) of the run of an operand that starts at `base`, one after the other.
  template <class T>
  void expand(const T* base, const Input& in, int64_t from, int64_t n, T* to) const {
    if (!in.places.empty()) {
      const int32_t* places = in.places.data() + from;
      for (int64_t k = 0; k < n; ++k) to[k] = base[places[k]];
      return;
    }
    int64_t at[kMaxRank] = {}, offset = 0;
    int last = dims_.rank() - 1;
    for (int64_t rest = from, d = last; d >= outer_; --d) {
      at[d] = rest % dims_[int(d)];
      rest /= dims_[int(d)];
      offset += at[d] * in.strides[d];
    }
    for (int64_t done = 0; done < n;) {
      int64_t count = std::min(n - done, dims_[last] - at[last]), stride = in.strides[last];
      for (int64_t k = 0; k < count; ++k) to[done + k] = base[offset + k * stride];
      done += count;
      at[last] += count;
      offset += count * stride;
      for (int d = last; d > outer_ && at[d] == dims_[d]; --d) {
        offset += in.strides[d - 1] - at[d] * in.strides[d];
        at[d] = 0;
        ++at[d - 1];
      }
    }
  }

  bool operand_scalar(int operand) const {
    return operand >= 0 ? inputs_[size_t(operand)].meets == Meets::scalar : bound_[size_t(~operand)].scalar;
  }

  void bind() {
    std::vector<int> last(program_.size(), 0);
    for (size_t k = 0; k < program_.size(); ++k)
      for (int o = 0; o < program_[k].operands(); ++o)
        if (program_[k].operand(o) < 0) last[size_t(~program_[k].operand(o))] = int(k);
    std::vector<int> free;
    bound_.clear();
    registers_ = 0;
    cost_ = 0;
    for (size_t k = 0; k < program_.size(); ++k) {
      Bound b;
      b.code = program_[k];
      b.scalar = true;
      for (int o = 0; o < b.code.operands(); ++o) b.scalar &= operand_scalar(b.code.operand(o));
      choose(b);
      if (k + 1 == program_.size()) {
        b.destination = -1;
      } else if (!free.empty()) {
        b.destination = free.back();
        free.pop_back();
      } else {
        b.destination = int(registers_++);
      }
      for (int o = 0; o < b.code.operands(); ++o) {
        int operand = b.code.operand(o);
        bool again = false;
        for (int p = 0; p < o; ++p) again |= b.code.operand(p) == operand;
        if (operand < 0 && !again && last[size_t(~operand)] == int(k)) free.push_back(bound_[size_t(~operand)].destination);
      }
      cost_ += elementwise_cost(b.code);
      bound_.push_back(b);
    }
    cost_ = std::max(cost_ + 0.4 * double(expanded_), 0.1);
  }

  void choose(Bound& b) const {
    const ElementwiseKernels& kernels = elementwise_kernels();
    auto form = [&] {
      if (b.scalar || b.code.operands() < 2) return Broadcast::none;
      if (operand_scalar(b.code.a)) return Broadcast::scalar_left;
      return operand_scalar(b.code.b) ? Broadcast::scalar_right : Broadcast::none;
    };
    switch (b.code.kind) {
      case ElementwiseKind::unary: b.unary = unary_kernel(ElementType::f32, UnaryOp(b.code.op)); break;
      case ElementwiseKind::predicate: b.unary = kernels.predicate[b.code.op]; break;
      case ElementwiseKind::binary: b.binary = binary_kernel(ElementType::f32, BinaryOp(b.code.op), form()); break;
      case ElementwiseKind::compare: b.binary = compare_kernel(ElementType::f32, CompareOp(b.code.op), form()); break;
      case ElementwiseKind::logic: b.binary = binary_kernel(ElementType::boolean, BinaryOp(b.code.op), form()); break;
      case ElementwiseKind::dequantize: b.unary = b.code.op ? dequantize_i8 : dequantize_u8; break;
      case ElementwiseKind::quantize: b.unary = b.code.op ? quantize_i8 : quantize_u8; break;
      case ElementwiseKind::select:
        b.select = select_kernel(4, !b.scalar && operand_scalar(b.code.b), !b.scalar && operand_scalar(b.code.c));
        break;
    }
  }

  void blocks(OpRun& r, int64_t begin, int64_t end, int64_t blocks_a_run, float* registers) const {
    int64_t bases[64], laid_out[64];
    for (size_t i = 0; i < inputs_.size(); ++i) laid_out[i] = -1;
    char wide_condition[kBlock];
    for (int64_t block = begin; block < end; ++block) {
      int64_t run = block / blocks_a_run, from = block % blocks_a_run * block_, n = std::min(block_, inner_ - from);
      for (size_t i = 0; i < inputs_.size(); ++i) bases[i] = 0;
      for (int64_t rest = run, d = outer_ - 1; d >= 0; --d) {
        int64_t at = rest % dims_[int(d)];
        rest /= dims_[int(d)];
        for (size_t i = 0; i < inputs_.size(); ++i) bases[i] += at * inputs_[i].strides[d];
      }
      for (size_t i = 0; i < inputs_.size(); ++i) {
        const Input& in = inputs_[i];
        if (in.slot < 0 || laid_out[i] == bases[i]) continue;
        if (in.meets == Meets::repeat) laid_out[i] = bases[i];
        const int64_t count = in.meets == Meets::repeat ? std::min(block_, inner_) : n;
        float* to = registers + (registers_ + in.slot) * kBlock;
        if (in.width == 4) expand(r.in<float>(int(i)) + bases[i], in, from, count, to);
        else expand(r.in<uint8_t>(int(i)) + bases[i], in, from, count, reinterpret_cast<uint8_t*>(to));
      }
      auto operand = [&](int o) -> char* {
        if (o < 0) return reinterpret_cast<char*>(registers + bound_[size_t(~o)].destination * kBlock);
        const Input& in = inputs_[size_t(o)];
        if (in.slot >= 0) return reinterpret_cast<char*>(registers + (registers_ + in.slot) * kBlock);
        return static_cast<char*>(r.in(o).data) + (bases[o] + (in.meets == Meets::run ? from : 0)) * in.width;
      };
      char* out = static_cast<char*>(r.out(0).data) + (run * inner_ + from) * output_width_;
      for (const Bound& b : bound_) {
        void* to = b.destination < 0 ? out : reinterpret_cast<char*>(registers + b.destination * kBlock);
        size_t count = size_t(b.scalar ? 1 : n);
        if (b.unary) {
          b.unary(operand(b.code.a), to, count, b.code.params);
        } else if (b.binary) {
          b.binary(operand(b.code.a), operand(b.code.b), to, count);
        } else {
          const char* condition = operand(b.code.a);
          if (!b.scalar && operand_scalar(b.code.a)) {
            for (size_t k = 0; k < count; ++k) wide_condition[k] = condition[0];
            condition = wide_condition;
          }
          b.select(reinterpret_cast<const uint8_t*>(condition), operand(b.code.b), operand(b.code.c), to, count);
        }
      }
      if (bound_.back().scalar) fill(out, n);
    }
  }

  void fill(char* out, int64_t n) const {
    if (output_width_ == 1) std::fill_n(out + 1, n - 1, out[0]);
    else std::fill_n(reinterpret_cast<float*>(out) + 1, n - 1, reinterpret_cast<float*>(out)[0]);
  }

  ElementwiseProgram program_;
  std::vector<Input> inputs_;
  std::vector<Bound> bound_;
  Shape dims_;
  int outer_ = 0;  // dimensions before the run
  int64_t inner_ = 1, runs_ = 1, block_ = kBlock, registers_ = 0, expanded_ = 0, output_width_ = 4;
  double cost_ = 1;
};

}  // namespace

void op_fused_elementwise(OpTable& t) { t.add<FusedElementwise>("engine", "FusedElementwise", 1, 1, 64); }

}  // namespace engine
