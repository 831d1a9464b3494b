// Bytes -> messages.h. One decode_<part>.cpp for each part of the format.
#pragma once

#include "base/memory.h"
#include "onnx/budget.h"
#include "onnx/external_data.h"
#include "onnx/file_image.h"
#include "onnx/messages.h"
#include "onnx/wire.h"

namespace engine::onnx {

// Where the bytes being decoded live.
struct Source {
  RefPtr<Buffer> buffer;
  bool share = false;  // tensors may be views of it; otherwise they are copied
  const Payloads* payloads = nullptr;  // parts of `buffer` that lie elsewhere; null: none
};

class Decoder {
 public:
  // `account` may be null. Everything referred to must outlive the decoder; views in messages die with `source`.
  Decoder(Source source, ExternalFiles& external, bool share_external, Budget& budget, MemoryAccount* account)
      : source_(std::move(source)),
        external_(external),
        share_external_(share_external),
        budget_(budget),
        account_(account) {}

  Status decode_model(Bytes bytes, ModelMessage* out);

 private:
  // decode_graph.cpp
  Status decode_graph(Bytes bytes, int depth, GraphMessage* out);
  Status decode_node(Bytes bytes, int depth, NodeMessage* out);
  Status decode_function(Bytes bytes, FunctionMessage* out);
  Status decode_initializer(const Field& field, bool sparse, GraphMessage* out);
  Status add_node(const Field& field, int depth, std::vector<NodeMessage>* out);
  Status add_name(const Field& field, std::vector<Bytes>* out);
  Status add_value_info(const Field& field, std::vector<ValueInfoMessage>* out);

  // decode_model.cpp
  Status decode_opset(const Field& field, Opsets* out);

  // decode_attribute.cpp: adds to `values`, or to `open` when it is a reference or holds graphs.
  Status decode_attribute(Bytes bytes, int depth, Attributes* values, std::vector<OpenAttribute>* open);
  Status add_attribute_value(const Field& field, int depth, Attribute* value, OpenAttribute* graphs);

  // decode_tensor.cpp. A tensor without a name leaves `name` empty.
  Result<Tensor> decode_tensor(Bytes bytes, Bytes* name);
  Result<Tensor> tensor_from_bytes(DType dtype, const Shape& shape, Bytes data, const Source& source);
  Result<Tensor> tensor_of_payload(DType dtype, const Shape& shape, Buffer* payload);
  Result<Tensor> external_tensor(DType dtype, const Shape& shape, const ExternalLocation& location);
  // Charges the budget, then as make_tensor.
  Result<Tensor> new_tensor(DType dtype, const Shape& shape);

  // decode_sparse.cpp
  Result<Tensor> decode_sparse_tensor(Bytes bytes, Bytes* name);

  Source source_;
  ExternalFiles& external_;
  bool share_external_;
  Budget& budget_;
  MemoryAccount* account_;
};

// decode_type.cpp. Types that the engine has no form for (sparse tensors, opaque, maps of sequences) leave `type`
// Unknown and set `problem`.
Status decode_value_info(Bytes bytes, ValueInfoMessage* out);
Status decode_type(Bytes bytes, int depth, ValueInfoMessage* out);
}  // namespace engine::onnx
