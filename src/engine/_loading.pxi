# What loading is given, and what comes of it.

cdef LoadOptions options_from(dict given) except *:
    cdef LoadOptions options
    options.sha256 = (given["sha256"] or "").encode()
    for folder in given["external_data"]:
        options.external_data.push_back(folder.encode("utf-8", "surrogateescape"))
    listed = given["external_sha256"]
    if listed is not None:
        options.only_listed_files = True
        for name, digest in listed.items():
            options.external_sha256.push_back(pair[string, string](name.encode("utf-8", "surrogateescape"), digest.encode()))
    options.hash_external_files = given["hash_files"]
    options.threads = given["threads"] or 0
    options.level = {"off": Level.Off, "cheap": Level.Cheap, "all": Level.All}[given["optimize"]]
    options.allow_random = given["allow_random"]
    options.cache = (given["cache"] or "").encode("utf-8", "surrogateescape")
    options.cache_limit = given["cache_limit"]
    for name in given["as_inputs"]:
        options.as_inputs.push_back(name.encode())
    for symbol, size in given["dims"].items():
        options.dims.push_back(pair[string, int64_t](<string>symbol.encode(), <int64_t>size))
    return options


cdef WarmUp warm_up_from(warmup) except *:
    cdef WarmUp native
    cdef vector[int64_t] dims
    native.enabled = warmup is not False
    if isinstance(warmup, bool):
        return native
    for run in warmup:
        begin_warm_up(native)
        for name, shape in run.items():
            if len(shape) > 12:
                raise _errors.InvalidInput(f"warm-up: input {name!r} is given {len(shape)} dimensions; at most 12 are supported")
            dims.clear()
            for dim in shape:
                if dim < 0:
                    raise _errors.InvalidInput(f"warm-up: input {name!r} is given shape {tuple(shape)}; dimensions are at least 0")
                dims.push_back(dim)
            add_warm_up_shape(native, name.encode(), dims.data(), <int>dims.size())
    return native


cdef dict external_files_of(const vector[ExternalFileInfo]& files):
    """sha256 is known where it was checked or asked for."""
    cdef dict found = {}
    cdef size_t i, j
    for i in range(files.size()):
        facts = (files[i].path.decode("utf-8", "surrogateescape"), files[i].bytes, files[i].sha256.decode())
        for j in range(files[i].locations.size()):
            found[files[i].locations[j].decode("utf-8", "surrogateescape")] = facts
    return found


cdef dict shared_packs(CModel* model):
    cdef SharedPacks packs = model.shared_packs()
    return {
        "bytes": packs.bytes,
        "found": packs.found,
        "stored": packs.stored,
        "failed": packs.failed,
        "failure": packs.failure.decode("utf-8", "replace"),
    }


cdef class Loaded:
    """A version that was loaded and does not answer yet."""

    cdef RefPtr[CModel] model

    @property
    def digest(self):
        return self.model.get().digest().decode()

    @property
    def cache(self):
        return shared_packs(self.model.get())

    @property
    def external_files(self):
        return external_files_of(self.model.get().files())
