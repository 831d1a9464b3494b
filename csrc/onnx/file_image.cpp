#include "onnx/file_image.h"

#include <algorithm>

#include "onnx/limits.h"
#include "onnx/wire.h"

namespace engine::onnx {
namespace {

constexpr int64_t kPayloadFrom = int64_t(64) << 10;  // of raw_data; what is less is copied
constexpr int64_t kLeastAhead = int64_t(4) << 10, kMostAhead = int64_t(256) << 10;
constexpr int64_t kLongestHead = 20;  // two varints

// The messages on the way to raw_data.
enum class Kind : uint8_t { Other, Model, Function, Graph, Node, Attribute, Tensor, RawData };

Kind kind_within(Kind outer, uint32_t field) {
  switch (outer) {
    case Kind::Model: return field == 7 ? Kind::Graph : field == 25 ? Kind::Function : Kind::Other;
    case Kind::Function: return field == 7 ? Kind::Node : Kind::Other;
    case Kind::Graph: return field == 1 ? Kind::Node : field == 5 ? Kind::Tensor : Kind::Other;
    case Kind::Node: return field == 5 ? Kind::Attribute : Kind::Other;
    case Kind::Attribute: return field == 5 ? Kind::Tensor : field == 6 ? Kind::Graph : Kind::Other;
    case Kind::Tensor: return field == 9 ? Kind::RawData : Kind::Other;
    default: return Kind::Other;
  }
}

// Lists of an attribute may have an entry a field, and no tensor comes behind them.
bool starts_list(Kind message, uint32_t field) { return message == Kind::Attribute && field >= 7 && field <= 9; }

class ImageReader {
 public:
  ImageReader(const OpenFile& file, const ReadPart& told) : file_(file), told_(told) {}

  Result<FileImage> run() {
    ENGINE_ASSIGN(image_.text, Buffer::allocate(file_.size(), nullptr, "reading a file"));
    ENGINE_TRY(scan());
    ENGINE_TRY(read_until(file_.size()));
    tell_text(file_.size());
    return std::move(image_);
  }

 private:
  struct Message {
    Kind kind;
    int64_t end;
  };

  // Goes over the fields of all messages that are large enough to have a payload, until the end or to what is malformed.
  Status scan() {
    std::vector<Message> open{{Kind::Model, file_.size()}};
    int64_t at = 0;
    while (!open.empty()) {
      const Message message = open.back();
      if (at == message.end) {
        open.pop_back();
        continue;
      }
      Field field;
      int64_t length = 0;
      bool good = false;
      ENGINE_TRY(read_head(message.end, &at, &field, &length, &good));
      if (!good) return {};
      if (starts_list(message.kind, field.number)) {
        at = message.end;
        continue;
      }
      const Kind kind = field.type == WireType::Bytes && length >= kPayloadFrom ? kind_within(message.kind, field.number) : Kind::Other;
      if (kind == Kind::RawData) ENGINE_TRY(read_payload(at, length));
      if (kind == Kind::Other || kind == Kind::RawData || int64_t(open.size()) > 4 * limits::kDepth) at += length;
      else open.push_back({kind, at + length});
    }
    return {};
  }

  // Reads a field's tag and length, and moves `at` to what `length` bytes of it follow. `good` stays false when it does not fit.
  Status read_head(int64_t end, int64_t* at, Field* field, int64_t* length, bool* good) {
    const int64_t most = std::min(end, *at + kLongestHead);
    ENGINE_TRY(read_until(most));
    const char *text = image_.text->data(), *p = text + *at, *stop = text + most;
    uint64_t tag, value = 0;
    if (!read_varint(&p, stop, &tag) || tag >> 32) return {};
    field->number = uint32_t(tag >> 3);
    field->type = WireType(tag & 7);
    switch (field->type) {
      case WireType::Varint:
        if (!read_varint(&p, stop, &value)) return {};
        value = 0;
        break;
      case WireType::Fixed64: value = 8; break;
      case WireType::Fixed32: value = 4; break;
      case WireType::Bytes:
        if (!read_varint(&p, stop, &value)) return {};
        break;
      default: return {};
    }
    *at = p - text;
    *length = int64_t(value);
    *good = value <= uint64_t(end - *at);
    return {};
  }

  // Has the text up to `end`, and some more: the further it is to the last payload, the more.
  Status read_until(int64_t end) {
    if (end <= read_) return {};
    const int64_t n = std::min(std::max(end - read_, ahead_), file_.size() - read_);
    ENGINE_TRY(file_.read_at(read_, image_.text->data() + read_, n));
    read_ += n;
    ahead_ = std::min(2 * ahead_, kMostAhead);
    return {};
  }

  Status read_payload(int64_t offset, int64_t size) {
    ENGINE_ASSIGN(RefPtr<Buffer> buffer, Buffer::allocate(size, nullptr, "reading a file"));
    const int64_t there = std::clamp<int64_t>(read_ - offset, 0, size);
    std::memcpy(buffer->data(), image_.text->data() + offset, size_t(there));
    ENGINE_TRY(file_.read_at(offset + there, buffer->data() + there, size - there));
    read_ = std::max(read_, offset + size);
    ahead_ = kLeastAhead;
    tell_text(offset);
    told_(buffer, buffer->data(), size);
    told_until_ = offset + size;
    image_.payloads.add(offset, std::move(buffer));
    return {};
  }

  void tell_text(int64_t end) {
    if (end > told_until_) told_(image_.text, image_.text->data() + told_until_, end - told_until_);
    told_until_ = end;
  }

  const OpenFile& file_;
  const ReadPart& told_;
  FileImage image_;
  int64_t read_ = 0;  // the file's bytes up to here are in the text or in payloads
  int64_t told_until_ = 0, ahead_ = kMostAhead / 4;
};

}  // namespace

Buffer* Payloads::find(int64_t offset, int64_t size) const {
  auto at = std::lower_bound(parts_.begin(), parts_.end(), offset, [](const Part& part, int64_t wanted) { return part.offset < wanted; });
  return at != parts_.end() && at->offset == offset && at->buffer->size() == size ? at->buffer.get() : nullptr;
}

Result<FileImage> read_image(const OpenFile& file, const ReadPart& told) { return ImageReader(file, told).run(); }

}  // namespace engine::onnx
