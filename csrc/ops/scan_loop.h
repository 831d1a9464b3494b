// The loop of Scan, of any version: state values carried from step to step, inputs sliced and outputs stacked along an axis.
#pragma once

#include <utility>
#include <vector>

#include "ops/control_flow.h"

namespace engine {

struct ScanPort {
  int axis = 0;         // of the whole tensor
  bool reverse = false;
};

// One pass over a sequence. Owned by a run, used for one sequence after the other.
class ScanLoop {
 public:
  ScanLoop(OpRun& r, Subprogram& body, size_t states, const std::vector<ScanPort>& inputs, const std::vector<ScanPort>& outputs)
      : r_(r), body_(body), states_(states), inputs_(inputs), outputs_(outputs), slices_(inputs.size()), state_(states),
        made_(states + outputs.size()), arguments_(states + inputs.size()) {
    arguments_.insert(arguments_.end(), r.captured().begin(), r.captured().end());
  }

  // Runs `length` steps over the whole tensors `sources`, from `initial`. `place(k, slice)` is asked once an output and pass,
  // at the first step, for the whole tensor that output k's slices go to.
  template <class Place>
  Status run(const std::vector<Tensor>& sources, const std::vector<const Value*>& initial, int64_t length, Place&& place) {
    for (size_t s = 0; s < states_; ++s) arguments_[s] = initial[s];
    for (size_t i = 0; i < inputs_.size(); ++i) ENGINE_TRY(start_input(i, sources[i]));
    std::vector<Tensor> wholes(outputs_.size());
    for (int64_t t = 0; t < length; ++t) {
      ENGINE_TRY(r_.checkpoint());
      for (size_t i = 0; i < inputs_.size(); ++i) ENGINE_TRY(read_slice(i, sources[i], inputs_[i].reverse ? length - 1 - t : t));
      ENGINE_TRY(body_.run(r_.context(), arguments_, made_));
      for (size_t k = 0; k < outputs_.size(); ++k) {
        const Value& slice = made_[states_ + k];
        if (slice.kind != ValueKind::Tensor) return error(Code::InvalidInput, "scan output %zu is no tensor", k);
        if (t == 0) {
          ENGINE_ASSIGN(wholes[k], place(k, slice.tensor));
        }
        ENGINE_TRY(write_slice(k, slice.tensor, wholes[k], outputs_[k].reverse ? length - 1 - t : t));
      }
      for (size_t s = 0; s < states_; ++s) {
        std::swap(state_[s], made_[s]);
        arguments_[s] = &state_[s];
      }
    }
    return {};
  }

  // State s after run(); null when there was no step (it is the initial one then).
  Value* state(size_t s) { return arguments_[s] == &state_[s] ? &state_[s] : nullptr; }

 private:
  Status start_input(size_t i, const Tensor& source) {
    Value& slice = slices_[i];
    slice.kind = ValueKind::Tensor;
    Shape shape = source.shape;
    shape.erase(inputs_[i].axis);
    if (inputs_[i].axis > 0 && (!slice.tensor.buffer || !(slice.tensor.shape == shape))) {
      ENGINE_ASSIGN(slice.tensor, r_.make(source.dtype, shape));
    }
    slice.tensor.dtype = source.dtype;
    slice.tensor.shape = shape;
    arguments_[states_ + i] = &slice;
    return {};
  }

  Status read_slice(size_t i, const Tensor& source, int64_t t) {
    Tensor& slice = slices_[i].tensor;
    if (inputs_[i].axis != 0) return copy_slice(r_, slice, source, inputs_[i].axis, t, false);
    slice.data = source.as<char>() + t * slice.bytes();
    return {};
  }

  Status write_slice(size_t k, const Tensor& slice, const Tensor& whole, int64_t t) {
    Shape expected = whole.shape;
    expected.erase(outputs_[k].axis);
    if (slice.dtype != whole.dtype || !(slice.shape == expected))
      return error(Code::InvalidInput, "scan output %zu is %s%s in one step, but was %s%s before", k, dtype_name(slice.dtype),
                   slice.shape.text().c_str(), dtype_name(whole.dtype), expected.text().c_str());
    return copy_slice(r_, slice, whole, outputs_[k].axis, t, true);
  }

  OpRun& r_;
  Subprogram& body_;
  size_t states_;
  const std::vector<ScanPort>& inputs_;
  const std::vector<ScanPort>& outputs_;
  std::vector<Value> slices_, state_, made_;
  std::vector<const Value*> arguments_;
};

}  // namespace engine
