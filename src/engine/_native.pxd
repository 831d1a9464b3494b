# distutils: language = c++
"""What the binding uses of the core."""

from libc.stdint cimport int64_t, uint32_t, uint64_t
from libcpp cimport bool as cbool
from libcpp.memory cimport shared_ptr
from libcpp.pair cimport pair
from libcpp.string cimport string
from libcpp.vector cimport vector
cimport numpy as cnp

from engine.custom_op cimport EngineOperator


cdef extern from "numpy/arrayobject.h" nogil:
    int PyArray_ISCARRAY_RO(cnp.ndarray)

cdef extern from "base/status.h" namespace "engine" nogil:
    cdef enum class Code(unsigned char):
        Ok
        Overloaded
    const char* code_name(Code)
    cdef cppclass Status:
        Status()
        cbool ok()
        Code code()
        const string& message()

cdef extern from "tensor/dtype.h" namespace "engine" nogil:
    cdef enum class DType(unsigned char):
        Undefined
        Float
        Int64
        String
    const char* dtype_name(DType)
    int64_t dtype_size(DType)
    DType dtype_from_onnx(int64_t)

cdef extern from "base/memory.h" namespace "engine" nogil:
    cdef cppclass RefCounted:
        pass
    cdef cppclass Buffer(RefCounted):
        char* data()
        int64_t size()
    cdef cppclass MemoryAccount:
        int64_t used()
        int64_t peak()
        int64_t limit()

cdef extern from "base/ref_ptr.h" namespace "engine" nogil:
    cdef cppclass RefPtr[T]:
        RefPtr()
        RefPtr(T*)
        T* get()

cdef extern from "tensor/tensor.h" namespace "engine" nogil:
    cdef cppclass Shape:
        int rank()
        int64_t operator[](int)
        void push_back(int64_t)
        int64_t elements()
    cdef cppclass Tensor:
        DType dtype
        Shape shape
        void* data
        RefPtr[Buffer] buffer
        int64_t elements()

cdef extern from "tensor/value.h" namespace "engine" nogil:
    cdef enum class ValueKind(unsigned char):
        Tensor
        Sequence
        Map
    cdef cppclass ValueParts:
        pass
    cdef cppclass Value:
        Value()
        ValueKind kind
        Tensor tensor
        shared_ptr[const ValueParts] parts

cdef extern from "graph/type_info.h" namespace "engine" nogil:
    cdef enum class TypeKind(unsigned char):
        Unknown
        Tensor
        Sequence
        Optional
        Map
    cdef cppclass TypeInfo:
        TypeInfo()
        TypeKind kind
        DType dtype
        cbool has_rank
        Shape shape
        shared_ptr[const TypeInfo] element
        string text() except +

cdef extern from "sched/clock.h" namespace "engine" nogil:
    int64_t now_ns()
    int64_t kNever

cdef extern from "service/timed_cancel_token.h" namespace "engine" nogil:
    cdef cppclass CancelToken_ "engine::TimedCancelToken":
        CancelToken_() except +
        void cancel()
        cbool cancelled()

cdef extern from "sched/prepare_thread.h" namespace "engine" nogil:
    cbool prepare_thread()

cdef extern from "passes/pass.h" namespace "engine" nogil:
    cdef enum class Level(int):
        Off
        Cheap
        All

cdef extern from "service/metrics.h" namespace "engine" nogil:
    cdef enum class Outcome(int):
        invalid
        memory
        error
    cdef enum class Counter(int):
        loads_failed
    int kOutcomes
    int kCounters
    int kMeasures
    cdef cppclass Histogram:
        uint64_t count()
        uint64_t sum()
        double quantile(double)
        const vector[uint64_t]& counts()
    cdef cppclass MetricsSnapshot:
        uint64_t started
        uint64_t in_flight
    cdef cppclass MetricsBlock:
        @staticmethod
        size_t cells()
        @staticmethod
        size_t bytes()
        @staticmethod
        MetricsBlock* on(void*)
        void count(Counter)
    cdef cppclass MetricsPlace:
        pass
    cdef cppclass Metrics:
        MetricsBlock& current()
        void count_for(int, MetricsBlock*) except +
        vector[int] versions() except +

