"""How many CPUs the process may use: affinity and cgroup quotas."""

import os

import pytest

from engine import _testing

CPUS = _testing.available_cpus()


def write(root, files):
    for path, text in files.items():
        target = root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    return str(root)


V2_MOUNT = "30 23 0:26 {root} {point} ro,nosuid - cgroup2 cgroup rw,nsdelegate\n"
V1_MOUNT = "31 23 0:27 {root} {point} ro,nosuid shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
OTHER_MOUNTS = (
    "22 27 0:21 / /proc rw - proc proc rw\n28 23 0:9 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\nshort line\n"
)


@pytest.mark.parametrize(
    ("files", "group", "quota"),
    [
        ({}, "0::/\n", 0),
        ({}, "", 0),
        ({}, "garbage", 0),
        ({"/sys/fs/cgroup/cpu.max": "150000 100000\n"}, "0::/\n", 1.5),
        ({"/sys/fs/cgroup/cpu.max": "max 100000\n"}, "0::/\n", 0),
        ({"/sys/fs/cgroup/cpu.max": ""}, "0::/\n", 0),
        ({"/sys/fs/cgroup/cpu.max": "100000 0\n"}, "0::/\n", 0),
        ({"/sys/fs/cgroup/cpu.max": "-1 100000\n"}, "0::/\n", 0),
        # the group's own limit and its ancestors': the smallest counts
        ({"/sys/fs/cgroup/a/cpu.max": "50000 100000", "/sys/fs/cgroup/a/b/cpu.max": "200000 100000"}, "0::/a/b\n", 0.5),
        ({"/sys/fs/cgroup/a/cpu.max": "400000 100000", "/sys/fs/cgroup/a/b/cpu.max": "200000 100000"}, "0::/a/b\n", 2),
        ({"/sys/fs/cgroup/a/cpu.max": "300000 100000", "/sys/fs/cgroup/a/b/cpu.max": "max 100000"}, "0::/a/b\n", 3),
        ({"/sys/fs/cgroup/a/cpu.max": "300000 100000"}, "0::/other\n", 0),
        # a container without a cgroup namespace: the host's path is not there, its own group is the mount point
        ({"/sys/fs/cgroup/cpu.max": "200000 100000"}, "0::/docker/abc\n", 2),
        ({"/sys/fs/cgroup/cpu.max": "200000 100000"}, "0::/../outside\n", 2),
        # v1
        (
            {"/sys/fs/cgroup/cpu/x/cpu.cfs_quota_us": "250000", "/sys/fs/cgroup/cpu/x/cpu.cfs_period_us": "100000"},
            "3:cpuset:/y\n2:cpu,cpuacct:/x\n",
            2.5,
        ),
        (
            {"/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1", "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000"},
            "2:cpu,cpuacct:/\n0::/\n",
            0,
        ),
        # v2 wins over v1
        (
            {
                "/sys/fs/cgroup/unified/cpu.max": "100000 100000",
                "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "50000",
                "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000",
            },
            "2:cpu,cpuacct:/\n0::/\n",
            1,
        ),
        # where mountinfo says that the hierarchies are
        (
            {
                "/proc/self/mountinfo": OTHER_MOUNTS + V2_MOUNT.format(root="/", point="/odd\\040place"),
                "/odd place/a/cpu.max": "300000 100000",
                "/sys/fs/cgroup/cpu.max": "100000 100000",
            },
            "0::/a\n",
            3,
        ),
        # a nested group inside a container whose mount shows the container's group as its top
        (
            {
                "/proc/self/mountinfo": V2_MOUNT.format(root="/docker/abc", point="/sys/fs/cgroup"),
                "/sys/fs/cgroup/cpu.max": "400000 100000",
                "/sys/fs/cgroup/job/cpu.max": "100000 100000",
            },
            "0::/docker/abc/job\n",
            1,
        ),
        (
            {
                "/proc/self/mountinfo": V2_MOUNT.format(root="/docker/abc", point="/sys/fs/cgroup"),
                "/sys/fs/cgroup/cpu.max": "400000 100000",
                "/sys/fs/cgroup/d/cpu.max": "100000 100000",
            },
            "0::/docker/abcd\n",
            4,
        ),
        (
            {
                "/proc/self/mountinfo": OTHER_MOUNTS + V1_MOUNT.format(root="/docker/abc", point="/cg/cpu,cpuacct"),
                "/cg/cpu,cpuacct/cpu.cfs_quota_us": "150000",
                "/cg/cpu,cpuacct/cpu.cfs_period_us": "50000",
            },
            "4:cpu,cpuacct:/docker/abc\n",
            3,
        ),
    ],
)
def test_cgroup_quota(tmp_path, files, group, quota):
    assert _testing.cgroup_cpu_quota(write(tmp_path, files), group) == quota


def test_available_cpus_is_at_least_one():
    assert CPUS >= 1


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no affinity masks")
def test_available_cpus_follows_the_affinity_mask():
    before = os.sched_getaffinity(0)
    assert len(before) >= CPUS
    try:
        os.sched_setaffinity(0, {min(before)})
        assert _testing.available_cpus() == 1
    finally:
        os.sched_setaffinity(0, before)
