#include "onnx/external_data.h"

#include <algorithm>
#include <charconv>

#include "onnx/limits.h"

namespace engine::onnx {
namespace {

Status refused(Bytes location, const char* why) {
  return error(Code::InvalidModel, "external data location %s is refused: %s", quoted(location).c_str(), why);
}

bool is_separator(char c) {
#if defined(_WIN32)
  return c == '/' || c == '\\';
#else
  return c == '/';
#endif
}

Status check_location(Bytes location) {
  if (location.empty()) return refused(location, "it is empty");
  if (int64_t(location.size()) > limits::kPathBytes) return refused(location, "it is too long");
  if (location.find('\0') != Bytes::npos) return refused(location, "it holds a NUL");
  if (is_separator(location[0])) return refused(location, "it is absolute");
#if defined(_WIN32)
  if (location.find(':') != Bytes::npos) return refused(location, "it names a drive or a stream");
#endif
  for (size_t at = 0; at < location.size();) {
    size_t end = at;
    while (end < location.size() && !is_separator(location[end])) ++end;
    if (location.substr(at, end - at) == "..") return refused(location, "it leaves its folder by '..'");
    at = end + 1;
  }
  return {};
}

Status parse_number(Bytes text, const char* what, int64_t* out) {
  auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), *out);
  if (problem != std::errc() || end != text.data() + text.size() || *out < 0)
    return error(Code::InvalidModel, "external data %s %s is no byte count", what, quoted(text).c_str());
  return {};
}

}  // namespace

ExternalFiles::ExternalFiles(std::string model_folder, std::vector<std::string> further_folders, int64_t map_from,
                             ExternalDigests digests)
    : folders_(std::move(further_folders)),
      links_allowed_(!folders_.empty()),
      map_from_(map_from),
      digests_(std::move(digests)) {
  if (!model_folder.empty()) folders_.insert(folders_.begin(), std::move(model_folder));
}

Status ExternalFiles::find(const ExternalLocation& location, int64_t bytes, const ExternalFile** file, Bytes* data) {
  int64_t offset = 0, length = bytes;
  if (!location.offset.empty()) ENGINE_TRY(parse_number(location.offset, "offset", &offset));
  if (!location.length.empty()) ENGINE_TRY(parse_number(location.length, "length", &length));
  if (length != bytes)
    return error(Code::InvalidModel, "external data has %lld bytes, its shape and type need %lld", (long long)length,
                 (long long)bytes);
  ENGINE_TRY(open(location.location, file));
  int64_t size = (*file)->bytes->size();
  if (offset > size || length > size - offset)
    return error(Code::InvalidModel,
                 "external data at offset %lld with %lld bytes goes beyond the %lld bytes of file '%s'",
                 (long long)offset, (long long)length, (long long)size, (*file)->file.path().c_str());
  *data = Bytes((*file)->bytes->data() + offset, size_t(length));
  return {};
}

Status ExternalFiles::open(Bytes location, const ExternalFile** file) {
  if (auto known = by_location_.find(location); known != by_location_.end()) {
    *file = known->second;
    return {};
  }
  ENGINE_TRY(check_location(location));
  if (int64_t(by_location_.size()) >= limits::kExternalFiles)
    return error(Code::InvalidModel, "more than %lld external data locations", (long long)limits::kExternalFiles);
  ENGINE_ASSIGN(ExternalFile * opened, open_resolved(location));
  const std::string plain = plain_location(location);
  ENGINE_TRY(check(*opened, plain));
  if (std::find(opened->locations.begin(), opened->locations.end(), plain) == opened->locations.end())
    opened->locations.push_back(plain);
  *file = by_location_[std::string(location)] = opened;
  return {};
}

Result<ExternalFile*> ExternalFiles::open_resolved(Bytes location) {
  ENGINE_ASSIGN(std::string path, resolve(std::string(location)));
  ENGINE_ASSIGN(OpenFile opened, OpenFile::open_without_links(path));
  if (auto known = by_identity_.find(opened.identity()); known != by_identity_.end()) return known->second;
  if (opened.links() > 1 && !links_allowed_)
    return refused(
        location,
        "the file has several hard links; name the folder that they may come from in external_data_dirs to allow that");
  bool mapped = false;
  ENGINE_ASSIGN(RefPtr<Buffer> bytes, opened.size() >= map_from_ ? opened.map(&mapped) : opened.read());
  if (!mapped) {
    // There may be thousands of them, and handles are few.
    ENGINE_TRY(opened.check_unchanged());
    opened.close();
  }
  total_bytes_ += opened.size();
  files_.push_back({std::move(opened), std::move(bytes), mapped, {}, {}});
  return by_identity_[files_.back().file.identity()] = &files_.back();
}

Status ExternalFiles::check(ExternalFile& file, const std::string& location) const {
  auto expected = digests_.by_location.find(location);
  const bool listed = expected != digests_.by_location.end();
  if (!listed && !digests_.required) return {};
  const std::string where = "external data " + quoted(location) + ": file '" + file.file.path() + "'";
  if (!listed) return error(Code::DigestMismatch, "%s is not among the files whose digests are given", where.c_str());
  if (file.sha256.empty()) file.sha256 = digest_of(*file.bytes);
  return check_digest(file.sha256, expected->second, where);
}

void ExternalFiles::hash_all() {
  for (ExternalFile& file : files_)
    if (file.sha256.empty()) file.sha256 = digest_of(*file.bytes);
}

Status ExternalFiles::resolve_folders() {
  if (resolved_) return {};
  resolved_ = true;
  for (const std::string& folder : folders_) {
    ENGINE_ASSIGN(std::string path, canonical_path(folder));
    canonical_.push_back(std::move(path));
  }
  return {};
}

bool ExternalFiles::contained(const std::string& path) const {
  for (const std::string& folder : canonical_) {
    bool root = is_separator(folder.back());
    if (path.starts_with(folder) && (root || (path.size() > folder.size() && is_separator(path[folder.size()]))))
      return true;
  }
  return false;
}

Result<std::string> ExternalFiles::resolve(const std::string& location) {
  if (folders_.empty())
    return error(
        Code::InvalidModel,
        "external data location %s: a model without a path has no folder to find it in; name one in external_data_dirs",
        quoted(location).c_str());
  ENGINE_TRY(resolve_folders());
  Status missing;
  for (const std::string& folder : canonical_) {
    Result<std::string> path = canonical_path(folder + "/" + location);
    if (!path.ok()) {
      if (missing.ok()) missing = std::move(path).status();
      continue;
    }
    if (!contained(path.value()))
      return refused(location,
                     "it is a link out of the model's folder; name the folder that it leads to in external_data_dirs "
                     "to allow that");
    return path;
  }
  return missing;
}

Status ExternalFiles::check_unchanged() const {
  for (const ExternalFile& file : files_) ENGINE_TRY(file.file.check_unchanged());
  return {};
}

}  // namespace engine::onnx