cdef extern from "service/histogram.h" namespace "engine" nogil:
    cdef cppclass Buckets:
        @staticmethod
        int64_t lower(int)
    int kBuckets "engine::Buckets::kCount"

cdef extern from "service/service.h" namespace "engine" nogil:
    cdef enum class State(int):
        Ready
    const char* state_name(State)
    cdef cppclass ServiceOptions:
        int max_concurrency
        int max_queue
        int64_t timeout_ns
        int64_t max_timeout_ns
        cbool refuse_late
        int keep_versions
        int64_t memory_limit
    cdef cppclass Version:
        CModel& model()
        int number()
        int signature()
    cdef cppclass Slot "engine::ModelSlot<engine::Version>":
        RefPtr[Version] get()
    cdef cppclass Admission:
        int permits()
        int max_queue()
        int running()
        int queued()
    cdef cppclass Service(RefCounted):
        Service(const ServiceOptions&) except +
        const ServiceOptions& options()
        Admission& admission()
        Metrics& metrics()
        void set_metrics_place(MetricsPlace*)
        Slot& slot()
        RefPtr[MemoryAccount] account()
        State state()
        string reason() except +
        Status accepts()
        State wait_loaded(int64_t)
        void fail(const string&)
        int forget_versions()
        vector[int] kept_versions() except +
        @staticmethod
        cbool thread_in_call()
        int begin_drain()
        cbool wait_drained(int64_t)
        int abort_calls()
        void close()

cdef extern from "api/engine.h" namespace "engine" nogil:
    const char* version()
    int available_cpus()
    cdef enum class Isa(int):
        scalar
    Isa active_isa()
    vector[Isa] supported_isas()
    void force_isa(Isa)
    const char* isa_name(Isa)
    cdef cppclass Port:
        string name
        TypeInfo type
        vector[string] dim_names
    cdef cppclass LoadOptions:
        string sha256
        vector[string] external_data
        vector[pair[string, string]] external_sha256
        cbool only_listed_files
        cbool hash_external_files
        int threads
        Level level
        cbool allow_random
        string cache
        int64_t cache_limit
        vector[string] as_inputs
        vector[pair[string, int64_t]] dims
    cdef cppclass SharedPacks:
        int64_t bytes
        int64_t found
        int64_t stored
        int64_t failed
        string failure
    cdef cppclass ExternalFileInfo:
        string path
        int64_t bytes
        string sha256
        vector[string] locations
    cdef cppclass ModelFacts:
        string producer
        string producer_version
        string domain
        string description
        string graph
        string graph_description
        int64_t version
        int64_t ir_version
    cdef cppclass LoadTimes:
        int64_t read
        int64_t optimize
        int64_t plan
        int64_t warm_up
    cdef cppclass CModel "engine::Model"(RefCounted):
        const vector[Port]& inputs()
        const vector[Port]& outputs()
        const vector[Port]& default_inputs()
        const ModelFacts& facts()
        const string& digest()
        const vector[ExternalFileInfo]& files()
        const vector[pair[string, string]]& metadata()
        const vector[pair[string, int]]& opsets()
        const vector[pair[string, int]]& operators()
        const string& producer()
        const LoadTimes& load_times()
        int64_t parameters()
        int threads()
        int64_t constant_bytes()
        int64_t packed_bytes()
        SharedPacks shared_packs()
    cdef cppclass ModelSource:
        string path
        const void* data
        size_t size
    cdef cppclass WarmUp:
        cbool enabled
    cdef cppclass Plan:
        int64_t arena_bytes
        int64_t scratch_per_worker
        vector[int] refs
    cdef cppclass Interrupt:
        pass
    cdef cppclass CallOptions:
        int64_t deadline_ns
        CancelToken_* token
        cbool high_priority
        Interrupt* interrupt
    cdef cppclass CallReport:
        int64_t queued_ns
        int64_t computed_ns
        int version
        int signature
        int64_t retry_after_ns
        string node
    cdef cppclass Call:
        Call(Service&) except +
        Call(Service&, cbool) except +
        Status open() except +
        const Version& version()
        int64_t deadline(double)
        void set_tensor(int, DType, int, const int64_t*, void*) except +
        void set_value(int, Value) except +
        cbool enter_at_once(const CallOptions&) except +
        cbool enter_if_short(const CallOptions&, int64_t) except +
        cbool fixed(int)
        const TypeInfo& output_type(int)
        void bind_output(int, void*)
        Status run() except +
        Status wait_and_run(const CallOptions&) except +
        Status wait_and_run(const CallOptions&, vector[int64_t]*) except +
        void refuse(Outcome)
        Status plan() except +
        const Plan& plan_used()
        Value& output(int)
        const CallReport& report()
    cdef cppclass CMailbox "engine::Mailbox"(RefCounted):
        CMailbox(cbool) except +
        int descriptor()
        RefPtr[AsyncCall] take()
        void wait(int64_t)
        void wake()
        void close(RefPtr[CMailbox])
    cdef cppclass AsyncCall(RefCounted):
        AsyncCall(RefPtr[Service], RefPtr[CMailbox]) except +
        Call& call()
        void start(const CallOptions&) except +
        void cancel()
        const Status& status()
    string describe_plan(const Plan&, const vector[int64_t]*) except +
    cdef enum class Flops(unsigned char):
        Unknown
        Counted
        Estimated
    cdef cppclass StepCost:
        double flops
        double bytes
        Flops known
        cbool shapes_known
    cdef cppclass StepReport:
        string op
        string node
        string outputs
        int64_t ns
        StepCost cost
    vector[StepReport] report_steps(const Plan&, const vector[int64_t]&) except +
    cdef cppclass MemoryLevel:
        string name
        int64_t bytes
        double gbytes
    cdef cppclass MachinePeak:
        double gflops
        vector[MemoryLevel] levels
    Status measure_peak_into(int, MachinePeak*) except +

