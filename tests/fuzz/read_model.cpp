// libFuzzer over the reader: whatever the bytes, reading ends with a model or a Status, in bounded memory, and a model
// that is read is consistent and every byte of its constants is there. Build with -DENGINE_FUZZ=ON (Clang) and run
//   fuzz_read_model -max_len=100000 -malloc_limit_mb=512 -timeout=10 corpus/
#include <cstring>

#include "graph/graph.h"
#include "onnx/reader.h"
#include "wire_mutator.h"

namespace {

constexpr int64_t kMemoryLimit = int64_t(64) << 20;

[[noreturn]] void fail(const engine::Status& status) {
  std::fprintf(stderr, "%s: %s\n", engine::code_name(status.code()), status.message().c_str());
  std::abort();
}

// Touches every byte, so that the address sanitizer sees them all.
uint64_t sum_constants(const engine::Graph& graph) {
  uint64_t sum = 0;
  for (const engine::GraphValue& value : graph.values) {
    if (!value.constant) continue;
    const engine::Tensor& tensor = *value.constant;
    if (tensor.dtype == engine::DType::String) {
      for (int64_t i = 0; i < tensor.elements(); ++i) sum += tensor.as<std::string>()[i].size();
    } else {
      for (int64_t i = 0; i < tensor.bytes(); ++i) sum += tensor.as<uint8_t>()[i];
    }
  }
  for (const engine::Node& node : graph.nodes)
    for (const engine::Body& body : node.bodies) sum += sum_constants(*body.graph);
  return sum;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  engine::ReadOptions options;
  options.account = engine::make_ref<engine::MemoryAccount>(kMemoryLimit);
  engine::Result<engine::ModelFile> model = engine::read_model_bytes(data, size, options);
  if (!model.ok()) {
    engine::Status status = std::move(model).status();
    if (status.code() == engine::Code::InternalError || status.message().empty()) fail(status);
    return 0;
  }
  engine::Status consistent = engine::check_graph(model.value().graph, "reading");
  if (!consistent.ok()) fail(consistent);
  volatile uint64_t sink = sum_constants(model.value().graph) + engine::dump_graph(model.value().graph).size();
  (void)sink;
  return 0;
}

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, unsigned seed) {
  static engine::fuzz::WireMessage donor;
  std::mt19937 random(seed);
  engine::fuzz::WireMessage message;
  if (random() % 8 == 0 || !engine::fuzz::parse_wire({reinterpret_cast<const char*>(data), size}, 12, &message))
    return LLVMFuzzerMutate(data, size, max_size);
  if (donor.empty() || random() % 16 == 0) donor = message;
  engine::fuzz::mutate_wire(message, donor, random);
  std::string written = engine::fuzz::write_wire(message);
  if (written.size() > max_size) return LLVMFuzzerMutate(data, size, max_size);
  std::memcpy(data, written.data(), written.size());
  return written.size();
}
