// Vectors by plain arithmetic; include inside namespace engine::scalar, after typed_lanes_plain.h.
using DoubleLanes = PlainLanes<double, 2, 16>;
using Word32Lanes = PlainLanes<uint32_t, 4, 16>;
using Word64Lanes = PlainLanes<uint64_t, 2, 16>;