cdef extern from "api/binding.h" namespace "engine" nogil:
    Status load_for(Service&, const ModelSource&, const LoadOptions&, const WarmUp&, cbool, RefPtr[CModel]*) except +
    Status publish(Service&, const RefPtr[CModel]&, cbool, int*)
    Status rollback(Service&, int*)
    void sleep_ns(int64_t)
    void begin_warm_up(WarmUp&) except +
    void add_warm_up_shape(WarmUp&, const string&, const int64_t*, int) except +
    MetricsSnapshot* new_snapshot(Service&) except +
    MetricsSnapshot* new_snapshot_of(Service&, int) except +
    cdef cppclass FunctionInterrupt(Interrupt):
        void set(cbool (*)(void*) noexcept with gil, void*)
    cdef cppclass FunctionPlace(MetricsPlace):
        void set(uint64_t (*)(void*, int) noexcept with gil, void*)
    uint64_t outcome_count(const MetricsSnapshot&, int)
    uint64_t counter_count(const MetricsSnapshot&, int)
    const Histogram& histogram(const MetricsSnapshot&, int)
    const char* outcome_name(int)
    const char* counter_name(int)
    const char* measure_name(int)
    const char* outcome_help(int)
    const char* counter_help(int)
    const char* measure_help(int)
    Status make_string_tensor(const int64_t*, int, Value*) except +
    void set_string(Value&, int64_t, const char*, int64_t) except +
    const string& get_string(const Tensor&, int64_t)
    void append_item(vector[Value]&, const Value&) except +
    Status copy_tensor(DType, int, const int64_t*, const void*, Value*) except +
    Value make_parts(ValueKind, vector[Value]&) except +
    const Value& part(const Value&, size_t)
    size_t part_count(const Value&)

cdef extern from "api/fixed_text.h" namespace "engine" nogil:
    int64_t set_wide_strings(Value&, const uint32_t*, int64_t) except +
    void set_byte_strings(Value&, const char*, int64_t) except +

cdef extern from "ops/added_operators.h" namespace "engine" nogil:
    cdef cppclass AddedOperator:
        string domain_text
        string name_text
        string origin
        int since
        int until
    vector[const AddedOperator*] added_operators() except +
    void set_operator_finder(string (*)() noexcept with gil)

cdef extern from "api/custom_library.h" namespace "engine" nogil:
    ctypedef void* OperatorsFunction
    Status register_library(OperatorsFunction, const string&, const string&) except +
    Status register_operator(const EngineOperator&, const string&, cbool) except +

cdef extern from "Python.h":
    cbool PyUnicode_IS_COMPACT_ASCII(object)
    void* PyUnicode_DATA(object)
    Py_ssize_t PyUnicode_GET_LENGTH(object)
