#include "api/custom_context.h"

#include <cmath>

namespace engine {
namespace {

using C = CustomContext;

const Attribute* attribute(EngineContext* c, const char* name) { return C::of(c).infer.attribute(name); }

const Shape* output_shape(EngineContext* c, int32_t o) {
  PrepareContext* p = C::of(c).prepare;
  if (!p || o < 0 || size_t(o) >= p->output_types_.size() || !p->output_types_[size_t(o)].static_shape()) return nullptr;
  return &p->output_types_[size_t(o)].shape;
}

// kUnknownDim and what is below it are one.
bool read_shape(EngineContext* c, int32_t o, int32_t rank, const int64_t* dims, Shape* shape) {
  if (rank > kMaxRank) {
    C::of(c).fail(custom_error(ENGINE_FAILED, format("output %d has %d dimensions; at most %d are supported", o, rank, kMaxRank)));
    return false;
  }
  for (int32_t d = 0; d < rank; ++d) shape->push_back(dims[d] < 0 ? kUnknownDim : dims[d]);
  return true;
}

void set_output(EngineContext* c, int32_t o, int32_t dtype, int32_t rank, const int64_t* dims) {
  C& context = C::of(c);
  context.guarded(0, [&] {
    DType type = dtype_from_onnx(dtype);
    Shape shape;
    if (context.prepare || o < 0 || type == DType::Undefined)
      context.fail(custom_error(ENGINE_FAILED, context.prepare ? std::string("set_output is for infer") : format("output %d cannot have element type %d", o, dtype)));
    else if (rank < 0) context.infer.set(o, type);
    else if (read_shape(c, o, rank, dims, &shape)) context.infer.set(o, type, shape);
    return 0;
  });
}

void allow_in_place(EngineContext* c, int32_t o, int32_t i) {
  C& context = C::of(c);
  context.guarded(0, [&] {
    if (o >= 0 && i >= 0 && context.infer.has_input(i)) context.infer.allow_in_place(o, i);
    return 0;
  });
}

int32_t fail(EngineContext* c, int32_t status, const char* format, ...) {
  va_list args;
  va_start(args, format);
  if (status != ENGINE_OK) C::of(c).fail(custom_error(status, custom_text(format, args)));
  va_end(args);
  return status;
}

const void* pack(EngineContext* c, int32_t i, const char* kind, int64_t bytes, EngineFill fill, void* arg) {
  C& context = C::of(c);
  return context.guarded(static_cast<const void*>(nullptr), [&]() -> const void* {
    if (!context.prepare || i < 0 || bytes < 0 || !context.prepare->is_constant(i)) {
      context.fail(custom_error(ENGINE_FAILED, "pack wants a constant input, in prepare"));
      return nullptr;
    }
    std::string name = context.infer.node().full_op_type() + " " + context.def.identity + " " + kind;
    Result<RefPtr<Buffer>> packed = context.prepare->pack(i, name, bytes, [&](char* memory) { fill(arg, memory); });
    if (!packed.ok()) {
      context.fail(std::move(packed).status());
      return nullptr;
    }
    context.packed.push_back(packed.take());
    return context.packed.back()->data();
  });
}

void add_stage(EngineContext* c, int64_t items, double ns_per_item) {
  C& context = C::of(c);
  context.guarded(0, [&] {
    if (items < 0 || !std::isfinite(ns_per_item))
      context.fail(custom_error(ENGINE_FAILED, format("a stage of %lld items at %g ns", (long long)items, ns_per_item)));
    else context.stages.push_back({items, std::clamp(ns_per_item, 0.01, 1e12)});
    return 0;
  });
}

}  // namespace

CustomContext::CustomContext(const CustomDefinition& d, InferContext& i, PrepareContext* p)
    : EngineContext{&custom_api(), d.op.user_data}, def(d), infer(i), prepare(p) {}

void CustomContext::fail(Status status) {
  if (told.ok()) told = std::move(status);
}

const EngineTensor* CustomContext::keep(const Tensor* tensor) {
  if (!tensor) return nullptr;
  return guarded(static_cast<const EngineTensor*>(nullptr), [&] {
    views_.push_back(custom_view(tensor));
    return static_cast<const EngineTensor*>(&views_.back());
  });
}

void fill_context_functions(EngineApi& api) {
  api.input_count = [](EngineContext* c) { return int32_t(C::of(c).infer.input_count()); };
  api.output_count = [](EngineContext* c) { return int32_t(C::of(c).infer.output_count()); };
  api.opset = [](EngineContext* c) { return int32_t(C::of(c).infer.opset()); };
  api.input_dtype = [](EngineContext* c, int32_t i) {
    return i >= 0 && C::of(c).infer.has_input(i) ? int32_t(C::of(c).infer.dtype(i)) : int32_t(ENGINE_UNDEFINED);
  };
  api.input_rank = [](EngineContext* c, int32_t i) {
    return i >= 0 && C::of(c).infer.has_rank(i) ? int32_t(C::of(c).infer.shape(i).rank()) : int32_t(-1);
  };
  api.input_dim = [](EngineContext* c, int32_t i, int32_t axis) { return C::of(c).infer.shape(i)[axis]; };
  api.input_value = [](EngineContext* c, int32_t i) { return i < 0 ? nullptr : C::of(c).keep(C::of(c).infer.value(i)); };
  api.has_output = [](EngineContext* c, int32_t o) { return int32_t(o >= 0 && C::of(c).infer.has_output(o)); };

  api.attribute_name = [](EngineContext* c, int32_t index) -> const char* {
    const Node& node = C::of(c).infer.node();
    bool there = node.attributes && index >= 0 && size_t(index) < node.attributes->size();
    return there ? (*node.attributes)[size_t(index)].name.c_str() : nullptr;
  };
  api.attribute_kind = [](EngineContext* c, const char* name) {
    const Attribute* a = attribute(c, name);
    return a ? int32_t(a->kind) : int32_t(0);
  };
  api.attribute_int = [](EngineContext* c, const char* name, int64_t fallback) { return C::of(c).infer.attr_int(name, fallback); };
  api.attribute_float = [](EngineContext* c, const char* name, float fallback) { return C::of(c).infer.attr_float(name, fallback); };
  api.attribute_string = [](EngineContext* c, const char* name, const char* fallback) {
    const Attribute* a = attribute(c, name);
    return a && !a->strings.empty() ? a->strings[0].c_str() : fallback;
  };
  api.attribute_ints = [](EngineContext* c, const char* name, int32_t* count) -> const int64_t* {
    const Attribute* a = attribute(c, name);
    *count = a ? int32_t(a->ints.size()) : 0;
    return *count ? a->ints.data() : nullptr;
  };
  api.attribute_floats = [](EngineContext* c, const char* name, int32_t* count) -> const float* {
    const Attribute* a = attribute(c, name);
    *count = a ? int32_t(a->floats.size()) : 0;
    return *count ? a->floats.data() : nullptr;
  };
  api.attribute_string_at = [](EngineContext* c, const char* name, int32_t index) -> const char* {
    const Attribute* a = attribute(c, name);
    return a && index >= 0 && size_t(index) < a->strings.size() ? a->strings[size_t(index)].c_str() : nullptr;
  };
  api.attribute_tensor = [](EngineContext* c, const char* name) { return C::of(c).keep(C::of(c).infer.attr_tensor(name)); };

  api.set_output = set_output;
  api.allow_in_place = allow_in_place;
  api.fail = fail;
  api.output_rank = [](EngineContext* c, int32_t o) {
    const Shape* shape = output_shape(c, o);
    return shape ? int32_t(shape->rank()) : int32_t(-1);
  };
  api.output_dim = [](EngineContext* c, int32_t o, int32_t axis) { return (*output_shape(c, o))[axis]; };
  api.threads = [](EngineContext* c) { return int32_t(C::of(c).prepare ? C::of(c).prepare->threads() : 1); };
  api.pack = pack;
  api.add_stage = add_stage;
  api.need_scratch = [](EngineContext* c, int64_t bytes) {
    if (C::of(c).prepare) C::of(c).prepare->need_scratch(bytes);
  };
  api.need_shared_scratch = [](EngineContext* c, int64_t bytes) {
    C::of(c).shared_scratch = std::max(C::of(c).shared_scratch, bytes);
  };
}

}  // namespace engine
