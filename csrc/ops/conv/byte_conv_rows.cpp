// Convolutions over all channels of a group: products of pixels' rows with packed columns.
#include <algorithm>
#include <cmath>

#include "base/checked.h"
#include "ops/conv/byte_conv.h"
#include "ops/conv/byte_pixels.h"
#include "ops/pieces.h"

namespace engine {
namespace {

constexpr double kMacsPerNs = 120, kLocateNs = 3;
constexpr int64_t kFinestTileMacs = 400000, kTilesPerWorker = 3;

constexpr int64_t kPartBytes = 2 << 20;  // of weights that one row passes over between looks at the clock

constexpr int64_t kTileResults = 24 << 10;  // that the first-level cache still has when they are looked at again
constexpr int64_t kLeastTileRows = 48;

int64_t aligned(int64_t bytes) { return round_up(bytes, int64_t(kAlignment)); }

// Tiles of equal size, multiples of `unit`, none above `limit` (or one unit).
int64_t even_tile(int64_t size, int64_t limit, int64_t unit) {
  if (size <= 0) return unit;
  limit = std::max(unit, limit / unit * unit);
  return round_up(ceil_div(size, ceil_div(size, limit)), unit);
}

}  // namespace

// As square as may be, so that both operands are read few times.
void ByteConv::choose_tiles(int threads) {
  const int64_t m = shape_.out_pixels(), n = shape_.group_out(), k = std::max<int64_t>(1, pieces_.pieces() * pieces_.length());
  int64_t most = kernels_->tile_macs;
  if (threads > 1) {
    double share = double(m) * double(n) * double(k) / double(threads * kTilesPerWorker);
    most = int64_t(std::clamp(share, double(std::min(kFinestTileMacs, most)), double(most)));
  }
  const int64_t area = std::max<int64_t>(1, most / k), side = int64_t(std::sqrt(double(area)));
  tile_n_ = even_tile(n, std::max(side, area / std::max<int64_t>(1, std::min(m, side))), kernels_->panel);
  tile_m_ = even_tile(m, area / tile_n_, area / tile_n_ >= kernels_->rows ? kernels_->rows : 1);
  if (tile_m_ * tile_n_ > kTileResults) tile_m_ = even_tile(m, std::max<int64_t>(kTileResults / tile_n_, kLeastTileRows), kernels_->rows);
  tiles_m_ = m > 0 ? ceil_div(m, tile_m_) : 0;
  tiles_n_ = ceil_div(n, tile_n_);
}

Status ByteConv::prepare_rows(PrepareContext& c) {
  pieces_ = BytePieces(shape_);
  choose_tiles(c.threads());
  const int64_t element = result_ == DType::Int32 ? 4 : 1;
  rows_at_ = aligned(int64_t(kernels_->scratch_bytes(tile_m_, pieces_.pieces(), pieces_.length())));
  border_at_ = rows_at_ + aligned(tile_m_ * pieces_.pieces() * int64_t(sizeof(void*)));
  sums_at_ = border_at_ + aligned(pieces_.border_bytes(tile_m_));
  const int64_t n = round_up(shape_.group_out(), int64_t(64)), part = kPartBytes / std::min(tile_n_, round_up(shape_.group_out(), int64_t(16)));
  part_ = tile_m_ == 1 && pieces_.pieces() * pieces_.length() > part ? std::max<int64_t>(64, part / 64 * 64) : 0;
  tile_at_ = sums_at_ + (part_ ? aligned(n * int64_t(sizeof(int32_t))) : 0);
  c.need_scratch(tile_at_ + (channels_last ? 0 : aligned(tile_m_ * tile_n_ * element)));
  return {};
}

// Sums being exact, those of one part are where the next begins.
bool ByteConv::run_product(OpRun& r, int worker, ByteRows g, char* scratch) const {
  if (part_ == 0) {
    kernels_->run(g, scratch);
    return true;
  }
  const ByteRows whole = g;
  const int64_t at_once = part_ / whole.length;  // pieces; 0: a part of one
  int32_t* sums = reinterpret_cast<int32_t*>(scratch + sums_at_);
  g.packed_pieces = whole.pieces, g.packed_length = whole.length;
  g.finish.words = true, g.c = sums + g.n0;
  for (int64_t piece = 0, byte = 0; piece < whole.pieces;) {
    g.pieces_before = piece, g.bytes_before = byte;
    g.pieces = std::clamp<int64_t>(at_once, 1, whole.pieces - piece);
    g.length = at_once > 0 ? whole.length : std::min(part_, whole.length - byte);
    const uint8_t* row = whole.rows[piece] + byte;
    g.rows = at_once > 0 ? whole.rows + piece : &row;
    byte += g.length;
    if (byte == whole.length) piece += g.pieces, byte = 0;
    if (piece == whole.pieces) g.finish.words = whole.finish.words, g.c = whole.c;
    kernels_->run(g, scratch);
    if (piece < whole.pieces && !goes_on(r, worker)) return false;
    g.finish.start = sums;
  }
  return true;
}

// Tiles of the same columns follow each other; each fetches a share of the columns that come after them.
void ByteConv::set_next(int64_t item, const char* packed, ByteRows* g) const {
  const int64_t tiles = tiles_m_ * tiles_n_, place = item % tiles_m_, after = item - place + tiles_m_;
  if (tiles_n_ * shape_.groups == 1 || after >= shape_.n * shape_.groups * tiles) return;
  const int64_t group = after / tiles % shape_.groups, panel = after % tiles / tiles_m_ * tile_n_ / kernels_->panel;
  const int64_t panel_bytes = int64_t(kernels_->packed_bytes(kernels_->panel, g->pieces, g->length) - kernels_->packed_bytes(0, g->pieces, g->length));
  const int64_t begin = panel * panel_bytes, end = std::min(begin + tile_n_ / kernels_->panel * panel_bytes, packed_group_bytes());
  const int64_t from = begin + (end - begin) * place / tiles_m_, to = begin + (end - begin) * (place + 1) / tiles_m_;
  g->next = packed + group * packed_group_bytes() + from, g->next_bytes = to - from;
}

Status ByteConv::run_rows(OpRun& r, const Terms& t, const Weights& weights, const uint8_t* x, const uint8_t* end) const {
  const ConvShape& s = shape_;
  const int64_t n = s.group_out(), element = result_ == DType::Int32 ? 4 : 1, padded = round_up(n, int64_t(64));
  const int64_t group_bytes = packed_group_bytes();
  const uint8_t* outside = r.shared_scratch<uint8_t>() + outside_at_;
  char* y = r.out<char>(0);
  const int64_t tiles = tiles_m_ * tiles_n_;
  const double ns = double(tile_m_) * (double(tile_n_ * pieces_.pieces() * pieces_.length()) / kMacsPerNs + double(pieces_.pieces()) * kLocateNs);
  return r.parallel(s.n * s.groups * tiles, ns, [&](int64_t begin, int64_t end_item, int worker) {
    char* scratch = r.scratch(worker);
    const uint8_t** rows = reinterpret_cast<const uint8_t**>(scratch + rows_at_);
    for (int64_t item = begin; item < end_item; ++item) {
      const int64_t image = item / tiles / s.groups, group = item / tiles % s.groups, tile = item % tiles;
      const int64_t m0 = tile % tiles_m_ * tile_m_, m1 = std::min(s.out_pixels(), m0 + tile_m_);
      pieces_.locate(x + image * s.c_in * s.in_pixels() + group * s.group_in(), end, outside, m0, m1,
                     reinterpret_cast<uint8_t*>(scratch + border_at_), rows);
      ByteRows g{};
      g.rows = rows;
      g.m = m1 - m0, g.pieces = pieces_.pieces(), g.length = pieces_.length();
      g.packed = weights.packed + group * group_bytes;
      g.n = n, g.n0 = tile / tiles_m_ * tile_n_, g.n1 = std::min(n, g.n0 + tile_n_);
      if (t.zeros) g.weight_zeros = t.weight_zeros + group * padded;
      g.finish = finish_of(t, group * padded);
      const int64_t columns = g.n1 - g.n0, at = (image * s.out_pixels() + m0) * s.c_out + group * n + g.n0;
      g.c = channels_last ? y + at * element : scratch + tile_at_;
      g.c_stride = channels_last ? s.c_out : columns;
      set_next(item, weights.packed, &g);
      if (!run_product(r, worker, g, scratch)) return;
      uint8_t* bytes = static_cast<uint8_t*>(g.c);
      if (element == 4) {
      } else if (g.c_stride == columns) {
        after(r, bytes, g.m * columns, at);
      } else {
        for (int64_t i = 0; i < g.m; ++i) after(r, bytes + i * g.c_stride, columns, at + i * s.c_out);
      }
      if (!channels_last)
        pixels_to_planes(scratch + tile_at_, g.m, columns, element, s.out_pixels(),
                         y + ((image * s.c_out + group * n + g.n0) * s.out_pixels() + m0) * element);
    }
  });
}

}  // namespace engine
