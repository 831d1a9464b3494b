#include <algorithm>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "sched/cpus.h"

namespace engine {
namespace {

// A mounted cgroup hierarchy that may limit CPU time.
struct Hierarchy {
  bool v2;
  std::string mount_root;   // the group that is visible at the mount point, as /proc/self/cgroup names groups
  std::string mount_point;  // below the root
};

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, separator);) parts.push_back(part);
  return parts;
}

bool contains(const std::vector<std::string>& parts, const char* part) {
  return std::find(parts.begin(), parts.end(), part) != parts.end();
}

std::string first_line(const std::string& path) {
  std::ifstream in(path);
  std::string line;
  std::getline(in, line);
  return line;
}

bool is_octal(char c) { return c >= '0' && c <= '7'; }

// mountinfo writes blanks and backslashes in paths as \ooo.
std::string unescape(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    bool escape = text[i] == '\\' && i + 3 < text.size() && is_octal(text[i + 1]) && is_octal(text[i + 2]) &&
                  is_octal(text[i + 3]);
    if (!escape) {
      out += text[i];
      continue;
    }
    out += char((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
    i += 3;
  }
  return out;
}

// A line of mountinfo: id parent device root mount-point options [optional ...] - type source super-options.
void add_mount(const std::string& line, std::vector<Hierarchy>* out) {
  std::vector<std::string> fields = split(line, ' ');
  size_t dash = size_t(std::find(fields.begin(), fields.end(), "-") - fields.begin());
  if (dash < 6 || dash + 3 >= fields.size()) return;
  bool v2 = fields[dash + 1] == "cgroup2";
  bool v1 = fields[dash + 1] == "cgroup" && contains(split(fields[dash + 3], ','), "cpu");
  if (v1 || v2) out->push_back({v2, unescape(fields[3]), unescape(fields[4])});
}

std::vector<Hierarchy> find_hierarchies(const std::string& root) {
  std::vector<Hierarchy> found;
  std::ifstream in(root + "/proc/self/mountinfo");
  for (std::string line; std::getline(in, line);) add_mount(line, &found);
  if (!found.empty()) return found;
  return {{true, "/", "/sys/fs/cgroup"},
          {true, "/", "/sys/fs/cgroup/unified"},
          {false, "/", "/sys/fs/cgroup/cpu"},
          {false, "/", "/sys/fs/cgroup/cpu,cpuacct"}};
}

// The process's group in the hierarchies of one kind; "" when it is in none. A line: id:controllers:path, v2: 0::path.
std::string group_of_process(const std::string& proc_self_cgroup, bool v2) {
  for (const std::string& line : split(proc_self_cgroup, '\n')) {
    size_t first = line.find(':');
    size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    std::string controllers = line.substr(first + 1, second - first - 1);
    bool match =
        v2 ? line.compare(0, first, "0") == 0 && controllers.empty() : contains(split(controllers, ','), "cpu");
    if (match) return line.substr(second + 1);
  }
  return "";
}

// `group` below the mount's own group, "" for that group itself and for groups that the mount does not show.
std::string below_mount(const std::string& group, const std::string& mount_root) {
  std::string top = mount_root == "/" ? "" : mount_root;
  bool inside = group.compare(0, top.size(), top) == 0 && (group.size() == top.size() || group[top.size()] == '/');
  std::string rest = inside ? group.substr(top.size()) : "";
  return rest == "/" || contains(split(rest, '/'), "..") ? "" : rest;
}

double quota_v2(const std::string& folder) {
  long long quota = 0, period = 0;
  std::string line = first_line(folder + "/cpu.max");
  bool limited = std::sscanf(line.c_str(), "%lld %lld", &quota, &period) == 2 && quota > 0 && period > 0;
  return limited ? double(quota) / double(period) : 0;
}

double quota_v1(const std::string& folder) {
  long long quota = 0, period = 0;
  bool limited = std::sscanf(first_line(folder + "/cpu.cfs_quota_us").c_str(), "%lld", &quota) == 1 && quota > 0 &&
                 std::sscanf(first_line(folder + "/cpu.cfs_period_us").c_str(), "%lld", &period) == 1 && period > 0;
  return limited ? double(quota) / double(period) : 0;
}

double smaller_quota(double a, double b) { return a > 0 && b > 0 ? std::min(a, b) : std::max(a, b); }

// The smallest quota from the process's group up to the mount point.
double hierarchy_quota(const std::string& root, const Hierarchy& hierarchy, const std::string& proc_self_cgroup) {
  std::string group = group_of_process(proc_self_cgroup, hierarchy.v2);
  if (group.empty()) return 0;
  double quota = 0;
  for (std::string path = below_mount(group, hierarchy.mount_root);; path.resize(path.rfind('/'))) {
    std::string folder = root + hierarchy.mount_point + path;
    quota = smaller_quota(quota, hierarchy.v2 ? quota_v2(folder) : quota_v1(folder));
    if (path.empty()) return quota;
  }
}

}  // namespace

double cgroup_cpu_quota(const std::string& root, const std::string& proc_self_cgroup) {
  double quota = 0;
  for (bool v2 : {true, false}) {
    for (const Hierarchy& hierarchy : find_hierarchies(root)) {
      if (hierarchy.v2 == v2) quota = smaller_quota(quota, hierarchy_quota(root, hierarchy, proc_self_cgroup));
    }
    if (quota > 0) return quota;
  }
  return 0;
}

}  // namespace engine
