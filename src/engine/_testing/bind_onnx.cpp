#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "graph/graph.h"
#include "onnx/file.h"
#include "onnx/reader.h"
#include "onnx/sha256.h"

namespace py = pybind11;
using namespace engine;

namespace {

py::object value_name(const Graph& graph, ValueId id) {
  if (id == kNoValue) return py::none();
  return py::int_(id);
}

// (dtype, shape, data): the bytes in memory, or a list of bytes for strings.
py::tuple describe_tensor(const Tensor& tensor) {
  py::tuple shape(tensor.shape.rank());
  for (int i = 0; i < tensor.shape.rank(); ++i) shape[size_t(i)] = tensor.shape[i];
  py::object data;
  if (tensor.dtype == DType::String) {
    py::list strings;
    for (int64_t i = 0; i < tensor.elements(); ++i) strings.append(py::bytes(tensor.as<std::string>()[i]));
    data = strings;
  } else {
    data = py::bytes(tensor.as<char>(), size_t(tensor.bytes()));
  }
  return py::make_tuple(dtype_name(tensor.dtype), shape, data);
}

py::object describe_attribute(const Attribute& a) {
  switch (a.kind) {
    case AttributeKind::Float:
      return py::cast(a.floats.at(0));
    case AttributeKind::Int:
      return py::cast(a.ints.at(0));
    case AttributeKind::String:
      return py::bytes(a.strings.at(0));
    case AttributeKind::Floats:
      return py::cast(a.floats);
    case AttributeKind::Ints:
      return py::cast(a.ints);
    default:
      break;
  }
  py::list items;
  for (const std::string& s : a.strings) items.append(py::bytes(s));
  for (const Tensor& t : a.tensors) items.append(describe_tensor(t));
  for (const TypeInfo& t : a.types) items.append(t.text());
  return items;
}

py::dict describe_graph(const Graph& graph);

py::dict describe_node(const Graph& graph, const Node& node) {
  py::dict out, attributes, bodies;
  py::list inputs, outputs;
  for (ValueId id : node.inputs) inputs.append(value_name(graph, id));
  for (ValueId id : node.outputs) outputs.append(value_name(graph, id));
  for (const Attribute& a : *node.attributes) attributes[py::str(a.name)] = describe_attribute(a);
  for (const Body& body : node.bodies) bodies[py::str(body.name)] = describe_graph(*body.graph);
  out["name"] = node.name;
  out["domain"] = node.domain;
  out["op_type"] = node.op_type;
  out["opset"] = node.opset;
  out["inputs"] = inputs;
  out["outputs"] = outputs;
  out["attributes"] = attributes;
  out["bodies"] = bodies;
  out["captures"] = node.captures;
  return out;
}

py::dict describe_value(const GraphValue& value) {
  py::dict out;
  out["name"] = value.name;
  out["type"] = value.type.text();
  out["dim_names"] = value.dim_names;
  out["constant"] = value.constant ? py::object(describe_tensor(*value.constant)) : py::none();
  out["aligned"] = value.constant ? reinterpret_cast<uintptr_t>(value.constant->data) % 64 : 0;
  return out;
}

py::dict describe_graph(const Graph& graph) {
  py::dict out;
  py::list values, nodes;
  for (const GraphValue& value : graph.values) values.append(describe_value(value));
  for (const Node& node : graph.nodes) nodes.append(describe_node(graph, node));
  out["name"] = graph.name;
  out["values"] = values;
  out["nodes"] = nodes;
  out["inputs"] = graph.inputs;
  out["outputs"] = graph.outputs;
  return out;
}

py::dict describe_file(const ModelFile& file) {
  py::dict out;
  py::list files;
  for (const ExternalFileInfo& f : file.files) files.append(py::make_tuple(f.path, f.bytes, f.sha256));
  out["graph"] = describe_graph(file.graph);
  out["opsets"] = file.opsets;
  out["ir_version"] = file.ir_version;
  out["model_version"] = file.model_version;
  out["producer_name"] = file.producer_name;
  out["producer_version"] = file.producer_version;
  out["domain"] = file.domain;
  out["doc_string"] = file.doc_string;
  out["metadata_props"] = file.metadata_props;
  out["sha256"] = file.sha256;
  out["files"] = files;
  return out;
}

// Failures come out as ReadError(code, message).
void raise_status(const Status& status) {
  py::object type = py::module_::import("engine._testing").attr("ReadError");
  PyErr_SetObject(type.ptr(), py::make_tuple(code_name(status.code()), status.message()).ptr());
  throw py::error_already_set();
}

struct Reading {
  RefPtr<MemoryAccount> account;
  ReadOptions options;
  Result<ModelFile> result{Status()};
};

using Digests = std::optional<std::map<std::string, std::string>>;

Reading read(const py::object& source, const std::string& sha256, const std::vector<std::string>& dirs, bool hash_files,
             bool share, int64_t memory_limit, const Digests& files = std::nullopt) {
  Reading reading;
  reading.account = make_ref<MemoryAccount>(memory_limit);
  reading.options.expected_sha256 = sha256;
  reading.options.external_data_dirs = dirs;
  reading.options.hash_external_files = hash_files;
  reading.options.share_mapping = share;
  reading.options.only_listed_files = files.has_value();
  if (files) reading.options.external_sha256.assign(files->begin(), files->end());
  reading.options.account = reading.account;
  if (py::isinstance<py::bytes>(source)) {
    std::string_view bytes = source.cast<std::string_view>();
    py::gil_scoped_release release;
    reading.result = read_model_bytes(bytes.data(), bytes.size(), reading.options);
  } else {
    std::string path = source.cast<std::string>();
    py::gil_scoped_release release;
    reading.result = engine::read_model(path, reading.options);
  }
  if (!reading.result.ok()) raise_status(std::move(reading.result).status());
  return reading;
}

py::dict read_described(const py::object& source, const std::string& sha256, const std::vector<std::string>& dirs,
                        bool hash_files, bool share, int64_t memory_limit, const Digests& files) {
  Reading reading = read(source, sha256, dirs, hash_files, share, memory_limit, files);
  Status consistent = check_graph(reading.result.value().graph, "reading");
  if (!consistent.ok()) raise_status(consistent);
  py::dict out = describe_file(reading.result.value());
  out["memory_used"] = reading.account->used();
  out["memory_peak"] = reading.account->peak();
  return out;
}

// Reads and drops the model: for timing. The number of nodes.
size_t read_only(const py::object& source, const std::vector<std::string>& dirs, bool share) {
  return read(source, "", dirs, false, share, 0).result.value().graph.nodes.size();
}

}  // namespace

