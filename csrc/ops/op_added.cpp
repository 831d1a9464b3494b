#include <atomic>
#include <map>
#include <set>

#include "ops/added_operators.h"
#include "sched/fork.h"

namespace engine {
namespace {

constexpr const char* kOwnDomain = "engine";

struct Registry {
  ForkMutex mutex;
  // By domain and name; later rows hide earlier ones.
  std::map<std::pair<std::string, std::string>, std::vector<std::unique_ptr<AddedOperator>>> rows;
  std::atomic<std::string (*)()> finder{nullptr};
};

// Never destroyed: models may outlive static destructors.
Registry& registry() {
  static auto* r = new Registry;
  return *r;
}

bool covers(const AddedOperator& row, int version) { return row.since <= version && (row.until == 0 || version <= row.until); }

bool overlap(const AddedOperator& a, const AddedOperator& b) {
  return (a.until == 0 || b.since <= a.until) && (b.until == 0 || a.since <= b.until);
}

std::string full_name(const AddedOperator& row) {
  return row.domain_text.empty() ? row.name_text : row.domain_text + "." + row.name_text;
}

Status check_name(const AddedOperator& row) {
  if (row.domain_text == kOwnDomain) return error(Code::InvalidModel, "the domain '%s' is the engine's own", kOwnDomain);
  for (const OpDef& def : op_table().rows())
    if (row.domain_text == def.domain && row.name_text == def.name)
      return error(Code::InvalidModel, "%s is built in and is not replaced; use a domain of your own", full_name(row).c_str());
  return {};
}

Status check_free(const AddedOperator& row, const AddedOperator& there) {
  if (!overlap(row, there)) return {};
  return error(Code::InvalidModel, "%s (from version %d on) is registered already, by %s", full_name(row).c_str(), there.since,
               there.origin.c_str());
}

}  // namespace

AddedOperator::AddedOperator(std::string d, std::string n, std::string o, int since_version, int until_version)
    : OpDef{},
      domain_text(d == "ai.onnx" ? std::string() : std::move(d)),
      name_text(std::move(n)),
      origin(std::move(o)),
      until(until_version) {
  domain = domain_text.c_str();
  name = name_text.c_str();
  since = since_version;
}

Status add_operators(std::vector<std::unique_ptr<AddedOperator>> rows, bool replace) {
  for (size_t i = 0; i < rows.size(); ++i) {
    ENGINE_TRY(check_name(*rows[i]));
    for (size_t j = 0; j < i; ++j)
      if (rows[i]->domain_text == rows[j]->domain_text && rows[i]->name_text == rows[j]->name_text)
        ENGINE_TRY(check_free(*rows[i], *rows[j]));
  }
  Registry& r = registry();
  std::lock_guard<ForkMutex> lock(r.mutex);
  for (const std::unique_ptr<AddedOperator>& row : rows) {
    if (replace) break;
    auto there = r.rows.find({row->domain_text, row->name_text});
    if (there == r.rows.end()) continue;
    for (const std::unique_ptr<AddedOperator>& other : there->second) ENGINE_TRY(check_free(*row, *other));
  }
  for (std::unique_ptr<AddedOperator>& row : rows) r.rows[{row->domain_text, row->name_text}].push_back(std::move(row));
  return {};
}

const AddedOperator* find_added_operator(const std::string& domain, const std::string& name, int version) {
  Registry& r = registry();
  std::lock_guard<ForkMutex> lock(r.mutex);
  auto there = r.rows.find({domain, name});
  if (there == r.rows.end()) return nullptr;
  for (auto row = there->second.rbegin(); row != there->second.rend(); ++row)
    if (covers(**row, version)) return row->get();
  return nullptr;
}

std::vector<const AddedOperator*> added_operators() {
  Registry& r = registry();
  std::lock_guard<ForkMutex> lock(r.mutex);
  std::vector<const AddedOperator*> all;
  for (const auto& [key, rows] : r.rows)
    for (const std::unique_ptr<AddedOperator>& row : rows) all.push_back(row.get());
  return all;
}

std::string added_domains() {
  std::set<std::string> domains;
  for (const AddedOperator* row : added_operators()) domains.insert(row->domain_text.empty() ? "ai.onnx" : row->domain_text);
  std::string list;
  for (const std::string& domain : domains) list += (list.empty() ? "" : ", ") + domain;
  return list;
}

void set_operator_finder(std::string (*find)()) { registry().finder.store(find); }

std::string find_more_operators() {
  std::string (*find)() = registry().finder.load();
  return find ? find() : std::string();
}

}  // namespace engine
