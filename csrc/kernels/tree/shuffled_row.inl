// A Row of panel.inl from shuffles of 16 bytes, included by tier files inside namespace engine::<tier>. What C has for it:
//
//   spread         16 bytes in every 16 lanes
//   Choice, bit    bit<n>(numbers): whether bit n of each is set
//   choose         (choice, set, unset)
//   pair           (a, b, numbers, choice): the bytes at the low four bits of numbers, of b where the choice is set, else of a

template <class C, int Quarters>
struct ShuffledRow {
  using V = typename C::V;
  using Choice = typename C::Choice;
  V part[4 * Quarters];

  ENGINE_INLINE void load(const uint8_t* bytes) {
    for (int i = 0; i < 4 * Quarters; ++i) part[i] = C::spread(bytes + i * 16);
  }
  ENGINE_INLINE V look_up(V numbers, uint64_t) const {
    const Choice odd = C::template bit<4>(numbers), upper = C::template bit<5>(numbers);
    const V first = quarter(numbers, 0, odd, upper);
    if constexpr (Quarters == 1) return first;
    else return C::choose(C::template bit<6>(numbers), quarter(numbers, 4, odd, upper), first);
  }
  ENGINE_INLINE V quarter(V numbers, int i, Choice odd, Choice upper) const {
    const V low = C::pair(part[i], part[i + 1], numbers, odd), high = C::pair(part[i + 2], part[i + 3], numbers, odd);
    return C::choose(upper, high, low);
  }
};