void bind_onnx(py::module_& m) {
  m.attr("ReadError") =
      py::reinterpret_steal<py::object>(PyErr_NewException("engine._testing.ReadError", PyExc_Exception, nullptr));
  m.def("read_model", &read_described, py::arg("source"), py::arg("sha256") = "",
        py::arg("external_data_dirs") = std::vector<std::string>(), py::arg("hash_files") = false,
        py::arg("share_mapping") = true, py::arg("memory_limit") = 0, py::arg("file_digests") = py::none());
  m.def("read_model_only", &read_only, py::arg("source"), py::arg("external_data_dirs") = std::vector<std::string>(),
        py::arg("share_mapping") = true);
  m.def("check_unchanged_after", [](const std::string& path, const py::function& change) {
    Result<OpenFile> file = OpenFile::open(path);
    if (!file.ok()) raise_status(std::move(file).status());
    change();
    Status status = file.value().check_unchanged();
    if (!status.ok()) raise_status(status);
  });
  m.def("dump_model",
        [](const py::object& source) { return dump_graph(read(source, "", {}, false, true, 0).result.value().graph); });
  m.def("sha256_paths", &sha256_paths);
  m.def("sha256", [](const std::vector<py::bytes>& parts, size_t path) {
    Sha256 hash(path);
    for (const py::bytes& part : parts) {
      std::string_view view = part;
      hash.update(view.data(), view.size());
    }
    return hex(hash.finish());
  });
  m.def("parse_sha256", [](const std::string& text) {
    Result<std::string> digest = parse_sha256(text);
    if (!digest.ok()) raise_status(std::move(digest).status());
    return digest.take();
  });
}
