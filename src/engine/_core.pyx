# distutils: language = c++
# cython: language_level=3, boundscheck=False, wraparound=False, embedsignature=True
"""The binding of the core: what each call passes through."""

import os
import threading

import numpy as np

from engine import errors as _errors
from engine import events as _events

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_GetItem
from cpython.exc cimport PyErr_CheckSignals
from cpython.long cimport PyLong_AsDouble, PyLong_CheckExact
from cpython.object cimport PyObject
from cpython.pythread cimport PyThread_get_thread_ident
from cpython.ref cimport Py_DECREF, Py_INCREF
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset
from libcpp cimport bool as cbool
from libcpp.pair cimport pair
from libcpp.string cimport string
from libcpp.vector cimport vector
cimport cython
cimport numpy as cnp

from engine._native cimport *
from engine.custom_op cimport *

cnp.import_array()

include "_types.pxi"
include "_text.pxi"
include "_values.pxi"
include "_signature.pxi"
include "_calls.pxi"
include "_counts.pxi"
include "_loading.pxi"
include "_life.pxi"
include "_facts.pxi"
include "_service.pxi"
include "_profile.pxi"
include "_async.pxi"
include "_operators.pxi"


def core_version():
    """The version that the core was built as."""
    return version().decode()


def cpus():
    """CPUs that this process may use: the affinity mask and the cgroup's quota."""
    return available_cpus()


def isa():
    """The instruction-set tier that kernels are chosen for: the CPU's best, or the one that ENGINE_ISA names."""
    return isa_name(active_isa()).decode()


def _force_isa(str name):
    """For tests: the tier of models that are loaded from now on. Raises ValueError when this machine does not have it."""
    for tier in supported_isas():
        if isa_name(tier).decode() == name:
            force_isa(tier)
            return
    raise ValueError(f"unsupported instruction set {name!r}")
