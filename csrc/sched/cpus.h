// How many CPUs this process may use.
#pragma once

#include <string>

namespace engine {

// min(CPUs of the affinity mask, the cgroup's CPU quota rounded up), at least 1.
// The quota is cpu.max (cgroup v2) of the process's group and its ancestors, else cpu.cfs_quota_us / cpu.cfs_period_us (v1).
int available_cpus();

// The quota in CPUs that the cgroup files below `root` (usually "/") give to the process whose cgroup file says
// `proc_self_cgroup`; 0 when there is none. Separate from available_cpus for tests.
double cgroup_cpu_quota(const std::string& root, const std::string& proc_self_cgroup);

}  // namespace engine
