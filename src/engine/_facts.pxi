# What the version that is current tells of itself.

cdef dict name_counts(const vector[pair[string, int]]& found):
    cdef size_t i
    return {found[i].first.decode(): found[i].second for i in range(found.size())}


cdef class FactsBase(ServiceBase):
    """Facts of the current version, and what calls of it are checked against."""

    cdef Signature signature    # of the version seen last
    cdef dict signatures        # by number

    def __cinit__(self, *args, **kwargs):
        self.signatures = {}

    cdef Signature now(self):
        cdef RefPtr[Version] version = self.current()
        return self.known(version.get())

    cdef Signature known(self, const Version* version):
        cdef int number = version.signature()
        cdef Signature s = self.signature
        if s is not None and s.number == number:
            return s
        s = self.signatures.get(number)
        if s is None:
            s = Signature.make(&version.model(), number)
            self.signatures[number] = s
        self.signature = s
        return s

    cdef RefPtr[Version] current(self) except *:
        cdef RefPtr[Version] version
        if self.service != NULL:
            version = self.service.slot().get()
        if version.get() == NULL:
            if self.service != NULL:
                check(self.service.accepts())
            raise _errors.NotReady("the model is closed")
        return version

    @property
    def inputs(self):
        """The inputs, a tuple of TensorInfo."""
        return self.now().inputs

    @property
    def outputs(self):
        """The outputs, a tuple of TensorInfo."""
        return self.now().outputs

    @property
    def default_inputs(self):
        """Inputs to which the file itself gives a value, a tuple of TensorInfo: constants, unless load's as_inputs names them."""
        cdef RefPtr[Version] version = self.current()
        cdef const CModel* model = &version.get().model()
        return tuple([describe(model.default_inputs()[i]) for i in range(model.default_inputs().size())])

    @property
    def input_names(self):
        return self.now().input_names

    @property
    def output_names(self):
        return self.now().output_names

    @property
    def version(self):
        """The number of the version that is current: 1, 2, ..."""
        return self.current().get().number()

    @property
    def digest(self):
        """"sha256:..." of exactly the bytes that were parsed."""
        return self.current().get().model().digest().decode()

    @property
    def external_files(self):
        """The external data files of the current version: dict from its name in the model to (path, bytes, SHA-256 or "")."""
        return external_files_of(self.current().get().model().files())

    @property
    def threads(self):
        """Threads that one call may use."""
        return self.current().get().model().threads()

    @property
    def metadata(self):
        """The file's metadata properties, a dict of str."""
        cdef RefPtr[Version] version = self.current()
        cdef const vector[pair[string, string]]* found = &version.get().model().metadata()
        cdef size_t i
        return {found[0][i].first.decode("utf-8", "replace"): found[0][i].second.decode("utf-8", "replace") for i in range(found.size())}

    @property
    def facts(self):
        """What the file says of itself: a dict of str, and of int for version and ir_version."""
        cdef RefPtr[Version] version = self.current()
        cdef const ModelFacts* facts = &version.get().model().facts()
        return {
            "producer": facts.producer.decode("utf-8", "replace"),
            "producer_version": facts.producer_version.decode("utf-8", "replace"),
            "domain": facts.domain.decode("utf-8", "replace"),
            "description": facts.description.decode("utf-8", "replace"),
            "graph": facts.graph.decode("utf-8", "replace"),
            "graph_description": facts.graph_description.decode("utf-8", "replace"),
            "version": facts.version,
            "ir_version": facts.ir_version,
        }

    @property
    def opsets(self):
        """Domain -> version that the file imports; "" is ai.onnx."""
        cdef RefPtr[Version] version = self.current()
        return name_counts(version.get().model().opsets())

    @property
    def operators(self):
        """Operator -> number of nodes in the file."""
        cdef RefPtr[Version] version = self.current()
        return name_counts(version.get().model().operators())

    @property
    def producer(self):
        return self.current().get().model().producer().decode("utf-8", "replace")

    @property
    def parameters(self):
        """Number of elements in the file's constants."""
        return self.current().get().model().parameters()

    @property
    def load_seconds(self):
        """Seconds of the phases of loading: read, optimize, plan, warm_up."""
        cdef RefPtr[Version] version = self.current()
        cdef const LoadTimes* t = &version.get().model().load_times()
        return {"read": t.read * 1e-9, "optimize": t.optimize * 1e-9, "plan": t.plan * 1e-9, "warm_up": t.warm_up * 1e-9}

    @property
    def memory(self):
        """Bytes: constants in the file, packed, in use now by all versions, at most so far, limit (0: none)."""
        cdef RefPtr[Version] version = self.current()
        cdef RefPtr[MemoryAccount] account = self.service.account()
        return {
            "constants": version.get().model().constant_bytes(),
            "packed": version.get().model().packed_bytes(),
            "used": account.get().used(),
            "peak": account.get().peak(),
            "limit": account.get().limit(),
        }

    @property
    def cache(self):
        """Of the current version's packed weights, those that other processes share through load's cache folder.

        bytes: mapped from there. found, stored: how many were there, and how many this process put there. failed: files that were no
        good or could not be written; failure: what the first of them was.
        """
        cdef RefPtr[Version] version = self.current()
        return shared_packs(&version.get().model())
