// Activations of finished rows. Included inside a tier's namespace after its Lanes.

template <class F>
void map_row(float* row, int n, F f) {
  int j = 0;
  for (; j + Lanes::width <= n; j += Lanes::width) Lanes::store(row + j, f(Lanes::load(row + j)));
  if (j < n) Lanes::store_first(row + j, f(Lanes::load_first(row + j, n - j)), n - j);
}

static Lanes::V unit_ramp(Lanes::V x, Lanes::V a, Lanes::V b) {
  return Lanes::at_most(Lanes::set(1.0f), Lanes::at_least(Lanes::zero(), Lanes::add(Lanes::mul(x, a), b)));
}

static void activate_row(float* row, int n, Activation activation, float alpha, float beta) {
  using V = Lanes::V;
  const V a = Lanes::set(alpha), b = Lanes::set(beta);
  switch (activation) {
    case Activation::leaky_relu:
      return map_row(row, n, [=](V x) { return Lanes::if_negative(x, Lanes::mul(x, a), x); });
    case Activation::hard_sigmoid:
      return map_row(row, n, [=](V x) { return unit_ramp(x, a, b); });
    case Activation::hard_swish:
      return map_row(row, n,
                     [](V x) { return Lanes::mul(x, unit_ramp(x, Lanes::set(1.0f / 6.0f), Lanes::set(0.5f))); });
    default:
      for (int j = 0; j < n; ++j) row[j] = activate(activation, row[j], alpha, beta);
  }
}
